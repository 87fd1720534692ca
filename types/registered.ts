/**
 * What becomes of the classes, objects and functions that are given as loaders
 * and dumpers.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import {
  type Adaptation,
  type Dumper,
  type DumperClass,
  type DumperFunction,
  type DumperLike,
  Format,
  type LoaderClass,
  type LoaderFunction,
  type LoaderLike,
  type LoaderObject,
  type PlaceholderFormat,
} from "./adapt.ts";
import { TextDumper } from "./dumper.ts";

/** A registered loader. A function has become an object. */
export type RegisteredLoader = LoaderClass | LoaderObject;

/** A registered dumper. A function has become an object. */
export type RegisteredDumper = DumperClass | Dumper;

/** A dumper made of a function of the user. */
class FunctionDumper extends TextDumper {
  override readonly oid: number;
  readonly #function: DumperFunction;

  constructor(dump: DumperFunction, oid: number) {
    super();
    this.oid = oid;
    this.#function = dump;
  }

  override text(value: unknown): string | null {
    const text: unknown = this.#function(value);
    if (typeof text !== "string" && text !== null) {
      throw new ProgrammingError(
        `Cannot adapt a value: the function registered for it returned ${typeof text} instead of a string or null`,
      );
    }
    return text;
  }
}

/** A loader made of a function of the user. */
class FunctionLoader implements LoaderObject {
  readonly format: Format = Format.TEXT;
  readonly #function: LoaderFunction;

  constructor(load: LoaderFunction) {
    this.#function = load;
  }

  load(source: ReadBuffer, start: number, end: number): unknown {
    return this.#function(source.text(start, end));
  }
}

/**
 * Checks what is to be registered, and makes an object of a function. A class is
 * told from a function by its method.
 *
 * @internal
 */
export function toLoader(loader: LoaderLike): RegisteredLoader {
  if (typeof loader === "function") {
    return hasMethod(loader.prototype, "load")
      ? loader as LoaderClass
      : new FunctionLoader(loader as LoaderFunction);
  }
  if (hasMethod(loader, "load")) return loader;
  throw new ProgrammingError(
    'Cannot register a loader: it is neither a function nor has it a method "load"',
  );
}

/**
 * Checks what is to be registered, and makes an object of a function. A class is
 * told from a function by its method. What a function gives is of the type `oid`;
 * with 0 the server decides.
 *
 * @internal
 */
export function toDumper(dumper: DumperLike, oid: number): RegisteredDumper {
  if (typeof dumper === "function") {
    return hasMethod(dumper.prototype, "dump")
      ? dumper as DumperClass
      : new FunctionDumper(dumper as DumperFunction, oid);
  }
  if (hasMethod(dumper, "dump")) return dumper;
  throw new ProgrammingError(
    'Cannot register a dumper: it is neither a function nor has it a method "dump"',
  );
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof (value as Record<string, unknown> | null | undefined)
    ?.[name] ===
    "function";
}

/**
 * Makes what is registered ready for use.
 *
 * @internal
 */
export function makeDumper(
  registered: RegisteredDumper,
  adaptation: Adaptation,
  format: PlaceholderFormat,
): Dumper {
  return typeof registered === "function"
    ? new registered(adaptation, format)
    : registered;
}
