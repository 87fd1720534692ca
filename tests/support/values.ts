/**
 * What the tests of types against a server share: connections, every way that a
 * value can go out and come back, comparison to the last bit, and random values
 * that can be repeated.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import {
  connect,
  type Connection,
  type ConnectOptions,
  DataError,
  Multirange,
  Range,
  sql,
  tupleRow,
} from "../../mod.ts";
import { testDsn } from "./database.ts";

export { Random } from "./random.ts";

/** A connection whose rows are arrays. */
export type TupleConnection = Connection<unknown[]>;

/**
 * Connects to the test server, in autocommit mode.
 *
 * @param options What is different about it.
 * @returns The connection.
 */
export async function open(
  options: ConnectOptions<unknown[]> = {},
): Promise<TupleConnection> {
  return await connect<unknown[]>(testDsn(), {
    autocommit: true,
    rowFactory: tupleRow,
    ...options,
  });
}

/** The kinds of placeholders. */
export type Kind = "s" | "t" | "b";

/** All kinds of placeholders. */
export const KINDS: readonly Kind[] = ["s", "t", "b"];

/**
 * A value in a form in which two of them are equal only if they are the same to
 * the last bit, class and sign of zero included.
 *
 * @param value Any value.
 * @returns A value for `assertEquals`.
 */
export function exact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value === "number") {
    return Object.is(value, -0) ? "number -0" : `number ${value}`;
  }
  if (typeof value === "bigint") return `bigint ${value}`;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return `bytes ${encodeHex(value)}`;
  if (value instanceof Range) {
    const { constructor, bounds, lower, upper } = value;
    return [constructor.name, bounds, exact(lower), exact(upper)];
  }
  if (value instanceof Multirange) {
    return [value.constructor.name, value.ranges.map(exact)];
  }
  if (value instanceof Date) return `Date ${value.toISOString()}`;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = Object.prototype.toString.call(value) === "[object Object]"
      ? value.constructor.name
      : Object.prototype.toString.call(value);
    return `${name} ${value}`;
  }
  // A jsonb has an order of its own, so that of the keys does not count.
  const entries = Object.entries(value).map(([key, item]) =>
    [key, exact(item)] as const
  );
  return entries.sort(([a], [b]) => a < b ? -1 : 1);
}

/**
 * Asserts that two values are the same to the last bit.
 *
 * @param actual What is there.
 * @param expected What should be.
 * @param message What it is about.
 */
export function assertExact(
  actual: unknown,
  expected: unknown,
  message?: string,
): void {
  assertEquals(exact(actual), exact(expected), message);
}

let sights = 0;

/**
 * Makes a text of a statement that no connection has seen before.
 *
 * @param text The statement.
 * @returns The statement with a number behind it.
 */
export function unseen(text: string): string {
  return `${text} /* sight ${++sights} */`;
}

/** A way to run a statement. */
export interface Way {
  /** What it is called in messages. */
  readonly name: string;
  /** The options of the run. */
  readonly options: { binary?: boolean; prepare?: boolean };
}

const WAYS: readonly Way[] = [
  { name: "first sight", options: {} },
  { name: "second run", options: {} },
  { name: "text", options: { binary: false } },
  { name: "binary", options: { binary: true } },
  { name: "prepared", options: { prepare: true } },
  { name: "prepared before", options: {} },
];

/**
 * Runs a statement in every way there is: at first sight, when it is known, in
 * each format, prepared.
 *
 * @param conn The connection.
 * @param text The statement, of one row and column.
 * @param params Its parameters.
 * @returns The value that came, by the name of the way.
 */
export async function everyWay(
  conn: TupleConnection,
  text: string,
  params?: readonly unknown[],
): Promise<Map<string, unknown>> {
  const query = unseen(text);
  const values = new Map<string, unknown>();
  for (const { name, options } of WAYS) {
    const cursor = params === undefined
      ? await conn.execute(query, undefined, options)
      : await conn.execute(query, params, options);
    values.set(name, (await cursor.fetchOne())?.[0]);
  }
  return values;
}

/**
 * Asserts that an expression gives the same value in every way there is.
 *
 * @param conn The connection.
 * @param expression The expression.
 * @param expected Its value.
 * @param params Its parameters.
 */
export async function assertLoads(
  conn: TupleConnection,
  expression: string,
  expected: unknown,
  params?: readonly unknown[],
): Promise<void> {
  const values = await everyWay(conn, `select ${expression}`, params);
  for (const [way, value] of values) {
    assertExact(value, expected, `${expression} (${way})`);
  }
}

/** How a value is expected to come back. */
export interface Trip {
  /** The value that comes back, if it is not the one that went out. */
  expected?: unknown;
  /** The kinds of placeholders; all by default. */
  kinds?: readonly Kind[];
  /** Whether arrays of it go as well; they do by default. */
  arrays?: boolean;
}

/**
 * Asserts that a value comes back as it went out: by each kind of placeholder
 * and as a literal, alone and in arrays, in every way of running a statement.
 *
 * @param conn The connection.
 * @param value The value.
 * @param type The type it is cast to on the server.
 * @param trip What is different about it.
 */
export async function assertTrips(
  conn: TupleConnection,
  value: unknown,
  type: string,
  trip: Trip = {},
): Promise<void> {
  const expected = "expected" in trip ? trip.expected : value;
  const cases: [unknown, string, unknown][] = [[value, type, expected]];
  if (trip.arrays ?? true) {
    cases.push(
      [[value], `${type}[]`, [expected]],
      [[null, value, null], `${type}[]`, [null, expected, null]],
      [[[value, null], [null, value]], `${type}[]`, [[expected, null], [
        null,
        expected,
      ]]],
    );
  }
  for (const [sent, cast, wanted] of cases) {
    for (const kind of trip.kinds ?? KINDS) {
      await assertLoads(conn, `%${kind}::${cast}`, wanted, [sent]);
    }
    // In parentheses, because a cast binds tighter than the sign of a number.
    const [row] = await conn.execute(
      sql`select (${sql.literal(sent)})::${sql.raw(cast)}`,
    ).fetchAll();
    assertExact(row?.[0], wanted, `literal ::${cast}`);
  }
}

/**
 * Asserts that a value is refused with a DataError that names its column, in
 * text and in binary, at first sight and later, and that the connection goes on.
 *
 * @param conn The connection.
 * @param expression The expression.
 * @param part What the message must contain.
 */
export async function assertRefused(
  conn: TupleConnection,
  expression: string,
  part: string,
): Promise<void> {
  for (const binary of [undefined, undefined, true, false]) {
    const options = binary === undefined ? {} : { binary };
    for (
      const query of [
        `select ${expression} as bad`,
        `select array[${expression}] as bad`,
      ]
    ) {
      const error = await assertRejects(
        () => conn.execute(query, undefined, options),
        DataError,
      );
      assertStringIncludes(error.message, part, query);
      assertStringIncludes(error.message, '"bad"', query);
      assertEquals(error.connectionUsable, true);
    }
  }
  assertEquals(await conn.execute("select 1").fetchOne(), [1]);
}
