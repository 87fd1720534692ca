/**
 * The contract between values and bytes: what a dumper and a loader are, for
 * the built-in types and for a user's own alike.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { MultirangeInfo, RangeInfo, TypeInfo } from "./type_info.ts";

/** The two formats of a value on the wire. */
export const Format = {
  /** The text that the type's output function gives. */
  TEXT: 0,
  /** The bytes that the type's send function gives. */
  BINARY: 1,
} as const;
/** The two formats of a value on the wire. */
export type Format = (typeof Format)[keyof typeof Format];

/**
 * How a placeholder asks for a dumper: `%t` text, `%b` binary, `%s` whichever
 * was registered last.
 */
export const PlaceholderFormat = { AUTO: "s", TEXT: "t", BINARY: "b" } as const;
/** How a placeholder asks for a dumper. */
export type PlaceholderFormat =
  (typeof PlaceholderFormat)[keyof typeof PlaceholderFormat];

/** What loaders and dumpers may know of the session. */
export interface SessionState {
  /** PostgreSQL's name of the client encoding, for example `UTF8`. */
  readonly encoding: string;
  /** A parameter that the server reports, such as `DateStyle`, or `null`. */
  parameterStatus(name: string): string | null;
}

/** A session that is not there: what loaders and dumpers see outside a connection. */
export const NO_SESSION: SessionState = {
  encoding: "UTF8",
  parameterStatus: () => null,
};

/**
 * What a loader or dumper class gets at construction: the session, and the
 * loaders and dumpers of other types, for the elements of what it handles.
 */
export interface Adaptation {
  /** The session the values belong to. */
  readonly session: SessionState;
  /** The loader for values of the type `oid`; there always is one. */
  getLoader(oid: number, format: Format): Loader;
  /**
   * The dumper for a value that is not `null`, as its content needs it.
   *
   * @throws {ProgrammingError} If no dumper is registered for it.
   */
  getDumper(value: unknown, format: PlaceholderFormat): Dumper;
  /**
   * The dumper for values of the type `oid`, whatever class they are of. Absent
   * where no map is at hand.
   *
   * @throws {ProgrammingError} If none is registered for the type.
   */
  getDumperByOid?(oid: number, format: PlaceholderFormat): Dumper;
  /** The OID of the array type over the type `oid`, or 0 where there is none. */
  arrayOidOf(oid: number): number;
  /**
   * What is known of a type, given by its OID or name, for an array type that of
   * its elements, or `null`. Absent where no registry is at hand.
   */
  typeInfoOf?(type: number | string): TypeInfo | null;
  /**
   * The range type over the type `oid`, the one added last of several, or
   * `null`. Absent where no registry is at hand.
   */
  rangeOver?(oid: number): RangeInfo | null;
  /** The multirange type over the type `oid`, found as the range type is. */
  multirangeOver?(oid: number): MultirangeInfo | null;
}

/**
 * Turns a value from the server into a JavaScript value.
 *
 * One instance serves all values of a type within a context. NULL never reaches
 * a loader.
 */
export interface Loader<T = unknown> {
  /**
   * Reads the value at `source.bytes[start..end)`.
   *
   * `source.text(start, end)` gives it as text in the session's encoding,
   * `source.view` reads numbers (big-endian). What is returned must not alias
   * `source.bytes`.
   *
   * @throws {DataError} If the value is malformed or cannot be represented.
   */
  load(source: ReadBuffer, start: number, end: number): T;
}

/** A class of loaders: constructed once for a type and a context. */
export interface LoaderClass<T = unknown> {
  /** Makes the loader of a type for a context. */
  new (oid: number, adaptation: Adaptation): Loader<T>;
  /** The format of the values it reads. */
  readonly format: Format;
  /**
   * On a loader of binary values: the loader of text values that gives equal
   * results, which allows a result to be asked for in either format.
   */
  readonly twin?: LoaderClass | undefined;
}

/** A loader given as an object, which serves all types and contexts it is registered for. */
export interface LoaderObject<T = unknown> extends Loader<T> {
  /** The format of the values it reads. Text by default. */
  readonly format?: Format;
}

/** A loader given as a function of the value's text. */
export type LoaderFunction<T = unknown> = (text: string) => T;

/** Whatever can be registered as a loader. */
export type LoaderLike<T = unknown> =
  | LoaderClass<T>
  | LoaderObject<T>
  | LoaderFunction<T>;

/**
 * Turns a JavaScript value into a parameter, a SQL literal or a field of COPY.
 *
 * `null` never reaches a dumper.
 */
export interface Dumper<T = unknown> {
  /** The format of what {@linkcode Dumper.dump} appends. */
  readonly format: Format;
  /** The OID of the type; 0 leaves it to the server. */
  readonly oid: number;
  /**
   * Appends the value to `out`, without a length.
   *
   * @returns `null` to send NULL instead; what was appended is then dropped.
   * @throws {DataError} If the type cannot hold the value.
   */
  dump(value: T, out: WriteBuffer): void | null;
  /**
   * The value as the text that the type's input function reads, not quoted:
   * the field of a COPY in text format before escaping, the element of an
   * array literal. `null` for NULL. Needs no session.
   */
  text(value: T): string | null;
  /** The value as a SQL literal, safe to put into a statement. Needs no session. */
  quote(value: T): string;
  /**
   * Where the type depends on the value (integers of several sizes, arrays of
   * anything): the dumper that this value needs. It is asked for each value, or,
   * where there is a {@linkcode Dumper.getKey}, once for each key.
   */
  upgrade?(value: T): Dumper<T>;
  /**
   * What tells the values apart that need different dumpers, such as the name of
   * a type: what {@linkcode Dumper.upgrade} returns for one value then serves all
   * others of the same key. Keys are compared as those of a `Map`.
   */
  getKey?(value: T): unknown;
}

/**
 * A class of dumpers: constructed once for a context and a kind of placeholder,
 * which a dumper of values made of others passes on to those.
 */
export interface DumperClass<T = unknown> {
  /** Makes the dumper for a context and a kind of placeholder. */
  new (adaptation: Adaptation, format?: PlaceholderFormat): Dumper<T>;
  /** The format of what it writes. */
  readonly format: Format;
}

/** A dumper given as a function: returns the value's text, or `null` for NULL. */
export type DumperFunction<T = unknown> = (value: T) => string | null;

/** Whatever can be registered as a dumper. */
export type DumperLike<T = unknown> =
  | DumperClass<T>
  | Dumper<T>
  | DumperFunction<T>;

/**
 * What values are found by when a dumper is looked up: a class, or the name
 * that `typeof` gives a primitive.
 */
export type DumperKey =
  | "string"
  | "number"
  | "bigint"
  | "boolean"
  | (abstract new (...args: never[]) => object)
  // deno-lint-ignore ban-types
  | Function;

/** Where loaders and dumpers are registered. */
export interface Registrar {
  /**
   * Sets what values of a type are read by.
   *
   * @param type The OID of the type, or the name it has in the type registry.
   * @param loader A class, an object or a function.
   */
  registerLoader(type: number | string, loader: LoaderLike): void;
  /**
   * Sets what values of a class are sent by.
   *
   * @param key The class of the values, or what `typeof` says of them.
   * @param dumper A class, an object or a function.
   */
  registerDumper(key: DumperKey, dumper: DumperLike<never>): void;
}
