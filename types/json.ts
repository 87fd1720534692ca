/**
 * The types json and jsonb: loaders, the wrappers {@linkcode Json} and
 * {@linkcode Jsonb} for parameters, plain objects as jsonb, and how to read and
 * write JSON in another way than `JSON.parse` and `JSON.stringify` do.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type DumperClass,
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import {
  type JsonDumps,
  type JsonLoads,
  parseJson,
  readJson,
  stringifyJson,
  writeJson,
} from "./json_text.ts";
import { OID } from "./oids.ts";
import { type RegistrarContext, registrarOf } from "./registrar.ts";
import { checkText } from "./text.ts";

const JSONB_VERSION = 1;

/** What {@linkcode Json} and {@linkcode Jsonb} share. */
export abstract class JsonWrapper {
  /** The value to be written as JSON. */
  readonly value: unknown;
  /** How it is written, or `undefined` for the way of the context. */
  readonly dumps: JsonDumps | undefined;

  /**
   * Wraps a value.
   *
   * @param value The value; `null` is the JSON `null`, not SQL's NULL.
   * @param dumps How to write it, instead of the way of the context.
   */
  constructor(value: unknown, dumps?: JsonDumps) {
    this.value = value;
    this.dumps = dumps;
  }

  /**
   * What stands for the value, so that a wrapper inside another value leaves no
   * trace. `JSON.stringify` calls no second `toJSON()`, hence the call here.
   *
   * @param key The property that the wrapper is found under.
   * @returns The value, or what its own `toJSON()` gives.
   */
  toJSON(key?: string): unknown {
    const value = this.value as { toJSON?: unknown } | null | undefined;
    return typeof value?.toJSON === "function" ? value.toJSON(key) : value;
  }
}

/**
 * A parameter of the type json.
 *
 * @example An array as json
 * ```ts no-eval
 * import { connect } from "@x/pgts";
 * import { Json } from "@x/pgts/types";
 *
 * await using conn = await connect();
 * await conn.execute("create temp table events (data json)");
 * await conn.execute("insert into events (data) values (%s)", [new Json([])]);
 * ```
 */
export class Json extends JsonWrapper {}

/**
 * A parameter of the type jsonb. A plain object needs no wrapper, anything else
 * does: a bare array is a PostgreSQL array, and a bare string is left to the
 * server, which reads it as the text of a JSON document.
 *
 * @example The JSON null
 * ```ts no-eval
 * import { connect } from "@x/pgts";
 * import { Jsonb } from "@x/pgts/types";
 *
 * await using conn = await connect();
 * await conn.execute("create temp table events (data json)");
 * await conn.execute("insert into events (data) values (%s)", [new Jsonb(null)]);
 * ```
 */
export class Jsonb extends JsonWrapper {}

/** Reads the text of a json or a jsonb. */
export class JsonLoader implements Loader {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  /** How the text is read; `JSON.parse`, which rounds large numbers, by default. */
  readonly loads: JsonLoads = parseJson;

  /**
   * The value between the bounds.
   *
   * @throws {DataError} If it is not valid JSON.
   */
  load(source: ReadBuffer, start: number, end: number): unknown {
    return readJson(this.loads, source.text(start, end));
  }
}

/** Reads a binary json, which is its text. */
export class JsonBinaryLoader extends JsonLoader {
  /** Binary. */
  static override readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = JsonLoader;
}

/** Reads a binary jsonb: a version, and the text. */
export class JsonbBinaryLoader extends JsonLoader {
  /** Binary. */
  static override readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = JsonLoader;

  /**
   * The value between the bounds.
   *
   * @throws {DataError} If it is of another version, or not valid JSON.
   */
  override load(source: ReadBuffer, start: number, end: number): unknown {
    const version = start < end ? source.bytes[start]! : 0;
    if (version !== JSONB_VERSION) {
      throw new DataError(
        `Cannot read a binary jsonb: its version is ${version}, only 1 is known, ask for the text format`,
      );
    }
    return readJson(this.loads, source.text(start + 1, end));
  }
}

/** The JSON of a wrapper or of a bare value. */
function formatJson(value: unknown, dumps: JsonDumps): string {
  return value instanceof JsonWrapper
    ? writeJson(value.dumps ?? dumps, value.value)
    : writeJson(dumps, value);
}

/**
 * Sends a value as the text of a json. It serves {@linkcode Json}, and any
 * class of values that it is registered for.
 */
export class JsonDumper extends TextDumper {
  /** The OID of json. */
  override readonly oid: number = OID.JSON;
  /** The cast after a literal. */
  override readonly cast: string = "json";
  /** How values are written that do not say so themselves. */
  readonly dumps: JsonDumps = stringifyJson;

  /**
   * The JSON of the value.
   *
   * @throws {DataError} If the value has none.
   */
  override text(value: unknown): string {
    return checkText(formatJson(value, this.dumps));
  }
}

/**
 * Sends a value as the text of a jsonb: the default for {@linkcode Jsonb} and
 * for plain objects.
 *
 * @example A class of one's own, written by its toJSON()
 * ```ts no-eval
 * import { adapters } from "@x/pgts";
 * import { JsonbDumper } from "@x/pgts/types";
 *
 * adapters.registerDumper(URL, JsonbDumper);
 * ```
 */
