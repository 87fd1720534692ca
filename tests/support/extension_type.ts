/**
 * Types of extensions that a server may not have. Where it has not, a base type
 * of the same name stands in, which keeps a value exactly as it came: what was
 * sent as text comes as that text, what was sent in binary as those bytes.
 *
 * @module
 */

import { open, type TupleConnection } from "./values.ts";

/** A session with the type. */
export interface TypeSession {
  /** The session, in autocommit mode. */
  readonly conn: TupleConnection;
  /** Whether the type is that of the extension, and no stand-in. */
  readonly real: boolean;
}

function standIn(schema: string, type: string): string {
  return `
    begin;
    drop schema if exists ${schema} cascade;
    create schema ${schema};
    set search_path to ${schema};
    create type ${type};
    create function ${type}_in(cstring) returns ${type}
      language internal immutable strict as 'textin';
    create function ${type}_out(${type}) returns cstring
      language internal immutable strict as 'textout';
    create function ${type}_recv(internal) returns ${type}
      language internal immutable strict as 'bytearecv';
    create function ${type}_send(${type}) returns bytea
      language internal immutable strict as 'byteasend';
    create type ${type} (input = ${type}_in, output = ${type}_out,
      receive = ${type}_recv, send = ${type}_send);
    create cast (bytea as ${type}) without function;
    commit`;
}

/**
 * Runs a check in a session that has a type of an extension, or a stand-in.
 *
 * @param extension The name of the extension.
 * @param type The name of the type.
 * @param check What to run.
 */
export async function withExtensionType(
  extension: string,
  type: string,
  check: (session: TypeSession) => Promise<void>,
): Promise<void> {
  await using conn = await open();
  const found = await conn.execute(
    "select 1 from pg_available_extensions where name = %s",
    [extension],
  ).fetchAll();
  const real = found.length > 0;
  const schema = `${extension}_stand_in`;
  await conn.execute(
    real
      ? `create extension if not exists ${extension}`
      : standIn(schema, type),
  );
  try {
    await check({ conn, real });
  } finally {
    if (!real) await conn.execute(`drop schema ${schema} cascade`);
  }
}
