import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Connection,
  Notify,
  OperationalError,
  ProgrammingError,
  sql,
} from "../../mod.ts";
import { AdminShutdown, InFailedSqlTransaction } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  assertUsable,
  ONE,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
  runScript,
  until,
} from "./support.ts";

/** A channel that no other test uses. */
function newChannel(): string {
  return `pgts ${crypto.randomUUID()}`;
}

/** A connection that listens to a channel of its own. */
async function listening(
  options?: Parameters<typeof open>[0],
): Promise<{ conn: Connection; channel: string }> {
  const channel = newChannel();
  const conn = await open(options);
  await conn.execute(sql`listen ${sql.id(channel)}`);
  return { conn, channel };
}

async function send(
  conn: Connection,
  channel: string,
  ...payloads: string[]
): Promise<void> {
  await conn.execute(
    "select pg_notify(%s, p) from unnest(%s::text[]) with ordinality as t(p, n) order by n",
    [channel, payloads],
  );
}

async function payloadsOf(
  notifies: AsyncIterable<Notify>,
): Promise<string[]> {
  return (await Array.fromAsync(notifies)).map(({ payload }) => payload);
}

Deno.test(
  "NT-02 NTF-03 removeNotifyHandler: only the other is told from then on, and removing again is an error",
  quiet(async () => {
    const { conn, channel } = await listening();
    await using _ = conn;
    const seen: string[] = [];
    const first = ({ payload }: Notify) => void seen.push(`first ${payload}`);
    const second = ({ payload }: Notify) => void seen.push(`second ${payload}`);
    conn.addNotifyHandler(first);
    conn.addNotifyHandler(second);
    await send(conn, channel, "1");
    conn.removeNotifyHandler(first);
    await send(conn, channel, "2");
    assertEquals(seen, ["first 1", "second 1", "second 2"]);
    // So it is while the connection is idle.
    await using other = await open();
    await send(other, channel, "idle");
    await until(() => seen.length === 4, "the other session's has come");
    assertEquals(seen.pop(), "second idle");
    const error = assertThrows(
      () => conn.removeNotifyHandler(first),
      ProgrammingError,
    );
    assert(error.message.includes("has not been added"));
    conn.removeNotifyHandler(second);
    await send(conn, channel, "3");
    assertEquals(seen.length, 3);
  }),
);

Deno.test(
  "NT-04 notifies: with a timeout and nothing to give, it ends when that has passed",
  quiet(async () => {
    const { conn } = await listening();
    await using _ = conn;
    const start = performance.now();
    assertEquals(await payloadsOf(conn.notifies({ timeout: 0.5 })), []);
    const seconds = (performance.now() - start) / 1000;
    assert(seconds > 0.49 && seconds < 0.75, `${seconds} s`);
    await assertUsable(conn);
  }),
);

Deno.test(
  "notifies: the timeout counts from the start, however many come meanwhile",
  quiet(async () => {
    const { conn, channel } = await listening();
    await using _ = conn;
    await using other = await open();
    let over = false;
    const sending = (async () => {
      for (let i = 0; !over; i++) {
        await send(other, channel, String(i));
        await pause(20);
      }
    })();
    const start = performance.now();
    const seen = await payloadsOf(conn.notifies({ timeout: 0.3 }));
    const seconds = (performance.now() - start) / 1000;
    over = true;
    await sending;
    assert(seconds > 0.29 && seconds < 1, `${seconds} s`);
    assert(seen.length > 2);
    assertEquals(seen, seen.map((_, i) => String(i)));
  }),
);

Deno.test(
  "NT-06 notifies: with timeout 0 it gives only what has been received",
  quiet(async () => {
    const { conn, channel } = await listening();
    await using _ = conn;
    assertEquals(await payloadsOf(conn.notifies({ timeout: 0 })), []);
    await send(conn, channel, "1", "2", "3");
    // What comes while these are read is for the next time.
    const seen: string[] = [];
    for await (const { payload } of conn.notifies({ timeout: 0 })) {
      seen.push(payload);
      await send(conn, channel, `after ${payload}`);
    }
    assertEquals(seen, ["1", "2", "3"]);
    assertEquals(
      await payloadsOf(conn.notifies({ timeout: 0 })),
      ["after 1", "after 2", "after 3"],
    );
    assertEquals(await payloadsOf(conn.notifies({ timeout: 0 })), []);
  }),
);