export class JsonbDumper extends JsonDumper {
  /** The OID of jsonb. */
  override readonly oid: number = OID.JSONB;
  /** The cast after a literal. */
  override readonly cast: string = "jsonb";
}

/** Sends a value as a binary json, which is its text. */
export class JsonBinaryDumper extends BinaryDumper {
  /** The OID of json. */
  override readonly oid: number = OID.JSON;
  /** The cast after a literal. */
  override readonly cast: string = "json";
  /** How values are written that do not say so themselves. */
  readonly dumps: JsonDumps = stringifyJson;

  /**
   * Appends the JSON of the value.
   *
   * @throws {DataError} If the value has none.
   */
  override dump(value: unknown, out: WriteBuffer): void {
    out.text(formatJson(value, this.dumps));
  }

  /**
   * The JSON of the value.
   *
   * @throws {DataError} If the value has none.
   */
  override text(value: unknown): string {
    return checkText(formatJson(value, this.dumps));
  }
}

/** Sends a value as a binary jsonb: a version, and the text. */
export class JsonbBinaryDumper extends JsonBinaryDumper {
  /** The OID of jsonb. */
  override readonly oid: number = OID.JSONB;
  /** The cast after a literal. */
  override readonly cast: string = "jsonb";

  /**
   * Appends the version and the JSON of the value.
   *
   * @throws {DataError} If the value has none.
   */
  override dump(value: unknown, out: WriteBuffer): void {
    out.uint8(JSONB_VERSION);
    super.dump(value, out);
  }
}

/**
 * Sets how {@linkcode Json}, {@linkcode Jsonb} and plain objects are written in
 * a context, where they do not bring a function of their own.
 *
 * @param dumps Writes a value as JSON.
 * @param context A connection, a cursor, or an adapters map.
 *
 * @example A bigint as a string (or, exactly, as `JSON.rawJSON(String(item))`)
 * ```ts no-eval
 * import { connect } from "@x/pgts";
 * import { setJsonDumps } from "@x/pgts/types";
 *
 * await using conn = await connect();
 * setJsonDumps((value) =>
 *   JSON.stringify(
 *     value,
 *     (_key, item) => typeof item === "bigint" ? String(item) : item,
 *   ), conn);
 * ```
 */
export function setJsonDumps(
  dumps: JsonDumps,
  context: RegistrarContext,
): void {
  class JsonText extends JsonDumper {
    override readonly dumps: JsonDumps = dumps;
  }
  class JsonbText extends JsonbDumper {
    override readonly dumps: JsonDumps = dumps;
  }
  class JsonBinary extends JsonBinaryDumper {
    override readonly dumps: JsonDumps = dumps;
  }
  class JsonbBinary extends JsonbBinaryDumper {
    override readonly dumps: JsonDumps = dumps;
  }
  registerDumpers(
    registrarOf(context),
    [JsonBinary, JsonText],
    [JsonbBinary, JsonbText],
  );
}

/**
 * Sets how values of json and jsonb are read in a context. By default that is
 * `JSON.parse`, which rounds integers beyond 2^53: see {@linkcode parseJson} for
 * how to keep them.
 *
 * @param loads Reads the text of a value.
 * @param context A connection, a cursor, or an adapters map.
 *
 * @example The text as it is
 * ```ts no-eval
 * import { connect } from "@x/pgts";
 * import { setJsonLoads } from "@x/pgts/types";
 *
 * await using conn = await connect();
 * setJsonLoads((text) => text, conn);
 * ```
 */
export function setJsonLoads(
  loads: JsonLoads,
  context: RegistrarContext,
): void {
  class Text extends JsonLoader {
    override readonly loads: JsonLoads = loads;
  }
  class JsonBinary extends JsonBinaryLoader {
    static override readonly twin: LoaderClass = Text;
    override readonly loads: JsonLoads = loads;
  }
  class JsonbBinary extends JsonbBinaryLoader {
    static override readonly twin: LoaderClass = Text;
    override readonly loads: JsonLoads = loads;
  }
  registerLoaders(registrarOf(context), Text, JsonBinary, JsonbBinary);
}

function registerLoaders(
  map: Registrar,
  text: LoaderClass,
  json: LoaderClass,
  jsonb: LoaderClass,
): void {
  map.registerLoader(OID.JSON, text);
  map.registerLoader(OID.JSON, json);
  map.registerLoader(OID.JSONB, text);
  map.registerLoader(OID.JSONB, jsonb);
}

/** The text dumper comes last of each pair, so that `%s` takes it. */
function registerDumpers(
  map: Registrar,
  json: readonly DumperClass[],
  jsonb: readonly DumperClass[],
): void {
  for (const dumper of json) map.registerDumper(Json, dumper);
  for (const dumper of jsonb) {
    map.registerDumper(Jsonb, dumper);
    map.registerDumper(Object, dumper);
  }
}

/**
 * Registers the loaders and dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerJson(map: Registrar): void {
  registerLoaders(map, JsonLoader, JsonBinaryLoader, JsonbBinaryLoader);
  registerDumpers(
    map,
    [JsonBinaryDumper, JsonDumper],
    [JsonbBinaryDumper, JsonbDumper],
  );
}
