import { assert, assertEquals } from "@std/assert";
import {
  type Connection,
  IsolationLevel,
  TransactionStatus,
} from "../../mod.ts";
import {
  FeatureNotSupported,
  InvalidSqlStatementName,
  ProtocolViolation,
} from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  open,
  openScripted,
  quiet,
  rejection,
} from "./support.ts";

/** A table that another session changes, and a connection that reads it. */
class Changing implements AsyncDisposable {
  static #count = 0;
  readonly conn: Connection;
  readonly query: string;
  readonly #other: Connection;
  readonly #table: string;
  #columns = 2;

  constructor(conn: Connection, other: Connection, table: string) {
    this.conn = conn;
    this.#other = other;
    this.#table = table;
    this.query = `select * from ${table}`;
  }

  /** Whether statements are prepared, and whether the driver opens transactions. */
  static async open(
    options: { autocommit: boolean; prepareThreshold: number | null },
  ): Promise<Changing> {
    const other = await open();
    const table = `pgts_changing_${Deno.pid}_${this.#count++}`;
    await other.execute(`create table ${table} (c1 int, c2 money)`);
    await other.execute(`insert into ${table} values (1, 2)`);
    const changing = new Changing(await open(options), other, table);
    await changing.run(7);
    return changing;
  }

  /** Reads the table, and gives how many columns it saw. */
  async columns(): Promise<number> {
    const row = await this.conn.execute(this.query).fetchOne();
    assertEquals(row?.c1, 1);
    return Object.keys(row!).length;
  }

  /** Reads it some times, each in a transaction of its own. */
  async run(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      assertEquals(await this.columns(), this.#columns);
      await this.conn.commit();
    }
  }

  /** Adds a column in the other session. */
  async change(): Promise<void> {
    const column = `c${++this.#columns}`;
    await this.#other.execute(
      `alter table ${this.#table} add ${column} int default 7`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.conn.close();
    await this.#other.execute(`drop table ${this.#table}`);
    await this.#other.close();
  }
}

/** Prepared, and not prepared but with its columns known. */
const WAYS = [
  { prepareThreshold: 0, class: FeatureNotSupported, sqlstate: "0A000" },
  { prepareThreshold: null, class: ProtocolViolation, sqlstate: "08P01" },
] as const;

Deno.test(
  "K1 D-17 execute: a column that another session adds is simply there, prepared or not",
  quiet(async () => {
    for (const { prepareThreshold } of WAYS) {
      for (const autocommit of [true, false]) {
        await using table = await Changing.open({
          autocommit,
          prepareThreshold,
        });
        for (let round = 0; round < 2; round++) {
          await table.change();
          const all = await table.conn.execute(table.query).fetchAll();
          assertEquals(Object.keys(all[0]!).length, 3 + round);
          assertEquals(all[0]?.[`c${3 + round}`], 7);
          assertEquals(
            table.conn.info.transactionStatus,
            autocommit ? TransactionStatus.IDLE : TransactionStatus.INTRANS,
          );
          await table.conn.rollback();
          await table.run(7);
        }
      }
    }
  }),
);

Deno.test(
  "K2 execute: inside a transaction it is a typed error once, and the next transaction works",
  quiet(async () => {
    for (const { prepareThreshold, class: Class, sqlstate } of WAYS) {
      for (const autocommit of [true, false]) {
        await using table = await Changing.open({
          autocommit,
          prepareThreshold,
        });
        const { conn } = table;
        await table.change();
        const block = conn.transaction(async (tx) => {
          await tx.execute("select 1");
          await tx.execute(table.query);
        });
        assertError(await rejection(block), {
          class: Class,
          sqlstate,
          usable: true,
          reached: true,
        });
        assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
        await conn.transaction(async (tx) => {
          await tx.execute("select 1");
          assertEquals(await table.columns(), 3);
        });
        await table.run(2);
      }
    }
  }),
);

Deno.test(
  "D-17 transaction: the first statement of a block is run again inside of the block",
  quiet(async () => {
    for (const { prepareThreshold } of WAYS) {
      for (const autocommit of [true, false]) {
        await using table = await Changing.open({
          autocommit,
          prepareThreshold,
        });
        const { conn } = table;
        await table.change();
        await conn.transaction(async (tx) => {
          assertEquals(await table.columns(), 3);
          assertEquals(
            conn.info.transactionStatus,
            TransactionStatus.INTRANS,
            "the block is a transaction",
          );
          const level = await tx.execute("show transaction_isolation")
            .fetchOne();
          assertEquals(level?.transaction_isolation, "serializable");
        }, { isolationLevel: IsolationLevel.SERIALIZABLE });
        assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      }
    }
  }),
);

/** Ways to make the server forget what is prepared; the last one unseen by the client. */
const FORGETTING = [
  "discard all",
  "deallocate all",
  "do $$ begin execute 'deallocate all'; end $$",
];