Deno.test(
  "NT-08 notifies: with stopAfter 1, two that were sent in one transaction are both given",
  quiet(async () => {
    const { conn, channel } = await listening();
    await using _ = conn;
    await using other = await open();
    const both = payloadsOf(conn.notifies({ stopAfter: 1 }));
    await pause(20); // it waits
    await other.transaction(async (tx) => {
      for (const payload of ["1", "2"]) {
        await tx.execute("select pg_notify(%s, %s)", [channel, payload]);
      }
    });
    assertEquals(await both, ["1", "2"]);
    // One after the other, it stops after as many as were asked for.
    const two = payloadsOf(conn.notifies({ stopAfter: 2 }));
    for (const payload of ["3", "4"]) {
      await send(other, channel, payload);
      await pause(20);
    }
    assertEquals(await two, ["3", "4"]);
  }),
);

Deno.test(
  "NT-10 N2 notifies: what comes between LISTEN and the first read is not lost, with a statement between or without",
  quiet(async () => {
    await using other = await open();
    for (const between of [false, true]) {
      for (const wait of [0, 50]) {
        const { conn, channel } = await listening();
        await using _ = conn;
        await send(other, channel, "first", "second");
        if (wait > 0) await pause(wait);
        if (between) await conn.execute("select 1");
        const seen: string[] = [];
        for await (const { payload } of conn.notifies({ timeout: 2 })) {
          if (seen.push(payload) === 2) break;
        }
        assertEquals(seen, ["first", "second"]);
      }
    }
  }),
);

Deno.test(
  "N2 notifies: one that comes in the same packet as the answer to LISTEN is not lost",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) => [
        ...answer(burst, { tag: "LISTEN" }),
        b.notificationResponse(7, "news", "at once"),
      ]);
    });
    await using conn = await openScripted(server);
    await conn.execute("listen news");
    assertEquals(await payloadsOf(conn.notifies({ timeout: 0 })), ["at once"]);
  }),
);

/** What sends 0, 1 and 2 with naps between them: statements, or one on the server. */
const NAPS: Record<string, (conn: Connection, channel: string) => unknown> = {
  client: async (conn, channel) => {
    for (const payload of ["0", "1", "2"]) {
      await pause(20);
      await send(conn, channel, payload);
    }
  },
  server: (conn, channel) =>
    conn.execute(
      ["0", "1", "2"].map((payload) =>
        `select pg_sleep(0.02); notify "${channel}", '${payload}'; commit;`
      ).join(""),
    ),
};

Deno.test(
  "NT-12 notifies, addNotifyHandler: 0, 1 and 2 come in order across naps on either side",
  quiet(async () => {
    for (const [side, nap] of Object.entries(NAPS)) {
      await using other = await open({ onWarning: () => {} });
      const { conn, channel } = await listening();
      await using _ = conn;
      const read = payloadsOf(conn.notifies({ stopAfter: 3 }));
      await nap(other, channel);
      assertEquals(await read, ["0", "1", "2"], side);
      const heard: string[] = [];
      conn.addNotifyHandler(({ payload }) => void heard.push(payload));
      await nap(other, channel);
      await until(() => heard.length === 3, "all have come");
      assertEquals(heard, ["0", "1", "2"], side);
      // And while the connection itself naps or works.
      const busy = conn.execute("select pg_sleep(0.1)");
      await nap(other, channel);
      await busy;
      await until(() => heard.length === 6, "all have come again");
      assertEquals(heard.slice(3), ["0", "1", "2"], side);
    }
  }),
);

Deno.test(
  "NT-14 NTF-04 Notify: the payload is empty when none was sent, and equals() compares",
  quiet(async () => {
    const { conn, channel } = await listening();
    await using _ = conn;
    await conn.execute(sql`notify ${sql.id(channel)}`);
    const [notify] = conn.pendingNotifies();
    assert(notify instanceof Notify);
    const fields = { channel, payload: "", pid: conn.info.backendPid };
    assertEquals({ ...notify }, fields);
    assertEquals(JSON.parse(JSON.stringify(notify)), fields);
    assertEquals(notify.kind, "notify");
    assert(notify.equals(new Notify(fields)));
    for (const other of [{ channel: "x" }, { payload: "x" }, { pid: 0 }]) {
      assert(!notify.equals(new Notify({ ...fields, ...other })));
    }
    for (const other of [fields, null, undefined, "x"]) {
      assert(!notify.equals(other));
    }
  }),
);

