/**
 * The question to the catalogue what a type is: one statement, one value.
 *
 * Question and answer are ASCII in every client encoding, as names go as hex of
 * UTF-8. Nothing is found by the search_path: a schema in it may have operators
 * and functions of its own.
 *
 * @module
 */

import { decodeHex, encodeHex } from "@std/encoding/hex";
import { ProgrammingError } from "../errors/base.ts";
import type { FoundType, TypeName } from "../types/type_facts.ts";
import type { TypesRegistry } from "../types/types_registry.ts";

/** Names that SQL has for types beside those that the server writes. */
const ALIASES: Readonly<Record<string, string>> = {
  char: "bpchar",
  dec: "numeric",
  decimal: "numeric",
  float: "float8",
  int: "int4",
  nchar: "bpchar",
};
const CATALOG = "pg_catalog";
const PART =
  /\s*(?:"((?:[^"\0]|"")+)"|([A-Za-z_\u{80}-\u{10ffff}][\w$\u{80}-\u{10ffff}]*))\s*(\.|$)/uy;
const WITH_MULTIRANGES = 140000;

/** The parts of a name as it stands in SQL. */
function parseName(text: string): string[] {
  const names: string[] = [];
  PART.lastIndex = 0;
  while (true) {
    const match = PART.exec(text);
    if (match === null) break;
    const [, quoted, bare, dot] = match;
    // The server folds ASCII only, or as its locale does.
    names.push(
      quoted?.replaceAll('""', '"') ??
        bare!.replaceAll(/[A-Z]+/g, (upper) => upper.toLowerCase()),
    );
    if (dot === "") return names;
  }
  throw new ProgrammingError(
    `Cannot look up the type ${
      JSON.stringify(text)
    }: it is not the name of a type as it stands in SQL, quote it or pass new Identifier(...)`,
  );
}

/** The schema, if there is one, and the name in the catalogue. */
function resolveName(
  name: string | TypeName,
  builtin: TypesRegistry,
): readonly string[] {
  if (typeof name !== "string") return checkParts(name.names);
  const spaced = name.trim().toLowerCase().replaceAll(/\s+/g, " ");
  if (Object.hasOwn(ALIASES, spaced)) return [CATALOG, ALIASES[spaced]!];
  const info = builtin.get(spaced);
  if (info !== null && info.regtype === spaced && info.name !== spaced) {
    return [CATALOG, info.name];
  }
  return checkParts(parseName(name));
}

function checkParts(names: readonly string[]): readonly string[] {
  if (names.length <= 2) return names;
  throw new ProgrammingError(
    `Cannot look up the type ${
      JSON.stringify(names.join("."))
    }: its name has ${names.length} parts, a schema and a name are all there are`,
  );
}

/** Text as an expression of type name, which cuts it as it cuts identifiers. */
function nameSql(text: string): string {
  const hex = encodeHex(new TextEncoder().encode(text));
  return `pg_catalog.convert_from(pg_catalog.decode('${hex}', 'hex'), 'UTF8')::pg_catalog.name`;
}

/**
 * The statement that asks for a type. Its value is JSON in UTF-8 in hex.
 *
 * @param names The schema, if there is one, and the name.
 * @param serverVersion The version of the server, as a number.
 * @returns The statement.
 */
function question(names: readonly string[], serverVersion: number): string {
  const [first = "", second] = names;
  const name = second ?? first;
  const where = second === undefined
    ? "pg_catalog.pg_type_is_visible(t.oid)"
    : first === "pg_temp"
    ? "t.typnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()"
    : `t.typnamespace OPERATOR(pg_catalog.=) (
    select n.oid from pg_catalog.pg_namespace n
    where n.nspname OPERATOR(pg_catalog.=) ${nameSql(first)})`;
  const multirange = serverVersion < WITH_MULTIRANGES ? "null" : `(
    select pg_catalog.json_build_array(
      r.rngtypid::pg_catalog.int8, r.rngsubtype::pg_catalog.int8)
    from pg_catalog.pg_range r
    where r.rngmultitypid OPERATOR(pg_catalog.=) t.oid)`;
  return `select pg_catalog.encode(pg_catalog.convert_to(
  pg_catalog.json_build_object(
  'name', t.typname,
  'oid', t.oid::pg_catalog.int8,
  'arrayOid', t.typarray::pg_catalog.int8,
  'regtype', pg_catalog.format_type(t.oid, null),
  'delimiter', t.typdelim,
  'baseOid', (
    with recursive b (oid, typtype, typbasetype) as (
      select t.oid, t.typtype, t.typbasetype
      union all
      select d.oid, d.typtype, d.typbasetype from pg_catalog.pg_type d, b
      where d.oid OPERATOR(pg_catalog.=) b.typbasetype
    )
    select b.oid::pg_catalog.int8 from b
    where b.typbasetype OPERATOR(pg_catalog.=) 0::pg_catalog.oid
      and t.typtype OPERATOR(pg_catalog.=) 'd'::pg_catalog."char"),
  'labels', case when t.typtype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char" then (
    select pg_catalog.json_agg(e.enumlabel order by e.enumsortorder)
    from pg_catalog.pg_enum e
    where e.enumtypid OPERATOR(pg_catalog.=) t.oid) end,
  'kind', t.typtype,
  'fields', case when t.typtype OPERATOR(pg_catalog.=) 'c'::pg_catalog."char" then (
    select pg_catalog.json_agg(pg_catalog.json_build_array(
      a.attname, a.atttypid::pg_catalog.int8) order by a.attnum)
    from pg_catalog.pg_attribute a
    where a.attrelid OPERATOR(pg_catalog.=) t.typrelid
      and a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2
      and not a.attisdropped) end,
  'range', (
    select r.rngsubtype::pg_catalog.int8 from pg_catalog.pg_range r
    where r.rngtypid OPERATOR(pg_catalog.=) t.oid),
  'multirange', ${multirange}
  )::pg_catalog.text, 'UTF8'), 'hex')
from pg_catalog.pg_type t
where t.typname OPERATOR(pg_catalog.=) ${nameSql(name)} and ${where}`;
}

/** The kinds of types whose list is there even if nothing is in it. */
const ENUM = "e";
const COMPOSITE = "c";

/** What a look-up needs of a connection. */
export interface LookUpContext {
  /** Runs a statement and gives its only value. */
  ask(query: string): Promise<string | null>;
  /** The version of the server, as a number. */
  readonly serverVersion: number;
  /** The names of types in SQL. */
  readonly types: TypesRegistry;
}

/**
 * Asks the catalogue of a server for a type.
 *
 * @param name A name as it stands in SQL, or one in parts.
 * @param context How to ask.
 * @returns What the catalogue says; `null` if there is no such type.
 * @throws {ProgrammingError} If the text is no name.
 * @throws {PgError} If the statement or the connection fails.
 */
export async function lookUpType(
  name: string | TypeName,
  { ask, serverVersion, types }: LookUpContext,
): Promise<FoundType | null> {
  const answer = await ask(question(resolveName(name, types), serverVersion));
  if (answer === null) return null;
  const json = new TextDecoder().decode(decodeHex(answer));
  const found = JSON.parse(json) as FoundType & {
    kind: string;
    baseOid: number | null;
  };
  return {
    ...found,
    baseOid: found.baseOid ?? 0,
    labels: found.kind === ENUM ? found.labels ?? [] : null,
    fields: found.kind === COMPOSITE ? found.fields ?? [] : null,
  };
}
