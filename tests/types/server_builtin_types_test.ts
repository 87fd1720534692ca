/**
 * That no built-in type is left out, and that none gives a wrong value for what
 * its server could not have sent.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { adapters, DataError } from "../../mod.ts";
import { Format } from "../../types/mod.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  openScripted,
  rejection,
} from "../connection/support.ts";
import { open } from "../support/values.ts";

/** What the server sends bytes of that mean nothing outside of it. */
const BYTES: readonly string[] = [
  "money",
  "pg_brin_bloom_summary",
  "pg_brin_minmax_multi_summary",
  "pg_dependencies",
  "pg_mcv_list",
  "pg_ndistinct",
];

Deno.test("every built-in type has a loader of binary values, but those whose bytes mean nothing outside of the server", async () => {
  await using conn = await open();
  const names = (await conn.execute(
    `select typname::text from pg_catalog.pg_type t
    where oid < 16384 and typtype in ('b', 'r', 'm') and typsend <> 0 and typrelid = 0
      and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)
    order by 1`,
  ).fetchAll()).map(([name]) => String(name));
  // Those of geometry, and vectors, have tests of their own.
  const others =
    /^(box|circle|line|lseg|path|point|polygon|int2vector|oidvector)$/;
  const without = names.filter((name) =>
    !others.test(name) &&
    adapters.getLoader(adapters.types.getOid(name), Format.BINARY) === null
  );
  assertEquals(without, BYTES.filter((name) => names.includes(name)));
  assert(names.length > 60, String(names.length));
});

Deno.test("every built-in type can be named in setTypes() of a COPY in text format", async () => {
  await using conn = await open();
  const { types } = adapters;
  const others =
    /^(box|circle|line|lseg|path|point|polygon|int2vector|oidvector|pg_.*|gtsvector)$/;
  const names = (await conn.execute(
    `select typname::text from pg_catalog.pg_type t
    where oid < 16384 and typtype = 'b' and typrelid = 0
      and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)`,
  ).fetchAll()).map(([name]) => String(name)).filter((name) =>
    !others.test(name)
  );
  for (const name of [...names, "pg_lsn", "pg_snapshot"]) {
    const oid = types.getOid(name);
    // Made where it is needed; it throws where there is none.
    assert(adapters.getDumperByOid(oid) !== null, name);
  }
});

Deno.test("strings of types: what the server could not have sent is a DataError that names column and type", async () => {
  const cases: [string, string | null, number[]][] = [
    ["macaddr", "08:00", [1, 2, 3]],
    ["macaddr8", "", [1, 2, 3]],
    ["bit", "2", [0, 0, 0, 1]],
    ["varbit", "x", [0, 0, 0, 9, 1]],
    ["xid", "-1", [1]],
    ["cid", "x", [1]],
    ["xid8", "18446744073709551616", [1]],
    ["tid", "1", [1]],
    ["pg_lsn", "1", [1]],
    ["pg_snapshot", "1", [1]],
    ["txid_snapshot", "1:2", [1]],
    ["tsvector", null, [0, 0, 0, 1, 0x61]],
    ["tsquery", null, [0, 0, 0, 1, 3]],
    ["jsonpath", null, [2]],
    ["regclass", null, [1]],
    ["xml", "\xff", [0xff]],
    ["macaddr[]", "{08:00}", [0, 0, 0, 1]],
  ];
  for (const [type, text, bytes] of cases) {
    const info = adapters.types.mustGet(type);
    const regtype = type.endsWith("[]") ? `${info.regtype}[]` : info.regtype;
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) =>
        answer(
          burst,
          burst.some((message) => "text" in message && message.text === "good")
            ? ONE
            : {
              columns: [{ name: "bad", oid: adapters.types.getOid(type) }],
              rows: [[Uint8Array.from(value)]],
              tag: "SELECT 1",
            },
        )
      );
    });
    let value: number[] = [];
    await using conn = await openScripted(server);
    for (const binary of [false, true]) {
      if (text === null && !binary) continue;
      value = binary
        ? bytes
        : Array.from(text!, (letter) => letter.charCodeAt(0));
      assertError(
        await rejection(conn.execute("bad", undefined, { binary })),
        {
          class: DataError,
          says: ['column "bad"', `type ${regtype}: `],
          usable: true,
        },
      );
      assertEquals(await conn.execute("good").fetchAll(), [{ one: 1 }]);
    }
  }
});