Deno.test(
  "notifies: statements go on beside it, and leaving it while it waits is possible",
  quiet(async () => {
    const { conn, channel } = await listening();
    await using _ = conn;
    const notifies = conn.notifies();
    const first = notifies.next();
    await pause(10);
    // The connection is free, for others and for itself.
    await assertUsable(conn);
    await conn.transaction((tx) => tx.execute("select 1"));
    await send(conn, channel, "1", "2");
    assertEquals((await first).value?.payload, "1");
    // Several may wait, and are served in their order.
    assertEquals((await notifies.next()).value?.payload, "2");
    const waiting = [1, 2, 3].map(() => notifies.next());
    await pause(10);
    await send(conn, channel, "3");
    assertEquals((await waiting[0])!.value?.payload, "3");
    assertEquals(await notifies.return(undefined), {
      done: true,
      value: undefined,
    });
    for (const one of waiting.slice(1)) assertEquals((await one).done, true);
    assertEquals((await notifies.next()).done, true);
    // What comes between is for the next one.
    await send(conn, channel, "4", "5");
    for await (const { payload } of conn.notifies()) {
      assertEquals(payload, "4");
      break;
    }
    assertEquals(await payloadsOf(conn.notifies({ timeout: 0 })), ["5"]);
    {
      await using scoped = conn.notifies();
      scoped.next();
    }
    const thrown = new Error("mine");
    const scoped = conn.notifies();
    assertEquals(await rejection(scoped.throw(thrown)), thrown);
  }),
);

Deno.test(
  "notifies: one at a time, and options out of their range are refused",
  quiet(async () => {
    const { conn, channel } = await listening();
    await using _ = conn;
    const notifies = conn.notifies();
    const first = notifies.next();
    const error = await rejection(conn.notifies().next());
    assertError(error, {
      class: ProgrammingError,
      says: ["another notifies()"],
    });
    await send(conn, channel, "1");
    assertEquals((await first).value?.payload, "1");
    await notifies.return(undefined);
    for (const timeout of [-1, NaN, "1" as unknown as number]) {
      assertThrows(() => conn.notifies({ timeout }), ProgrammingError);
    }
    for (const stopAfter of [0, -1, NaN, "1" as unknown as number]) {
      assertThrows(() => conn.notifies({ stopAfter }), ProgrammingError);
    }
    const none = conn.notifies({ timeout: null, stopAfter: null });
    await none.return(undefined);
  }),
);

Deno.test(
  "NTF-02 notifies: handlers and generator together warn, and each gets what comes while both are there",
  quiet(async () => {
    const warnings: string[] = [];
    const { conn, channel } = await listening({
      onWarning: (message) => warnings.push(message),
    });
    await using _ = conn;
    // Without handlers, what comes waits, and is given first.
    await send(conn, channel, "queued");
    const heard: string[] = [];
    const handler = ({ payload }: Notify) => void heard.push(payload);
    conn.addNotifyHandler(handler);
    await send(conn, channel, "handled"); // and so waits for nobody
    assertEquals(warnings, []);
    const notifies = conn.notifies();
    assertEquals((await notifies.next()).value?.payload, "queued");
    assertEquals(warnings.length, 1);
    assert(warnings[0]!.includes("handlers"));
    await send(conn, channel, "both");
    assertEquals((await notifies.next()).value?.payload, "both");
    await notifies.return(undefined);
    assertEquals(heard, ["handled", "both"]);
    conn.removeNotifyHandler(handler);
    // In the other order as well.
    const again = conn.notifies();
    const waiting = again.next();
    conn.addNotifyHandler(handler);
    assertEquals(warnings.length, 2);
    await send(conn, channel, "both again");
    assertEquals((await waiting).value?.payload, "both again");
    assertEquals(heard.at(-1), "both again");
    conn.removeNotifyHandler(handler);
    await again.return(undefined);
    await send(conn, channel, "last");
    assertEquals(await payloadsOf(conn.notifies({ timeout: 0 })), ["last"]);
    assertEquals(warnings.length, 2);
  }),
);

Deno.test(
  "notifies: aborted, it rejects with the reason, the connection is usable and nothing is lost",
  quiet(async () => {
    const { conn, channel } = await listening();
    await using _ = conn;
    const reason = new Error("enough");
    const early = conn.notifies({ signal: AbortSignal.abort(reason) });
    assertEquals(await rejection(early.next()), reason);
    assertEquals((await early.next()).done, true);
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = payloadsOf(conn.notifies({ signal }));
    setTimeout(() => controller.abort(reason), 10);
    assertEquals(await rejection(waiting), reason);
    await send(conn, channel, "1", "2");
    const between = new AbortController();
    const notifies = conn.notifies({ signal: between.signal });
    assertEquals((await notifies.next()).value?.payload, "1");
    between.abort(reason);
    assertEquals(await rejection(notifies.next()), reason);
    assertEquals(await payloadsOf(conn.notifies({ timeout: 0 })), ["2"]);
    await assertUsable(conn);
  }),
);

