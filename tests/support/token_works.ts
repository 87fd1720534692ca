/**
 * What the token-echo oracle does on a connection: statements, each with a token
 * of its own, and what must come of them.
 *
 * @module
 */

import { DatabaseError, PipelineAborted, sql } from "../../mod.ts";
import type { TokenEcho } from "./token_echo.ts";

/** Does something on the connection, and says how many statements that were. */
export type Work = (echo: TokenEcho) => Promise<number>;

const TABLE = "create temp table echo (token text)";

/** Expects that a promise rejects with an SQLSTATE. */
async function expectState(
  echo: TokenEcho,
  promise: PromiseLike<unknown>,
  sqlstate: string,
  kind: string,
): Promise<void> {
  let found: unknown = "no error";
  try {
    await promise;
  } catch (error) {
    if (echo.isCut(error)) throw error;
    found = error instanceof DatabaseError ? error.sqlstate : error;
  }
  echo.expect(found === sqlstate, `${kind}: ${found} instead of ${sqlstate}`);
}

/** Makes what the others need. */
export const begin: Work = async ({ conn, channel }) => {
  await conn.execute(`listen ${channel}`);
  await conn.execute(TABLE);
  return 2;
};

/** Makes the table anew. */
export const renew: Work = async ({ conn }) => {
  await conn.execute(`drop table echo; ${TABLE}`);
  return 2;
};

/** Removes it. */
export const end: Work = async ({ conn }) => {
  await conn.execute("drop table echo");
  return 1;
};

const select: Work = async (echo) => {
  const token = echo.token();
  const row = await echo.conn.execute("select %s::text as token", [token])
    .fetchOne();
  echo.expectToken(row?.token, token, "select");
  return 1;
};

const template: Work = async (echo) => {
  const token = echo.token();
  const size = 1 + echo.random.bits() % 400;
  const rows = await echo.conn.execute(
    sql`select g as n, ${token}::text as token from generate_series(1, ${size}::int4) g`,
  ).fetchAll();
  echo.expect(rows.length === size, `template: ${rows.length} of ${size} rows`);
  for (const row of rows) echo.expectToken(row.token, token, "template");
  return 1;
};

const severalStatements: Work = async (echo) => {
  const tokens = [echo.token(), echo.token(), echo.token()];
  const cursor = await echo.conn.execute(
    tokens.map((token) => `select '${token}' as token`).join("; "),
  );
  for (const token of tokens) {
    echo.expectToken((await cursor.fetchOne())?.token, token, "several");
    cursor.nextSet();
  }
  return tokens.length;
};

const serverError: Work = async (echo) => {
  const token = echo.token();
  const failing = echo.conn.execute(
    "select %s::text as token, 1 / (3 - g) from generate_series(1, 5) g",
    [token],
  );
  await expectState(echo, failing, "22012", "error after rows");
  return 1;
};

const syntaxError: Work = async (echo) => {
  await expectState(
    echo,
    echo.conn.execute(`selekt '${echo.token()}'`),
    "42601",
    "syntax error",
  );
  return 1;
};

const notice: Work = async (echo) => {
  const token = echo.token();
  echo.listenFor(token);
  await echo.conn.execute(
    `do $$ begin raise notice '%', '${token}'; end $$`,
  );
  return 1;
};

const notify: Work = async (echo) => {
  const [token, payload] = [echo.token(), echo.token()];
  echo.listenFor(payload);
  const row = await echo.conn.execute(
    "select %s::text as token, pg_notify(%s, %s)::text as nothing",
    [token, echo.channel, payload],
  ).fetchOne();
  echo.expectToken(row?.token, token, "notify");
  return 1;
};

const ddl: Work = async (echo) => {
  const token = echo.token();
  const column = `c${echo.random.bits()}`;
  await echo.conn.execute(
    `alter table echo add column ${column} text default '${token}'`,
  );
  await echo.conn.execute("insert into echo (token) values (%s)", [token]);
  const row = await echo.conn.execute(
    "select * from echo where token = %s",
    [token],
  ).fetchOne();
  echo.expectToken(row?.token, token, "ddl");
  echo.expectToken(row?.[column], token, "ddl, new column");
  await echo.conn.execute(`alter table echo drop column ${column}`);
  await echo.conn.execute("delete from echo where token = %s", [token]);
  return 5;
};

