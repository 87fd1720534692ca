/**
 * hstore, the type of an extension: as objects without a prototype, or as maps.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type Adaptation,
  type DumperClass,
  Format,
  type Loader,
  type LoaderClass,
  type SessionState,
} from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import {
  type PairSink,
  readHstoreBinary,
  readHstoreText,
} from "./hstore_text.ts";
import { mapOf, type RegisterContext } from "./register_context.ts";
import { checkText } from "./text.ts";
import type { TypeInfo } from "./type_info.ts";

/** What is sent as hstore. */
type Hstore =
  | ReadonlyMap<unknown, unknown>
  | Readonly<Record<string, unknown>>;

/** How hstore is loaded. */
export interface HstoreOptions {
  /**
   * Whether as objects without a prototype, so that every key is safe, or as
   * maps.
   *
   * @default {"object"}
   */
  as?: "object" | "map" | undefined;
}

/** Starts a value. */
type Begin = () => { value: unknown; sink: PairSink };

function beginObject(): ReturnType<Begin> {
  const value: Record<string, string | null> = Object.create(null);
  return {
    value,
    sink: (key, item) => {
      value[key] = item;
    },
  };
}

function beginMap(): ReturnType<Begin> {
  const value = new Map<string, string | null>();
  return { value, sink: (key, item) => void value.set(key, item) };
}

/** Refuses what has lengths that are not those of the bytes. */
function checkLengths(
  session: SessionState,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const server = session.parameterStatus("server_encoding");
  if (server === null || server === session.encoding) return;
  for (let at = start; at < end; at++) {
    if (bytes[at]! < 0x80) continue;
    throw new DataError(
      `Cannot read an hstore in binary: in a session whose client_encoding is ${session.encoding} and not ${server} the server sends wrong lengths, ask for text`,
    );
  }
}

function makeLoaders(begin: Begin): [LoaderClass, LoaderClass] {
  class HstoreLoader implements Loader {
    static readonly format: Format = Format.TEXT;

    load(source: ReadBuffer, start: number, end: number): unknown {
      const { value, sink } = begin();
      readHstoreText(source, start, end, sink);
      return value;
    }
  }

  // It has no twin: the server sends the lengths that the texts have in its own
  // encoding, whatever encoding they are sent in.
  class HstoreBinaryLoader implements Loader {
    static readonly format: Format = Format.BINARY;
    readonly #session: SessionState;

    constructor(_oid: number, adaptation: Adaptation) {
      this.#session = adaptation.session;
    }

    load(source: ReadBuffer, start: number, end: number): unknown {
      checkLengths(this.#session, source.bytes, start, end);
      const { value, sink } = begin();
      readHstoreBinary(source, start, end, sink);
      return value;
    }
  }

  return [HstoreLoader, HstoreBinaryLoader];
}

/** The pairs of a value, which are strings and nulls only. */
function pairsOf(value: Hstore): [string, string | null][] {
  const pairs = value instanceof Map
    ? [...value] as [unknown, unknown][]
    : Object.entries(value);
  for (const [key, item] of pairs) {
    if (typeof key !== "string") {
      throw new DataError(
        `Cannot send a map as hstore: a key is a ${typeof key}, not a string`,
      );
    }
    if (item !== null && typeof item !== "string") {
      throw new DataError(
        `Cannot send an object as hstore: the value at ${
          JSON.stringify(key)
        } is neither a string nor null, wrap the object in new Jsonb(...) to send it as JSON`,
      );
    }
  }
  return pairs as [string, string | null][];
}

function quote(text: string): string {
  return `"${checkText(text).replaceAll(/["\\]/g, "\\$&")}"`;
}

function writeText(value: Hstore): string {
  return pairsOf(value).map(([key, item]) =>
    `${quote(key)}=>${item === null ? "NULL" : quote(item)}`
  ).join(", ");
}

function makeDumpers(
  info: TypeInfo,
): [DumperClass<Hstore>, DumperClass<Hstore>] {
  class HstoreDumper extends TextDumper<Hstore> {
    override readonly oid: number = info.oid;
    override readonly cast: string = info.regtype;

    override text(value: Hstore): string {
      return writeText(value);
    }
  }

  class HstoreBinaryDumper extends BinaryDumper<Hstore> {
    override readonly oid: number = info.oid;
    override readonly cast: string = info.regtype;

    override dump(value: Hstore, out: WriteBuffer): void {
      const pairs = pairsOf(value);
      out.int32(pairs.length);
      for (const [key, item] of pairs) {
        const keyAt = out.beginValue();
        out.text(key);
        out.endValue(keyAt);
        const at = out.beginValue();
        if (item === null) out.nullValue(at);
        else {
          out.text(item);
          out.endValue(at);
        }
      }
    }

    override text(value: Hstore): string {
      return writeText(value);
    }
  }

  return [HstoreDumper, HstoreBinaryDumper];
}

/**
 * Has hstore loaded as objects, whose values are strings and nulls, and sent
 * from plain objects and maps. In this context a plain object is then no longer
 * sent as JSON: `new Jsonb(object)` still is.
 *
 * Loaded objects have no prototype, so that no key means anything else.
 *
 * @param info The type, as `TypeInfo.fetch(conn, "hstore")` finds it.
 * @param context A connection, a cursor, or a map of adapters; by default the
 * global one, for the connections that are opened later.
 * @param options What hstore is loaded as.
 * @throws {TypeError} If there is no type: the extension may not be installed.
 *
 * @example
 * ```ts
 * import { connect, registerHstore, TypeInfo } from "@x/pgts";
 *
 * await using conn = await connect();
 * const info = await TypeInfo.fetch(conn, "hstore");
 * if (info !== null) { // the extension is installed in this database
 *   registerHstore(info, conn);
 *   const row = await conn.execute("select %s as tags", [{ a: "1", b: null }]).fetchOne();
 *   console.log(row?.tags); // { a: "1", b: null }
 * }
 * ```
 */
export function registerHstore(
  info: TypeInfo | null,
  context?: RegisterContext | null,
  options: HstoreOptions = {},
): void {
  if (info == null) {
    throw new TypeError(
      'Cannot register hstore: there is no such type, is the extension created in this database ("create extension hstore") and its schema in the search_path?',
    );
  }
  const map = mapOf(context);
  info.register(map);
  const begin = options.as === "map" ? beginMap : beginObject;
  for (const loader of makeLoaders(begin)) map.registerLoader(info.oid, loader);
  const [text, binary] = makeDumpers(info);
  for (const each of [Object, Map]) {
    map.registerDumper(each, binary);
    map.registerDumper(each, text);
  }
}