Deno.test(
  "K3 execute: after DISCARD ALL, DEALLOCATE ALL and 26000 it is prepared again, unseen",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      for (const forget of FORGETTING) {
        if (forget === "discard all" && !autocommit) continue; // not in a transaction
        await using conn = await open({ autocommit, prepareThreshold: 0 });
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < 3; i++) {
            const row = await conn.execute("select %s::int as n", [i])
              .fetchOne();
            assertEquals(row, { n: i });
            await conn.commit();
          }
          await conn.execute(forget, undefined, { prepare: false });
          await conn.commit();
        }
        const names = await conn.execute(
          "select count(*)::int as n from pg_prepared_statements where statement like 'select $1%'",
        ).fetchOne();
        assertEquals(names, { n: 0 });
      }
    }
  }),
);

Deno.test(
  "K3 execute: in a transaction 26000 is a typed error once, and the next transaction works",
  quiet(async () => {
    await using conn = await open({ prepareThreshold: 0 });
    const run = () => conn.execute("select %s::int as n", [1]).fetchOne();
    assertEquals(await run(), { n: 1 });
    const block = conn.transaction(async (tx) => {
      await tx.execute(FORGETTING[2]!, undefined, { prepare: false });
      await run();
    });
    assertError(await rejection(block), {
      class: InvalidSqlStatementName,
      sqlstate: "26000",
      usable: true,
      reached: true,
    });
    await conn.transaction(async (tx) => {
      await tx.execute("select 1");
      assertEquals(await run(), { n: 1 });
    });
  }),
);

Deno.test(
  "K4 execute: a name that is taken is replaced by another, once, and whose it is keeps it",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit, prepareThreshold: 0 });
      await conn.execute("select 0 as n");
      const known = await conn.execute(
        "select name from pg_prepared_statements",
        undefined,
        { prepare: false },
      ).fetchOne();
      const prefix = String(known?.name).replace(/0$/, "");
      const taken = [`${prefix}1`, `${prefix}3`];
      for (const name of taken) {
        await conn.execute(
          `prepare ${name} as select 'mine' as whose`,
          undefined,
          { prepare: false },
        );
      }
      await conn.commit();
      for (let i = 0; i < 4; i++) {
        const query = `select %s::int + ${i} as n`;
        for (let run = 0; run < 2; run++) {
          const row = await conn.execute(query, [1]).fetchOne();
          assertEquals(row, { n: 1 + i });
          await conn.commit();
        }
      }
      for (const name of taken) {
        const row = await conn.execute(`execute ${name}`, undefined, {
          prepare: false,
        }).fetchOne();
        assertEquals(row, { whose: "mine" });
      }
    }

    // Only once: a server where each name is taken is not asked for ever.
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) =>
        burst.some((message) => message.tag === "P" && message.name !== "")
          ? [
            b.errorResponse({ code: "42P05", message: "taken" }),
            b.readyForQuery("I"),
          ]
          : answer(burst, ONE)
      );
    });
    await using scripted = await openScripted(server, { prepareThreshold: 0 });
    const error = await rejection(scripted.execute("select %s", [1]));
    assert(String(error).includes("taken"));
    const names = server.sessions[0]!.received.flatMap((message) =>
      message.tag === "P" ? message.name : []
    );
    assertEquals(names.length, 2);
    assertEquals(new Set(names).size, 2);
    const unprepared = scripted.execute("select %s", [1], { prepare: false });
    assertEquals(await unprepared.fetchOne(), { one: 1 });
  }),
);

Deno.test(
  "execute: what is not stale is never run twice",
  quiet(async () => {
    // The same SQLSTATEs from somewhere else, inside of a function for example.
    for (const code of ["0A000", "08P01"]) {
      let runs = 0;
      await using server = new ScriptedServer(async (session) => {
        await session.startup();
        await session.serve(() => {
          runs++;
          return [
            b.errorResponse({ code, message: "mine", R: "exec_stmt_raise" }),
            b.readyForQuery("I"),
          ];
        });
      });
      for (const prepareThreshold of [0, null]) {
        runs = 0;
        await using conn = await openScripted(server, { prepareThreshold });
        const error = await rejection(conn.execute("select %s", [1]));
        assert(String(error).includes("mine"));
        assertEquals(runs, 1);
      }
    }
    // A function that raises 26000 itself has run: its effects count.
    await using conn = await open({ prepareThreshold: 0 });
    await conn.execute("create temp sequence ran");
    const raising =
      "do $$ begin perform nextval('ran'); raise sqlstate '26000' using message = 'mine'; end $$";
    const error = await rejection(conn.execute(raising));
    assert(String(error).includes("mine"));
    const row = await conn.execute("select last_value::int as n from ran")
      .fetchOne();
    assertEquals(row, { n: 1 });
  }),
);
