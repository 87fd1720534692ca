/**
 * That the types follow the row factory: what is asserted here is checked by the
 * compiler, and the test below by running the same calls.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  argsRow,
  type AsyncConnection,
  type BaseCursor,
  classRow,
  connect,
  Connection,
  type Cursor,
  type DictRow,
  dictRow,
  type Execution,
  kwargsRow,
  type NamedTuple,
  namedTupleRow,
  type Pipeline,
  scalarRow,
  type Transaction,
  tupleRow,
  withConnection,
} from "../mod.ts";
import { testDsn } from "./support/database.ts";

/** `true` if both are the same type, neither wider nor narrower. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

/** The compiler accepts only `true`. */
function check<_T extends true>(): void {}

class Person {
  name = "";
  age = 0;
}

async function shapes(dsn: string): Promise<void> {
  await using dicts = await connect(dsn, { autocommit: true });
  check<Same<typeof dicts, Connection<DictRow>>>();
  check<Same<typeof dicts, AsyncConnection>>();
  const query = "select 'Ada' as name, 36 as age";
  const execution = dicts.execute(query);
  const dict = await execution.fetchOne();
  check<Same<typeof dict, DictRow | null>>();
  assertEquals(dict, { name: "Ada", age: 36 });

  await using tuples = await connect(dsn, { rowFactory: tupleRow });
  check<Same<typeof tuples, Connection<unknown[]>>>();
  const tuple = await tuples.execute(query).fetchOne();
  check<Same<typeof tuple, unknown[] | null>>();
  const many = await tuples.execute(query).fetchMany(1);
  check<Same<typeof many, unknown[][]>>();
  const all = await tuples.execute(query).fetchAll();
  check<Same<typeof all, unknown[][]>>();
  assertEquals([tuple, ...many, ...all], Array(3).fill(["Ada", 36]));
  for await (const row of tuples.execute(query)) {
    check<Same<typeof row, unknown[]>>();
    assertEquals(row, ["Ada", 36]);
  }
  const cursor = await tuples.execute(query);
  check<Same<typeof cursor, BaseCursor<unknown[]>>>();
  const same = await tuples.cursor().execute(query);
  check<Same<typeof same, BaseCursor<unknown[]>>>();

  await using people = await connect({
    host: dicts.info.host,
    port: dicts.info.port,
    user: dicts.info.user,
    dbname: dicts.info.dbname,
    rowFactory: classRow(Person),
  });
  check<Same<typeof people, Connection<Person>>>();
  const person = await people.execute(query).fetchOne();
  check<Same<typeof person, Person | null>>();
  assert(person instanceof Person);

  await using scalars = await Connection.connect(dsn, {
    rowFactory: scalarRow,
  });
  check<Same<typeof scalars, Connection<unknown>>>();
  assertEquals(await scalars.execute(query).fetchOne(), "Ada");
}

async function cursors(conn: Connection): Promise<void> {
  const query = "select 'Ada' as name, 36 as age";
  const plain = conn.cursor({ binary: true });
  check<Same<typeof plain, BaseCursor<DictRow>>>();
  const scalar = conn.cursor({ rowFactory: scalarRow });
  check<Same<typeof scalar, BaseCursor<unknown>>>();
  const dicts = conn.cursor({ rowFactory: dictRow({ duplicates: "last" }) });
  check<Same<typeof dicts, BaseCursor<DictRow>>>();
  const people = conn.cursor({ rowFactory: classRow(Person) });
  const person = await people.execute(query).fetchOne();
  check<Same<typeof person, Person | null>>();
  assert(person instanceof Person);
  const ages = conn.cursor({ rowFactory: kwargsRow((row) => Number(row.age)) });
  const age = await ages.execute(query).fetchAll();
  check<Same<typeof age, number[]>>();
  assertEquals(age, [36]);
  const named = conn.cursor({ rowFactory: namedTupleRow });
  const tuple = await named.execute(query).fetchOne();
  check<Same<typeof tuple, NamedTuple | null>>();
  assertEquals(tuple?.name, "Ada");
  const counted = conn.cursor({ rowFactory: argsRow((...v) => v.length) });
  check<Same<typeof counted, BaseCursor<number>>>();
  const many = people.executeMany("select %s as name, 1 as age", [["Bob"]], {
    returning: true,
  });
  check<Same<typeof many, Execution<Person, BaseCursor<Person>>>>();
  const bob = await (await many).setResult(0).fetchOne();
  check<Same<typeof bob, Person | null>>();
  assertEquals(bob?.name, "Bob");
  for (const each of people.results()) {
    check<Same<typeof each, BaseCursor<Person>>>();
  }
  const set = await conn.executeMany("select %s", new Set([[1]]));
  check<Same<typeof set, BaseCursor<DictRow>>>();
  // Said by hand, where the caller knows what the rows are.
  const said = await conn.execute<{ age: number }>(query).fetchOne();
  check<Same<typeof said, { age: number } | null>>();
  check<Same<Cursor, Cursor<DictRow>>>();
}

async function blocks(conn: Connection): Promise<void> {
  const name = await conn.transaction(async (tx) => {
    check<Same<typeof tx, Transaction<DictRow>>>();
    const row = await tx.execute("select 'Ada' as name").fetchOne();
    check<Same<typeof row, DictRow | null>>();
    const tuples = tx.cursor({ rowFactory: tupleRow });
    check<Same<typeof tuples, BaseCursor<unknown[]>>>();
    const tuple = await tuples.execute("select 1").fetchOne();
    assertEquals(tuple, [1]);
    const said = await tx.execute<{ n: number }>("select 1 as n").fetchOne();
    check<Same<typeof said, { n: number } | null>>();
    return String(row?.name);
  });
  // After a Rollback there is no value.
  check<Same<typeof name, string | undefined>>();
  assertEquals(name, "Ada");
  const sum = await conn.pipeline(async (p) => {
    check<Same<typeof p, Pipeline<DictRow>>>();
    const row = await p.execute<{ n: number }>("select 1 as n").fetchOne();
    return row!.n;
  });
  check<Same<typeof sum, number>>();
  assertEquals(sum, 1);
  await using scope = await conn.pipeline();
  check<Same<typeof scope, Pipeline<DictRow>>>();
}

Deno.test("connect: the types of connection, cursors and rows follow the row factory", async () => {
  const dsn = testDsn();
  await shapes(dsn);
  const count = await withConnection(
    dsn,
    { rowFactory: tupleRow },
    async (conn) => {
      check<Same<typeof conn, Connection<unknown[]>>>();
      return (await conn.execute("select 1").fetchAll()).length;
    },
  );
  check<Same<typeof count, number>>();
  assertEquals(count, 1);
  await using conn = await connect(dsn, { autocommit: true });
  await cursors(conn);
  await blocks(conn);
});

Deno.test("connect: what does not fit the row factory is refused by the compiler", () => {
  const wrong = (conn: Connection<unknown[]>) => {
    // @ts-expect-error -- rows are arrays
    const row: DictRow | null = conn.execute("select 1").fetchOne();
    // @ts-expect-error -- a row factory of other rows
    conn.rowFactory = classRow(Person);
    class Pair {
      readonly n: number;
      constructor(n: number) {
        this.n = n;
      }
    }
    // @ts-expect-error -- a class that needs arguments
    classRow(Pair);
    // @ts-expect-error -- a pipeline is no rows
    const rows: unknown[] = conn.pipeline();
    // @ts-expect-error -- sets of parameters, not parameters
    conn.executeMany("select %s", [1, 2]);
    return [row, rows];
  };
  assertEquals(typeof wrong, "function");
});
