import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Connection,
  type Diagnostic,
  Notify,
  ProgrammingError,
} from "../../mod.ts";
import { assertUsable, open, quiet, runScript, until } from "./support.ts";

const RAISE = `do $$ begin
  raise notice 'one' using detail = 'more', hint = 'do';
  raise warning 'two' using errcode = '01234';
end $$`;

Deno.test(
  "addNoticeHandler: handlers get every notice with its fields, in the order of adding",
  quiet(async () => {
    await using conn = await open();
    const seen: [string, Diagnostic][] = [];
    const first = (diag: Diagnostic) => void seen.push(["first", diag]);
    const second = (diag: Diagnostic) => void seen.push(["second", diag]);
    conn.addNoticeHandler(first);
    conn.addNoticeHandler(second);
    await conn.execute(RAISE);
    const names = seen.map(([name, diag]) => `${name} ${diag.messagePrimary}`);
    assertEquals(names, ["first one", "second one", "first two", "second two"]);
    const one = seen[0]![1];
    const two = seen[2]![1];
    assertEquals(one.severity, "NOTICE");
    assertEquals(one.severityNonlocalized, "NOTICE");
    assertEquals(one.sqlstate, "00000");
    assertEquals(one.messageDetail, "more");
    assertEquals(one.messageHint, "do");
    assertEquals([two.severity, two.sqlstate], ["WARNING", "01234"]);
    conn.removeNoticeHandler(first);
    await conn.execute(RAISE);
    assertEquals(seen.slice(4).map(([name]) => name), ["second", "second"]);
    conn.removeNoticeHandler(second);
    await conn.execute(RAISE);
    assertEquals(seen.length, 6);
  }),
);

Deno.test("CN-21 removeNoticeHandler: one that was not added is a ProgrammingError", async () => {
  await using conn = await open();
  const handler = () => {};
  assertThrows(() => conn.removeNoticeHandler(handler), ProgrammingError);
  conn.addNoticeHandler(handler);
  conn.removeNoticeHandler(handler);
  assertThrows(() => conn.removeNoticeHandler(handler), ProgrammingError);
  assertThrows(() => conn.removeNotifyHandler(handler), ProgrammingError);
});

Deno.test(
  "NTF-05 addNoticeHandler: one that throws becomes one warning, and keeps nobody from it",
  quiet(async () => {
    const warnings: string[] = [];
    await using conn = await open({
      onWarning: (message) => warnings.push(message),
    });
    let calls = 0;
    conn.addNoticeHandler(() => {
      throw new Error("mine");
    });
    const counter = (diag: Diagnostic) => {
      assertEquals([diag.severity, diag.messagePrimary], ["NOTICE", "one"]);
      calls++;
    };
    assertThrows(() => conn.removeNoticeHandler(counter), ProgrammingError);
    conn.addNoticeHandler(counter);
    const raise = "do $$ begin raise notice 'one'; end $$";
    await conn.execute(raise);
    assertEquals(calls, 1);
    assertEquals(warnings.length, 1);
    assert(warnings[0]!.includes("notice handler"));
    assert(warnings[0]!.includes("mine"));
    await assertUsable(conn);
    assertEquals(warnings.length, 1);
    // One that is async too.
    conn.addNoticeHandler(() => Promise.reject(new Error("later")));
    await conn.execute(raise);
    await until(() => warnings.length === 3, "both have warned");
    assert(warnings[2]!.includes("later"));
  }),
);

Deno.test(
  "onWarning: what it throws itself does not reach the connection",
  quiet(async () => {
    await using conn = await open({
      onWarning: () => {
        throw new Error("no warnings, please");
      },
    });
    conn.addNoticeHandler(() => {
      throw new Error("mine");
    });
    await conn.execute("do $$ begin raise notice 'one'; end $$");
    await assertUsable(conn);
  }),
);

async function notify(channel: string, payload = ""): Promise<Connection> {
  const conn = await open();
  await conn.execute("select pg_notify(%s, %s)", [channel, payload]);
  return conn;
}

Deno.test(
  "NTF-03 addNotifyHandler: notifications come while the connection is idle, and with the process that sent them",
  quiet(async () => {
    const warnings: string[] = [];
    await using conn = await open({
      onWarning: (message) => warnings.push(message),
    });
    const seen: Notify[] = [];
    const handler = (notify: Notify) => void seen.push(notify);
    conn.addNotifyHandler(handler);
    const channel = `pgts ${crypto.randomUUID().slice(0, 8)} "ü"`;
    const quoted = `"${channel.replaceAll('"', '""')}"`;
    await conn.execute(`listen ${quoted}`);
    await using other = await notify(channel, "☃ payload");
    await until(() => seen.length === 1, "the notification came");
    assert(seen[0] instanceof Notify);
    assertEquals({ ...seen[0] }, {
      channel,
      payload: "☃ payload",
      pid: other.info.backendPid,
    });
    // Its own, with the answer to the statement that sent it.
    await conn.execute("select pg_notify(%s, %s)", [channel, "x".repeat(7999)]);
    await until(() => seen.length === 2, "its own notification came");
    assertEquals(seen[1]!.payload.length, 7999);
    assertEquals(seen[1]!.pid, conn.info.backendPid);

    // One that throws is a warning; the other goes on.
    conn.addNotifyHandler(() => {
      throw new Error("mine");
    });
    await conn.execute(`notify ${quoted}`);
    await until(() => warnings.length === 1, "the warning came");
    assert(warnings[0]!.includes("notify handler"));
    assertEquals(seen[2]?.payload, "");
    conn.removeNotifyHandler(handler);
    await conn.execute(`notify ${quoted}`);
    await until(() => warnings.length === 2, "the other handler is there");
    assertEquals(seen.length, 3);
    await assertUsable(conn);
  }),
);

Deno.test(
  "Q2 connect: a script ends by itself although an idle connection is open",
  async () => {
    const output = await runScript(`
      const conn = await connect(Deno.args[0]);
      const other = await connect(Deno.args[0], { autocommit: true });
      console.log((await conn.execute("select 'done' as d").fetchOne()).d);
      await conn.execute("select %s::int", [1]);
      await other.execute("listen x");
    `);
    assertEquals(output, { code: 0, stdout: "done\n", stderr: "" });
  },
);

Deno.test(
  "Q2 connect: a script does not end while a statement runs, a handler waits, or ref() holds it",
  async () => {
    const running = await runScript(`
      const conn = await connect(Deno.args[0]);
      conn.execute("select pg_sleep(0.1)").then(() => console.log("done"));
    `);
    assertEquals(running, { code: 0, stdout: "done\n", stderr: "" });
    const waiting = await runScript(`
      const conn = await connect(Deno.args[0], { autocommit: true });
      const other = await connect(Deno.args[0], { autocommit: true });
      conn.addNotifyHandler(function handler() {
        console.log("done");
        conn.removeNotifyHandler(handler);
      });
      await conn.execute("listen pgts_q2");
      other.execute("select pg_sleep(0.1); notify pgts_q2");
    `);
    assertEquals(waiting, { code: 0, stdout: "done\n", stderr: "" });
    const held = await runScript(`
      const conn = await connect(Deno.args[0]);
      conn.ref();
      Deno.unrefTimer(setTimeout(() => {
        console.log("done");
        conn.unref();
      }, 100));
    `);
    assertEquals(held, { code: 0, stdout: "done\n", stderr: "" });
  },
);
