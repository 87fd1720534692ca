/**
 * What the tests of connections share: opening them, answering as a server
 * would, and watching for errors that nobody handled.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  connect,
  type Connection,
  type ConnectOptions,
  DatabaseError,
  type DictRow,
  PgError,
} from "../../mod.ts";
import * as b from "../support/backend.ts";
import type { ColumnSpec, Value } from "../support/backend.ts";
import { testDsn } from "../support/database.ts";
import type { FrontendMessage } from "../support/frontend_reader.ts";
import type { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";

/** What was warned of and not expected: {@linkcode quiet} fails on it. */
const unexpected: string[] = [];

function refuseWarning(message: string): void {
  unexpected.push(message);
}

/** A connection to the test server, in autocommit mode unless told otherwise. */
export function open(
  options: ConnectOptions<DictRow> = {},
): Promise<Connection> {
  return connect(testDsn(), {
    autocommit: true,
    onWarning: refuseWarning,
    ...options,
  });
}

/** A connection to a scripted server, in autocommit mode unless told otherwise. */
export function openScripted(
  server: ScriptedServer,
  options: ConnectOptions<DictRow> = {},
): Promise<Connection> {
  return connect(server.dsn, {
    autocommit: true,
    onWarning: refuseWarning,
    ...options,
  });
}

/**
 * Wraps a test: it fails if an error was left to nobody, be it a rejection or
 * what a callback threw.
 */
export function quiet(
  test: () => Promise<void>,
): () => Promise<void> {
  return async () => {
    const left: unknown[] = [];
    const onRejection = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      left.push(event.reason);
    };
    const onError = (event: ErrorEvent) => {
      event.preventDefault();
      left.push(event.error);
    };
    addEventListener("unhandledrejection", onRejection);
    addEventListener("error", onError);
    try {
      await test();
      await pause(0); // a rejection is reported when the task is over
    } finally {
      removeEventListener("unhandledrejection", onRejection);
      removeEventListener("error", onError);
    }
    assertEquals(left, [], "errors that nobody handled");
    assertEquals(unexpected.splice(0), [], "warnings that nobody expected");
  };
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until something is true, two seconds at most. */
export async function until(
  claim: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + 2000;
  while (!await claim()) {
    assert(performance.now() < end, `not within 2 s: ${what}`);
    await pause(5);
  }
}

/** The error that a promise rejects with. It must come within a second. */
export async function rejection(
  promise: PromiseLike<unknown>,
): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      reject,
      3000,
      new Error("neither value nor error in 3 s"),
    );
  });
  try {
    await Promise.race([promise, late]);
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
  }
  throw new Error("expected a rejection");
}

/** An error of a class that tells these circumstances. */
export interface Expected<E extends PgError> {
  /** Its class, exactly. */
  class: new (...args: never[]) => E;
  /** Parts of its message. */
  says?: readonly string[];
  /** Its SQLSTATE. */
  sqlstate?: string | null;
  /** Whether the connection works. */
  usable?: boolean | null;
  /** Whether anything had been sent. */
  reached?: boolean | null;
}

/** Checks an error, and gives it in its class. */
export function assertError<E extends PgError>(
  error: unknown,
  expected: Expected<E>,
): E {
  assert(error instanceof PgError, `not a PgError: ${Deno.inspect(error)}`);
  assertEquals(error.constructor, expected.class, Deno.inspect(error));
  for (const part of expected.says ?? []) {
    assert(error.message.includes(part), `no "${part}" in: ${error.message}`);
  }
  if ("sqlstate" in expected) assertEquals(error.sqlstate, expected.sqlstate);
  if ("usable" in expected) {
    assertEquals(error.connectionUsable, expected.usable, "connectionUsable");
  }
  if ("reached" in expected) {
    assertEquals(error.reachedServer, expected.reached, "reachedServer");
  }
  return error as E;
}

/** Checks an error that was thrown on a connection, and that its flag is true: by a statement. */
export async function assertFails<E extends PgError>(
  conn: Connection,
  promise: PromiseLike<unknown>,
  expected: Expected<E> & { usable: boolean },
): Promise<E> {
  const error = assertError(await rejection(promise), expected);
  if (expected.usable) await assertUsable(conn);
  else await assertDead(conn);
  return error;
}

