/**
 * The token-echo oracle: every statement selects a token of its own, so that a
 * result which belongs to another statement cannot be taken for the right one.
 * Between them: errors, cancels, notices, notifications, DDL, COPY, streams,
 * several statements in one text, pipelines.
 *
 * @module
 */

import {
  type Connection,
  DatabaseError,
  PipelineAborted,
  sql,
} from "../../mod.ts";
import { Random } from "./values.ts";

/** What a run did and found. */
export interface EchoReport {
  /** How many statements were run. */
  statements: number;
  /** How often each kind of work was done. */
  readonly kinds: Record<string, number>;
  /** What was not as it must be; empty if all is well. */
  readonly faults: string[];
}

/** Does something on the connection, and says how many statements that were. */
type Work = (echo: TokenEcho) => Promise<number>;

/** So many tasks share the connection. */
const TASKS = 6;
const CHANNEL = "pgts_echo";
const TABLE = "create temp table echo (token text)";
/** A table can have 1,600 columns, those that were dropped included. */
const MOST_COLUMNS = 1000;

/** Runs mixed statements on one connection and checks each answer. */
export class TokenEcho {
  /** The connection; in autocommit mode. */
  readonly conn: Connection;
  /** Decides what is done. */
  readonly random: Random;
  readonly #report: EchoReport = { statements: 0, kinds: {}, faults: [] };
  readonly #heard = new Map<string, number>();
  #tokens = 0;

  /**
   * @param conn A connection in autocommit mode, for this alone.
   * @param seed Decides what is done.
   */
  constructor(conn: Connection, seed?: number) {
    this.conn = conn;
    this.random = new Random(seed);
  }

  /** A token that no other statement has. */
  token(): string {
    return `${this.random.seed}/${++this.#tokens}/é`;
  }

  /** Says what is wrong, if it is. */
  expect(claim: boolean, fault: string): void {
    const { faults } = this.#report;
    if (!claim && faults.length < 20) faults.push(fault);
  }

  /** Expects that a row has exactly this token. */
  expectToken(found: unknown, token: string, kind: string): void {
    this.expect(
      found === token,
      `${kind}: ${JSON.stringify(found)} instead of ${token}`,
    );
  }

  /** A notice or a notification is expected to bring this token. */
  listenFor(token: string): void {
    this.#heard.set(token, 0);
  }

  /**
   * Runs.
   *
   * @param statements How many statements, at least.
   * @returns What was done and found.
   */
  async run(statements: number): Promise<EchoReport> {
    const { conn } = this;
    const hear = (token: string) => {
      const times = this.#heard.get(token);
      this.expect(times === 0, `heard ${token} when it was not expected`);
      this.#heard.set(token, (times ?? 0) + 1);
    };
    const onNotice = (diag: { messagePrimary: string | null }) => {
      const { messagePrimary } = diag;
      if (messagePrimary?.startsWith(`${this.random.seed}/`)) {
        hear(messagePrimary);
      }
    };
    const onNotify = ({ payload }: { payload: string }) => hear(payload);
    conn.addNoticeHandler(onNotice);
    conn.addNotifyHandler(onNotify);
    await conn.execute(`listen ${CHANNEL}`);
    const { kinds, faults } = this.#report;
    await conn.execute(TABLE);
    let columns = MOST_COLUMNS;
    while (this.#report.statements < statements && faults.length === 0) {
      if ((kinds.ddl ?? 0) > columns) {
        columns += MOST_COLUMNS;
        await conn.execute(`drop table echo; ${TABLE}`);
      }
      await Promise.all(Array.from({ length: TASKS }, () => this.#several(20)));
      await this.#do("pipeline", pipeline);
    }
    await conn.execute("drop table echo");
    conn.removeNoticeHandler(onNotice);
    conn.removeNotifyHandler(onNotify);
    for (const [token, times] of this.#heard) {
      this.expect(times === 1, `heard ${token} ${times} times`);
    }
    return this.#report;
  }

  async #several(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      const [kind, work] = this.#choose();
      await this.#do(kind, work);
    }
  }

  async #do(kind: string, work: Work): Promise<void> {
    const { kinds } = this.#report;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    try {
      this.#report.statements += await work(this);
    } catch (error) {
      this.expect(false, `${kind}: ${error}`);
    }
  }

  #choose(): [string, Work] {
    let at = this.random.bits() % TOTAL;
    for (const [kind, weight, work] of WORKS) {
      if ((at -= weight) < 0) return [kind, work];
    }
    throw new Error("Failed to choose: the weights do not add up");
  }
}

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
    found = error instanceof DatabaseError ? error.sqlstate : error;
  }
  echo.expect(found === sqlstate, `${kind}: ${found} instead of ${sqlstate}`);
}

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
    [token, CHANNEL, payload],
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
const pipeline: Work = async (echo) => {
  const size = 20 + echo.random.bits() % 60;
  const failing = echo.random.bits() % (2 * size);
  await echo.conn.pipeline(async (p) => {
    const checks: Promise<void>[] = [];
    let failed = false;
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
          const right = i === failing
            ? error.sqlstate === "22012"
            : after && error instanceof PipelineAborted;
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
const WORKS: readonly (readonly [string, number, Work])[] = [
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
const TOTAL = WORKS.reduce((sum, [, weight]) => sum + weight, 0);
