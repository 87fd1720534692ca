import { assertEquals, assertRejects } from "@std/assert";
import { DataError, scalarRow } from "../../mod.ts";
import { open, quiet } from "./support.ts";

Deno.test(
  "P7 execute: rows after a SET in the same text are refused where they would be misread",
  quiet(async () => {
    await using conn = await open();
    const cursor = conn.cursor({ rowFactory: scalarRow });
    for (
      const text of [
        "set client_encoding to latin1; select chr(195) || chr(169)",
        "set datestyle to 'SQL, MDY'; select make_date(2003, 2, 1)",
        "select set_config('client_encoding', 'latin1', false); select chr(195) || chr(169)",
        "begin; set local datestyle to 'German'; rollback; set datestyle to 'SQL, MDY'; select make_date(2003, 2, 1)",
      ]
    ) {
      await conn.execute("set datestyle to 'SQL, DMY'");
      const error = await assertRejects(
        () => cursor.execute(text),
        DataError,
        "run that statement by itself",
      );
      assertEquals(error.connectionUsable, true);
      assertEquals(cursor.rowCount, -1);
      await conn.execute("reset all");
      await conn.execute("set client_encoding to utf8");
    }
    // What changes nothing, or comes after the rows, is no reason.
    await cursor.execute(
      "set datestyle to 'ISO, MDY'; select make_date(2003, 2, 1)",
    );
    assertEquals(cursor.nextSet(), true);
    assertEquals(String(await cursor.fetchOne()), "2003-02-01");
    await cursor.execute(
      "select make_date(2003, 2, 1); set datestyle to 'German'",
    );
    assertEquals(String(await cursor.fetchOne()), "2003-02-01");
    await cursor.execute("select make_date(2003, 2, 1)");
    assertEquals(String(await cursor.fetchOne()), "2003-02-01");
  }),
);