Deno.test(
  "notifies: a loss or a close ends it, after what had come",
  quiet(async () => {
    await using other = await open();
    const { conn, channel } = await listening();
    await send(conn, channel, "1", "2");
    const notifies = conn.notifies();
    assertEquals((await notifies.next()).value?.payload, "1");
    conn.ref();
    const ended = conn.closedPromise;
    await other.execute("select pg_terminate_backend(%s)", [
      conn.info.backendPid,
    ]);
    const loss = await ended;
    assert(loss instanceof OperationalError);
    assertEquals((await notifies.next()).value?.payload, "2");
    const error = await rejection(notifies.next());
    assertError(error, {
      class: loss.constructor as typeof OperationalError,
      sqlstate: "57P01",
      usable: false,
    });
    assertEquals((await notifies.next()).done, true);
    assert(await rejection(conn.notifies().next()) instanceof OperationalError);

    const { conn: closing } = await listening();
    const waiting = rejection(closing.notifies().next());
    await pause(10);
    await closing.close();
    assertError(await waiting, {
      class: OperationalError,
      says: ["closed"],
    });
  }),
);

Deno.test(
  "D-24 N6 notifies: LISTEN takes effect at the commit, a rollback undoes it, and waiting in a transaction warns",
  quiet(async () => {
    const warnings: string[] = [];
    await using other = await open();
    await using conn = await open({
      autocommit: false,
      onWarning: (message) => warnings.push(message),
    });
    const channels = async () => {
      const cursor = await conn.execute("select pg_listening_channels() as c");
      return (await cursor.fetchAll()).map(({ c }) => c as string).sort();
    };
    const [kept, undone, failed] = [newChannel(), newChannel(), newChannel()];
    const listen = (channel: string) =>
      conn.execute(sql`listen ${sql.id(channel)}`);
    await listen(undone);
    await conn.rollback();
    await listen(failed);
    await rejection(conn.execute("select 1/0"));
    assertError(await rejection(listen(undone)), {
      class: InFailedSqlTransaction,
    });
    await conn.commit(); // which the server makes a rollback, with a warning
    assertEquals(warnings.splice(0).length, 1);
    assertEquals(await channels(), []);
    await conn.rollback();

    await listen(kept);
    await send(other, kept, "before the commit");
    assertEquals(await payloadsOf(conn.notifies({ timeout: 0.05 })), []);
    assertEquals(warnings.length, 1);
    assert(warnings[0]!.includes("transaction is open"));
    await conn.commit();
    assertEquals(await channels(), [kept]);
    await send(other, kept, "in the next transaction");
    // It comes at the end of the transaction that channels() has begun.
    assertEquals(await payloadsOf(conn.notifies({ timeout: 0.05 })), []);
    assertEquals(warnings.length, 2);
    await conn.commit();
    assertEquals(
      await payloadsOf(conn.notifies({ timeout: 2, stopAfter: 1 })),
      ["in the next transaction"],
    );
    assertEquals(warnings.length, 2);

    // UNLISTEN likewise, and what is sent in a transaction that fails is not sent.
    await conn.execute(sql`unlisten ${sql.id(kept)}`);
    await conn.rollback();
    await rejection(other.transaction(async (tx) => {
      await tx.execute("select pg_notify(%s, 'never')", [kept]);
      throw new Error("no");
    }));
    await send(other, kept, "still");
    assertEquals(
      await payloadsOf(conn.notifies({ timeout: 2, stopAfter: 1 })),
      ["still"],
    );
  }),
);