const cancel: Work = async (echo) => {
  const signal = AbortSignal.timeout(1 + echo.random.bits() % 20);
  try {
    await echo.conn.execute(
      "select %s::text as token from pg_sleep(%s)",
      [echo.token(), 5],
      { signal },
    );
    echo.expect(false, "cancel: slept to the end");
  } catch (error) {
    if (echo.isCut(error)) throw error;
    echo.expect(error === signal.reason, `cancel: ${error}`);
  }
  return 1;
};

const copy: Work = async (echo) => {
  const token = echo.token();
  const size = 1 + echo.random.bits() % 50;
  const cursor = echo.conn.cursor();
  await cursor.copy("copy echo (token) from stdin", async (copy) => {
    for (let i = 0; i < size; i++) await copy.writeRow([token]);
  });
  echo.expect(cursor.rowCount === size, `copy in: ${cursor.rowCount} rows`);
  const found = await echo.conn.copy(
    "copy (select token from echo where token = %s) to stdout",
    [token],
    (copy) => Array.fromAsync(copy.rows()),
  );
  echo.expect(found.length === size, `copy out: ${found.length} of ${size}`);
  for (const [value] of found) echo.expectToken(value, token, "copy");
  await echo.conn.execute("delete from echo where token = %s", [token]);
  return 3;
};

const stream: Work = async (echo) => {
  const token = echo.token();
  let left = 1 + echo.random.bits() % 500;
  const query = "select %s::text as token from generate_series(1, 300)";
  for await (const row of echo.conn.stream(query, [token])) {
    echo.expectToken(row.token, token, "stream");
    if (--left === 0) break;
  }
  return 1;
};

const many: Work = async (echo) => {
  const tokens = Array.from({ length: 20 }, () => echo.token());
  const cursor = await echo.conn.executeMany(
    "select %s::text as token",
    tokens.map((token) => [token]),
    { returning: true },
  );
  for (const token of tokens) {
    echo.expectToken((await cursor.fetchOne())?.token, token, "many");
    cursor.nextSet();
  }
  return tokens.length;
};

/** Selects, one of them failing, and a sync in the middle. */
export const pipeline: Work = async (echo) => {
  const size = 20 + echo.random.bits() % 60;
  const failing = echo.random.bits() % (2 * size);
  await echo.conn.pipeline(async (p) => {
    const checks: Promise<void>[] = [];
    let failed = false;
    let cut = false;
    for (let i = 0; i < size; i++) {
      const token = echo.token();
      const run = p.execute(
        "select %s::text as token, 1 / %s::int4 as one",
        [token, i === failing ? 0 : 1],
      ).fetchOne();
      const after = failed;
      failed ||= i === failing;
      checks.push(run.then(
        (row) => {
          echo.expect(!after, "pipeline: a result after the failure");
          echo.expectToken(row?.token, token, "pipeline");
        },
        (error) => {
          cut ||= echo.isCut(error);
          const right = i === failing
            ? error.sqlstate === "22012"
            : after && error instanceof PipelineAborted;
          if (cut) return;
          echo.expect(right, `pipeline: ${error} at ${i} of ${size}`);
        },
      ));
      if (i === size >> 1) {
        await p.sync().catch(() => {});
        failed = false;
      }
    }
    await Promise.all(checks);
  });
  return size;
};

/** What is done outside pipelines, and how often. */
export const WORKS: readonly (readonly [string, number, Work])[] = [
  ["select", 500, select],
  ["template", 60, template],
  ["several statements", 100, severalStatements],
  ["error after rows", 60, serverError],
  ["syntax error", 60, syntaxError],
  ["notice", 60, notice],
  ["notify", 60, notify],
  ["ddl", 20, ddl],
  ["copy", 20, copy],
  ["stream", 20, stream],
  ["executeMany", 20, many],
  ["cancel", 1, cancel],
];
/** The sum of how often. */
export const TOTAL: number = WORKS.reduce((sum, [, weight]) => sum + weight, 0);
