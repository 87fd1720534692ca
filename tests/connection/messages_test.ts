import { assert, assertEquals } from "@std/assert";
import type { Connection } from "../../mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  ONE,
  openScripted,
  quiet,
  runScript,
  until,
} from "./support.ts";

const { concat } = b;
const COLUMN = { name: "one", oid: 23 };

Deno.test(
  "A18 Connection: 10^6 notices and parameter reports within one query are told and not kept",
  quiet(async () => {
    const each = 1000;
    const chunk = concat(
      ...Array.from({ length: each }, (_, i) =>
        concat(
          b.noticeResponse({ message: `note ${i}` }),
          b.parameterStatus("application_name", `name ${i}`),
        )),
    );
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve(async (burst) => {
        for (let sent = 0; sent < 500_000; sent += each) {
          await session.sendRaw(chunk);
        }
        return answer(burst, ONE);
      });
    });
    await using conn = await openScripted(server);
    let notices = 0;
    let highest = 0;
    let base = 0;
    conn.addNoticeHandler(() => {
      if (notices++ % 50_000 > 0) return;
      const { heapUsed, external } = Deno.memoryUsage();
      if (notices > 50_000) highest = Math.max(highest, heapUsed + external);
      else base = heapUsed + external;
    });
    assertEquals(await conn.execute("select 1").fetchAll(), [{ one: 1 }]);
    assertEquals(notices, 500_000);
    assertEquals(
      conn.info.parameterStatus("application_name"),
      `name ${each - 1}`,
    );
    assert(highest - base < 48e6, `${(highest - base) / 1e6} MB more`);
  }),
);

const INTRUDERS: readonly Uint8Array[] = [
  b.noticeResponse({ message: "by the way" }),
  b.notificationResponse(77, "news", "extra"),
  b.parameterStatus("application_name", "changed"),
];

/** Counts what a connection is told beside its results. */
function countEvents(conn: Connection): { notices: number; notifies: number } {
  const seen = { notices: 0, notifies: 0 };
  conn.addNoticeHandler((diag) => {
    assertEquals(diag.messagePrimary, "by the way");
    seen.notices++;
  });
  conn.addNotifyHandler(({ channel, payload, pid }) => {
    assertEquals([channel, payload, pid], ["news", "extra", 77]);
    seen.notifies++;
  });
  return seen;
}

Deno.test(
  "L3 Connection: notices, notifications and parameter reports at every position are invisible to queries",
  quiet(async () => {
    const rows = [["1"], ["2"], ["3"]];
    let position = 0;
    let positions = 0;
    let sent = 0;
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) => {
        const messages = answer(burst, {
          columns: [COLUMN],
          rows,
          tag: "SELECT 3",
        });
        positions = messages.length;
        sent++;
        return messages.toSpliced(position, 0, ...INTRUDERS);
      });
    });
    await using conn = await openScripted(server);
    const seen = countEvents(conn);
    for (const prepare of [undefined, false, true, true]) { // the last one: prepared already
      positions = 0;
      for (position = 0; position <= positions; position++) {
        const query = prepare === undefined ? "select 1" : "select %s";
        const params = prepare === undefined ? undefined : [1];
        const result = conn.execute(query, params, { prepare });
        assertEquals(await result.fetchAll(), [
          { one: 1 },
          { one: 2 },
          { one: 3 },
        ]);
      }
      assert(positions >= 6);
    }
    position = 4;
    const inPipeline = await conn.pipeline((p) =>
      Promise.all([1, 2].map((n) => p.execute("select %s", [n]).fetchAll()))
    );
    assertEquals(inPipeline.map((all) => all.length), [3, 3]);
    // What follows the last ReadyForQuery comes in time, if not with it.
    await until(() => seen.notices === sent, "all notices have come");
    assertEquals(seen.notifies, sent);
    assertEquals(conn.info.parameterStatus("application_name"), "changed");
    assertEquals(await conn.execute("select 1").fetchOne(), { one: 1 });
  }),
);

Deno.test(
  "L3 connect: notices and notifications at every position of the start are invisible",
  quiet(async () => {
    for (let position = 0; position < 4; position++) {
      await using server = new ScriptedServer(async (session) => {
        await session.readStartup();
        const start = [
          b.authenticationOk(),
          b.parameterStatus("client_encoding", "UTF8"),
          b.backendKeyData(1, 2),
          b.readyForQuery("I"),
        ];
        const [notice, notification, parameter] = INTRUDERS;
        const extra = position === 0
          ? [notice!]
          : [notice!, notification!, parameter!];
        await session.send(...start.toSpliced(position, 0, ...extra));
        await session.serve((burst) => answer(burst, ONE));
      });
      await using conn = await openScripted(server);
      assertEquals(await conn.execute("select 1").fetchOne(), { one: 1 });
    }
  }),
);

Deno.test(
  "A19 Connection: a notice that nobody asked for prints nothing",
  async () => {
    const output = await runScript(`
      const conn = await connect(Deno.args[0]);
      await conn.execute("do $$ begin raise notice 'n'; raise warning 'w'; end $$");
      await conn.rollback();
      conn.autocommit = true;
      await conn.execute("rollback"); // a warning: there is no transaction
      await conn.close();
    `);
    assertEquals(output, { code: 0, stdout: "", stderr: "" });
  },
);
