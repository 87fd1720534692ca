/** Two-phase commit on connections of a pool. */

import { assertEquals } from "@std/assert";
import { ProgrammingError } from "../../mod.ts";
import { assertError, quiet, rejection } from "../connection/support.ts";
import { count, openTpc, unique, write } from "../connection/tpc_support.ts";
import { assertWarned, openPool, pidsOf } from "./support.ts";

Deno.test(
  "tpc: given back to a pool, what is prepared stays so for anybody to end, what is not is rolled back",
  quiet(async () => {
    await using _table = await openTpc();
    const { pool, warnings } = await openPool();
    await using _ = pool;
    const [pid] = await pidsOf(pool);
    const id = unique();

    const begun = await pool.getConn();
    await write(begun, id);
    await pool.putConn(begun);
    assertWarned(warnings, "open transaction (status INTRANS)");
    assertEquals(await count(id), 0);

    const unfinished = pool.connection((conn) => write(conn, id));
    assertError(await rejection(unfinished), {
      class: ProgrammingError,
      says: ["use tpcCommit()"],
    });
    assertWarned(warnings, "open transaction (status INTRANS)");

    await pool.connection(async (conn) => {
      await write(conn, id);
      await conn.tpcPrepare();
    });
    assertEquals(await count(id), 0);
    await pool.connection(async (conn) => {
      await conn.execute("select 1"); // nothing of the one before is left
      await conn.rollback();
      const xids = await conn.tpcRecover();
      await conn.tpcCommit(xids.find((xid) => xid.gtrid === id));
    });
    assertEquals(await count(id), 1);
    assertEquals(await pidsOf(pool), [pid!]);
    assertWarned(warnings);
  }),
);
