/**
 * What dumpers are registered for and looked up by, and what is said where none is
 * found.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { type DumperKey, PlaceholderFormat } from "./adapt.ts";
import { TypeInfo } from "./type_info.ts";

/** What `typeof` says of the primitives that can be sent. */
const PRIMITIVES: ReadonlySet<string> = new Set(
  [
    "string",
    "number",
    "bigint",
    "boolean",
  ] satisfies DumperKey[],
);

/**
 * The OID of a type that is given by it, or by its description.
 *
 * @param type What is given.
 * @returns The OID, or `null` if it is no type.
 */
export function oidOf(type: unknown): number | null {
  if (typeof type === "number") return type;
  return type instanceof TypeInfo ? type.oid : null;
}

/**
 * Where the dumpers of a class or a primitive are found: by the prototype of the
 * class, which no property of a value can fake.
 *
 * @param key The class, or what `typeof` says of the primitive.
 * @returns The prototype or the name.
 * @throws {ProgrammingError} If it is neither.
 */
export function placeOf(key: DumperKey): string | object {
  if (typeof key === "string" && PRIMITIVES.has(key)) return key;
  const prototype: unknown = typeof key === "function" ? key.prototype : null;
  if (typeof prototype !== "object" || prototype === null) {
    throw new ProgrammingError(
      'Cannot look up a dumper: the key is neither a class, nor one of "string", "number", "bigint" and "boolean", nor the OID of a type',
    );
  }
  return prototype;
}

/**
 * The kind of dumper that is asked for.
 *
 * @param format What the placeholder asks for.
 * @returns The kind, to stand before "dumper".
 */
export function describeFormat(format: PlaceholderFormat): string {
  if (format === PlaceholderFormat.AUTO) return "";
  return format === PlaceholderFormat.BINARY ? "binary " : "text ";
}

/**
 * Says that there is no dumper.
 *
 * @param place What it was looked up by.
 * @param format What the placeholder asks for.
 * @param seen Whether there is one of the other format.
 * @returns The message.
 */
export function explainMissing(
  place: string | object,
  format: PlaceholderFormat,
  seen: boolean,
): string {
  const kind = describeFormat(format);
  if (typeof place === "string") {
    return `Cannot adapt a ${place}: no ${kind}dumper is registered for it, register one with adapters.registerDumper("${place}", ...)`;
  }
  const { constructor } = place;
  const name = (typeof constructor === "function" && constructor.name) ||
    "(without a name)";
  const remedy = seen
    ? "use %s or register one"
    : `register one with adapters.registerDumper(${name}, ...), or wrap the value in new Jsonb(...) to send it as JSON`;
  return `Cannot adapt a value of the class ${name}: no ${kind}dumper is registered for it, ${remedy}`;
}