/** Checks that a connection works. */
export async function assertUsable(conn: Connection): Promise<void> {
  assertEquals(conn.closed, false);
  if (!conn.autocommit) await conn.rollback();
  assertEquals(await conn.execute("select 1 as one").fetchAll(), [{ one: 1 }]);
}

/** Checks that a connection is dead, says so, and closes within a second. */
export async function assertDead(conn: Connection): Promise<PgError> {
  assertEquals(conn.closed, true);
  assertEquals(conn.broken, true);
  const error = await rejection(conn.execute("select 1"));
  assert(error instanceof DatabaseError, Deno.inspect(error));
  assertEquals(error.connectionUsable, false);
  assertEquals(error.reachedServer, false);
  const start = performance.now();
  await conn.close();
  assert(performance.now() - start < 1000, "close() took more than a second");
  return error;
}

/** A result that {@linkcode answer} plays. */
export interface Played {
  /** Its columns; none for a command. */
  columns?: readonly ColumnSpec[];
  /** Its rows. */
  rows?: readonly (readonly Value[])[];
  /** Its command tag. */
  tag?: string;
  /** The transaction status afterwards. */
  status?: "I" | "T" | "E";
}

/** One row with the number 1 in column `one`. */
export const ONE: Played = {
  columns: [{ name: "one", oid: 23 }],
  rows: [["1"]],
  tag: "SELECT 1",
};

/** Answers a burst as a server does: in either protocol, each statement in it alike, but BEGIN. */
export function answer(
  burst: readonly FrontendMessage[],
  { columns, rows = [], tag = "SET", status = "I" }: Played = {},
): Uint8Array[] {
  let beginning = false;
  let formats: readonly number[] = [];
  const formatOf = (i: number) => formats[formats.length === 1 ? 0 : i] ?? 0;
  const described = () =>
    columns === undefined ? [] : [
      b.rowDescription(
        columns.map((column, i) => ({ ...column, format: formatOf(i) })),
      ),
    ];
  const executed = () => [
    ...rows.map((row) =>
      b.dataRow(
        row.map((value, i) =>
          typeof value === "string" && formatOf(i) === 1 &&
            columns?.[i]?.oid === 23
            ? b.int32(Number(value))
            : value
        ),
      )
    ),
    b.commandComplete(tag),
  ];
  return burst.flatMap((message) => {
    formats = message.tag === "B" ? message.resultFormats : formats;
    switch (message.tag) {
      case "Q":
        if (message.text.startsWith("BEGIN")) {
          return [b.commandComplete("BEGIN"), b.readyForQuery("T")];
        }
        return [...described(), ...executed(), b.readyForQuery(status)];
      case "P":
        beginning = message.text.startsWith("BEGIN");
        return [b.parseComplete()];
      case "B":
        return [b.bindComplete()];
      case "C":
        return [b.closeComplete()];
      case "D":
        return columns === undefined ? [b.noData()] : described();
      case "E":
        return beginning ? [b.commandComplete("BEGIN")] : executed();
      case "S":
        return [b.readyForQuery(status)];
      case "H":
        return [];
      default:
        throw new Error(`no answer to a message of type ${message.tag}`);
    }
  });
}

/** The texts of the statements that a session has received, in their order. */
export function statementsOf(session: ScriptedSession | undefined): string[] {
  return (session?.received ?? []).flatMap((message) =>
    message.tag === "Q" || message.tag === "P" ? message.text : []
  );
}

/** Plays the start of a session, then answers every statement with one row. */
export async function serveOnes(session: ScriptedSession): Promise<void> {
  await session.startup();
  await session.serve((burst) => answer(burst, ONE));
}

/** What a script did: its exit code, and what it printed. */
export interface ScriptOutput {
  /** Its exit code. */
  code: number;
  /** What it printed. */
  stdout: string;
  /** What it printed as errors and warnings. */
  stderr: string;
}

/**
 * Runs a script in a process of its own, twenty seconds at most. It has `connect`,
 * and the DSN of the test server as its argument.
 */
export async function runScript(script: string): Promise<ScriptOutput> {
  const mod = new URL("../../mod.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-", testDsn()],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(b.bytes(`import { connect } from "${mod}";\n${script}`));
  await writer.close();
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}
