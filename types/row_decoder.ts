/**
 * From the row description to one function that decodes a row: planned once,
 * run for every row.
 *
 * A plan starts with a loop over the columns. Once it has decoded some rows it
 * generates code that is unrolled for its columns, which is half as expensive
 * (`deno task bench -- fetch`). Where the runtime forbids code from strings, the
 * loop stays.
 *
 * @module
 */

import { DataError, PgError, ProtocolError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { Loader } from "./adapt.ts";

/** What becomes of the values of a row. */
export type RowShape = "object" | "array" | "scalar";

/** A column, as far as decoding needs it. */
export interface DecodedColumn {
  /** The name of the column. */
  readonly name: string;
  /** The name of its type, for error messages. */
  readonly typeName: string;
  /** What loads its values. */
  readonly loader: Loader;
}

type Decode = (source: ReadBuffer) => unknown;

const COMPILE_AFTER = 32;
const MAX_COMPILED_COLUMNS = 200;

/** Decodes the rows of one row description. */
export class RowPlan {
  /** Decodes the row that is the current message of `source`. */
  decode: Decode;

  readonly #columns: readonly DecodedColumn[];
  readonly #shape: RowShape;
  #untilCompiled = COMPILE_AFTER;

  /**
   * @param columns The columns, in the order of the description.
   * @param shape An object keyed by name, an array, or the first value alone.
   */
  constructor(columns: readonly DecodedColumn[], shape: RowShape) {
    this.#columns = columns;
    this.#shape = shape;
    this.decode = (source) => this.#decodeAtFirst(source);
  }

  #decodeAtFirst(source: ReadBuffer): unknown {
    if (--this.#untilCompiled === 0) {
      const loop: Decode = (source) =>
        decodeByLoop(source, this.#columns, this.#shape);
      this.decode = compile(this.#columns, this.#shape) ?? loop;
    }
    return decodeByLoop(source, this.#columns, this.#shape);
  }
}

function decodeByLoop(
  source: ReadBuffer,
  columns: readonly DecodedColumn[],
  shape: RowShape,
): unknown {
  const { view, end: limit } = source;
  let at = checkCount(source, columns.length);
  const values: unknown[] = [];
  for (let i = 0; i < columns.length; i++) {
    if (at + 4 > limit) throw malformed("it ends before its last column");
    const size = view.getInt32(at);
    at += 4;
    if (size === -1) {
      values.push(null);
      continue;
    }
    const end = at + size;
    if (size < 0 || end > limit) {
      throw malformed(`a value announces ${size} bytes`);
    }
    if (shape !== "scalar" || i === 0) {
      try {
        values.push(columns[i]!.loader.load(source, at, end));
      } catch (error) {
        throw loadFailure(error, columns[i]!);
      }
    }
    at = end;
  }
  if (at !== limit) throw malformed("bytes follow its last column");
  if (shape === "array") return values;
  if (shape === "scalar") return values[0];
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) {
    setOwn(row, columns[i]!.name, values[i]);
  }
  return row;
}

/**
 * Sets an own property, whatever its name: assigning to `__proto__` would set
 * the prototype instead.
 *
 * @param target The object.
 * @param name The name of the property.
 * @param value Its value.
 */
export function setOwn(
  target: Record<string, unknown>,
  name: string,
  value: unknown,
): void {
  if (name === "__proto__") {
    Object.defineProperty(target, name, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  } else target[name] = value;
}

/** A function unrolled for the columns, or `null` where there can be none. */
function compile(
  columns: readonly DecodedColumn[],
  shape: RowShape,
): Decode | null {
  if (columns.length > MAX_COMPILED_COLUMNS) return null;
  const names = columns.map((column) => column.name);
  const used = shape === "scalar" ? columns.slice(0, 1) : columns;
  const load = columns.map((_, i) =>
    `if (at + 4 > limit) throw malformed("it ends before its last column");
    size = view.getInt32(at); at += 4;
    if (size !== -1) {
      end = at + size;
      if (size < 0 || end > limit) throw malformed("a value announces " + size + " bytes");
      ${
      i < used.length
        ? `column = ${i}; v${i} = l${i}.load(source, at, end); column = -1;`
        : ""
    }
      at = end;
    }`
  );
  const result = shape === "scalar"
    ? used.length === 0 ? "undefined" : "v0"
    : shape === "array"
    ? `[${columns.map((_, i) => `v${i}`).join(", ")}]`
    // Computed keys: a plain "__proto__" would set the prototype.
    : `{ ${
      names.map((name, i) => `[${JSON.stringify(name)}]: v${i}`).join(", ")
    } }`;
  const body = `"use strict";
  ${used.map((_, i) => `const l${i} = loaders[${i}];`).join("\n  ")}
  return function decodeRow(source) {
    const view = source.view, limit = source.end;
    let at = checkCount(source, ${columns.length}), end = 0, size = 0, column = -1;
    ${used.map((_, i) => `let v${i} = null;`).join(" ")}
    try {
      ${load.join("\n      ")}
    } catch (error) {
      throw column < 0 ? error : loadFailure(error, columns[column]);
    }
    if (at !== limit) throw malformed("bytes follow its last column");
    return ${result};
  };`;
  try {
    const make = new Function(
      "columns",
      "loaders",
      "checkCount",
      "malformed",
      "loadFailure",
      body,
    );
    const loaders = columns.map((column) => column.loader);
    return make(columns, loaders, checkCount, malformed, loadFailure) as Decode;
  } catch {
    return null; // The runtime forbids code from strings.
  }
}

/** Checks the number of columns. Returns where the first of them starts. */
function checkCount(source: ReadBuffer, expected: number): number {
  const at = source.start;
  if (source.end - at < 2 || source.view.getInt16(at) !== expected) {
    throw malformed(
      `it does not have the ${expected} columns that were described`,
    );
  }
  return at + 2;
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(`Cannot read a row from the server: ${what}`);
}

/** The error for a value that its loader refuses: it names the column and keeps the class. */
function loadFailure(
  error: unknown,
  { name, typeName }: DecodedColumn,
): PgError {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `Cannot load column ${
    JSON.stringify(name)
  } of type ${typeName}: ${reason}`;
  const known = error instanceof PgError && !(error instanceof ProtocolError);
  const ErrorClass = known ? error.constructor as typeof PgError : DataError;
  return new ErrorClass(message, { cause: error });
}