Deno.test(
  "maxPendingNotifies: what nobody reads is kept up to there, the rest is dropped with one warning",
  quiet(async () => {
    const warnings: string[] = [];
    const { conn, channel } = await listening({
      maxPendingNotifies: 3,
      onWarning: (message) => warnings.push(message),
    });
    await using _ = conn;
    await send(conn, channel, "1", "2", "3");
    assertEquals(warnings, []);
    await send(conn, channel, "4", "5");
    await send(conn, channel, "6");
    assertEquals(warnings.length, 1);
    for (const part of ["3 wait", "notifies()", "maxPendingNotifies"]) {
      assert(warnings[0]!.includes(part), warnings[0]);
    }
    const seen = conn.pendingNotifies().map(({ payload }) => payload);
    assertEquals(seen, ["1", "2", "3"]);
    await send(conn, channel, "7");
    assertEquals(conn.pendingNotifies()[0]?.payload, "7");
    await send(conn, channel, "8", "9", "10", "11");
    assertEquals(warnings.length, 2, "it is told again once there was room");
    for (const max of [0, -1, NaN, "5" as unknown as number]) {
      const error = await rejection(open({ maxPendingNotifies: max }));
      assertError(error, {
        class: ProgrammingError,
        says: ["maxPendingNotifies"],
      });
    }
  }),
);

Deno.test(
  "notifies: thousands that wait come in their order, in memory that is let go",
  quiet(async () => {
    const { conn, channel } = await listening();
    await using _ = conn;
    const payloads = Array.from({ length: 5000 }, (_, i) => String(i));
    await send(conn, channel, ...payloads);
    const seen: string[] = [];
    for await (const { payload } of conn.notifies({ timeout: 0 })) {
      seen.push(payload);
    }
    assertEquals(seen, payloads);
  }),
);

Deno.test(
  "NTF-06 closedPromise: tells at once of a loss while idle, and of a close on purpose",
  quiet(async () => {
    await using other = await open();
    const conn = await open();
    conn.ref(); // waiting for the promise does not keep the process alive
    const first = conn.closedPromise;
    const start = performance.now();
    await other.execute("select pg_terminate_backend(%s)", [
      conn.info.backendPid,
    ]);
    const loss = await first;
    assert(performance.now() - start < 1000);
    assertError(loss, {
      class: AdminShutdown,
    });
    assertEquals(conn.broken, true);
    assertEquals(await conn.closedPromise, loss);
    await conn.close();
    assertEquals(await conn.closedPromise, loss);

    // A server that goes without a word.
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await pause(20);
      session.close();
    });
    const silent = await openScripted(server);
    assertError(await silent.closedPromise, {
      class: OperationalError,
      says: ["lost"],
    });
    await silent.close();

    const closed = await open();
    const promise = closed.closedPromise;
    await closed.close();
    assertEquals(await promise, null);
    assertEquals(await closed.closedPromise, null);
  }),
);

Deno.test(
  "closedPromise: a reset is no end, one that fails is",
  quiet(async () => {
    let sessions = 0;
    await using server = new ScriptedServer(async (session) => {
      if (++sessions > 2) return session.close();
      await session.startup();
      await session.serve((burst) => answer(burst, ONE));
    });
    await using conn = await openScripted(server);
    let ended: Error | null | undefined;
    conn.closedPromise.then((error) => ended = error);
    const waiting = rejection(conn.notifies().next());
    await pause(5);
    await conn.pgconn.reset();
    assertError(await waiting, {
      class: OperationalError,
      says: ["reset()"],
    });
    await assertUsable(conn);
    assertEquals(ended, undefined);
    const failure = await rejection(conn.pgconn.reset());
    await pause(0);
    assertEquals(ended as unknown, failure);
    assertEquals(await conn.closedPromise, failure as Error);

    // Closed while it is being reset.
    await using real = await open();
    const end = real.closedPromise;
    const resetting = rejection(real.pgconn.reset());
    await real.close();
    assert(await resetting instanceof OperationalError);
    assertEquals(await end, null);
  }),
);

Deno.test(
  "D-19 notifies: keeps the process alive while it waits, and only then",
  async () => {
    const listen = `
      const conn = await connect(Deno.args[0], { autocommit: true });
      await conn.execute("listen pgts_d19");
      const other = await connect(Deno.args[0], { autocommit: true });
    `;
    const waiting = await runScript(`${listen}
      Deno.unrefTimer(setTimeout(() => other.execute("notify pgts_d19, 'x'"), 100));
      const notifies = conn.notifies();
      console.log((await notifies.next()).value.payload);
    `);
    assertEquals(waiting, { code: 0, stdout: "x\n", stderr: "" });
    const idle = await runScript(`${listen}
      conn.closedPromise.then(() => console.log("closed"));
      await other.execute("notify pgts_d19, 'x'");
      for await (const { payload } of conn.notifies({ stopAfter: 1 })) console.log(payload);
    `);
    assertEquals(idle, { code: 0, stdout: "x\n", stderr: "" });
  },
);
