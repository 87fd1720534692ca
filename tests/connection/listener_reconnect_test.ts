import { assert, assertEquals } from "@std/assert";
import { Listener, type ListenItem, OperationalError } from "../../mod.ts";
import { AdminShutdown, ReadOnlySqlTransaction } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import type { ChaosProxy } from "../support/chaos_proxy.ts";
import { testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
import {
  assertOver,
  newChannel,
  nextGap,
  nextItem,
  nextPayload,
  notify,
  openProxy,
  quick,
  sessionsNamed,
  terminate,
  through,
} from "./listener_support.ts";
import {
  answer,
  assertError,
  open,
  pause,
  quiet,
  rejection,
  statementsOf,
  until,
} from "./support.ts";

/** The connections that there are lead nowhere from now on; new ones are fine. */
function dieSilently(proxy: ChaosProxy): void {
  for (const link of proxy.links) link.blackHole();
}

Deno.test(
  "N1 Listener: a loss is an explicit gap, after which all channels are listened to again",
  quiet(async () => {
    const [one, two, three] = [newChannel(), newChannel(), newChannel()];
    await using conn = await open();
    const warnings: string[] = [];
    const start = Date.now();
    await using listener = await Listener.connect(
      testDsn(),
      quick(warnings, { channels: [one, two] }),
    );
    const handled: ListenItem[] = [];
    await listener.listen(three, (item) => void handled.push(item));
    for (let round = 1; round <= 3; round++) {
      const pid = listener.backendPid;
      await notify(conn, one, "before");
      assertEquals(await nextPayload(listener), "before");
      const lost = Date.now();
      await terminate(conn, listener);
      await notify(conn, one, "may be lost");
      let item = await nextItem(listener);
      const gap = item.kind === "gap" ? item : null;
      assert(gap !== null, "the gap comes before what comes after");
      assertEquals([gap.reason, gap.dropped], ["reconnect", null]);
      assertEquals(gap.channels, [one, two]);
      assert(gap.error instanceof AdminShutdown);
      assert(gap.since.getTime() >= start && gap.since.getTime() <= lost);
      assert(gap.until.getTime() >= lost && gap.until.getTime() <= Date.now());
      // What is sent from now on arrives, on every channel.
      await notify(conn, one, `one ${round}`);
      await notify(conn, two, `two ${round}`);
      await notify(conn, three, `three ${round}`);
      item = await nextItem(listener);
      if (item.kind === "notify" && item.payload === "may be lost") {
        item = await nextItem(listener);
      }
      assert(item.kind === "notify");
      assertEquals(item.payload, `one ${round}`);
      assertEquals(await nextPayload(listener), `two ${round}`);
      await until(
        () => handled.length === 2 * round,
        "the handler got its own",
      );
      const [other, last] = handled.slice(-2);
      assert(other?.kind === "gap" && last?.kind === "notify");
      assertEquals(other.channels, [three]);
      assertEquals(last.payload, `three ${round}`);
      assert(listener.backendPid !== pid);
      assertEquals(warnings.length, round);
      assert(warnings.at(-1)!.includes("has lost its session"));
    }
  }),
);

Deno.test(
  "N1 Listener: nothing that comes in the new session comes before the gap, nor is it lost",
  quiet(async () => {
    let sessions = 0;
    await using server = new ScriptedServer(async (session) => {
      const mine = ++sessions;
      await session.startup();
      await session.serve(async (burst) => {
        if (mine === 1) setTimeout(() => session.close(), 10);
        // One that loses the session before LISTEN is answered, after a notification.
        const early = b.notificationResponse(7, "news", `early ${mine}`);
        if (mine === 2) {
          await session.send(early);
          session.close();
          return [];
        }
        const at = [b.notificationResponse(7, "news", `at once ${mine}`)];
        const answers = answer(burst, { tag: "LISTEN" });
        return mine === 1 ? answers : [early, ...answers, ...at];
      });
    });
    const warnings: string[] = [];
    await using listener = await Listener.connect(
      server.dsn,
      quick(warnings, { channels: ["news"] }),
    );
    const first = await nextGap(listener);
    assertEquals(await nextPayload(listener), "early 2");
    const second = await nextGap(listener);
    assertEquals(second.since, first.since);
    assertEquals(await nextPayload(listener), "early 3");
    assertEquals(await nextPayload(listener), "at once 3");
    assertEquals(warnings.length, 2);
  }),
);

Deno.test(
  "Listener: gaps that nobody has read between become one",
  quiet(async () => {
    const channel = newChannel();
    await using conn = await open();
    await using listener = await Listener.connect(
      testDsn(),
      quick([], { channels: [channel], maxPendingNotifies: 1 }),
    );
    for (let i = 0; i < 3; i++) {
      const pid = listener.backendPid;
      await terminate(conn, listener);
      await until(
        () => listener.connected && listener.backendPid !== pid,
        "connected again",
      );
    }
    await notify(conn, channel, "1", "2", "3");
    await pause(30);
    const gap = await nextGap(listener);
    assertEquals(gap.reason, "reconnect");
    assertEquals(await nextPayload(listener), "1");
    const more = await nextGap(listener);
    assertEquals([more.reason, more.dropped], ["overflow", 2]);
    await notify(conn, channel, "4");
    assertEquals(await nextPayload(listener), "4");
  }),
);

Deno.test(
  "N1 Listener: however its sessions end, what is missing is missing at a gap, and since when it says",
  quiet(async () => {
    const channel = newChannel();
    await using conn = await open();
    await using proxy = await openProxy();
    await using listener = await Listener.connect(
      through(proxy),
      quick([], {
        channels: [channel],
        heartbeat: 0.1,
        heartbeatTimeout: 0.4,
        maxPendingNotifies: 20,
      }),
    );
    /** When each number was committed, at the latest. */
    const sent: number[] = [];
    let gaps = 0;
    let missing = 0;
    let expected = 0;
    const reading = (async () => {
      let gap: Extract<ListenItem, { kind: "gap" }>[] = [];
      for await (const item of listener) {
        if (item.kind === "gap") {
          gap.push(item);
          gaps++;
          continue;
        }
        const number = Number(item.payload);
        assert(number >= expected, `${number} after ${expected - 1}`);
        const since = Math.min(...gap.map(({ since }) => since.getTime()));
        for (; expected < number; expected++) {
          missing++;
          assert(gap.length > 0, `${expected} is missing without a gap`);
          assert(
            sent[expected]! >= since,
            `${expected} was sent before the gap`,
          );
        }
        gap = [];
        if (++expected % 50 === 0) await pause(30); // lags behind now and then
        if (item.payload === "999") break;
      }
    })();
    let failure: unknown = null;
    reading.catch((error) => failure = error);
    const ways = [
      () => proxy.reset(),
      () => dieSilently(proxy),
      () => proxy.halfClose("toClient"),
      () => listener.backendPid === null ? null : terminate(conn, listener),
    ];
    for (let i = 0; i < 1000; i++) {
      if (i % 90 === 45) await ways[Math.floor(i / 90) % ways.length]!();
      if (i === 999) {
        // The last one shall come.
        await until(() => listener.connected, "connected");
        await pause(600);
      }
      await notify(conn, channel, String(i));
      sent[i] = Date.now();
      if (failure !== null) throw failure;
      if (i % 10 === 0) await pause(20);
    }
    await reading;
    assertEquals(expected, 1000);
    assert(gaps >= 4, `${gaps} gaps`);
    assert(missing > 0, "nothing was missing, the test shows nothing");
  }),
);

Deno.test(
  "N7 Listener: listen() and unlisten() during the back-off leave one session with all channels, once",
  quiet(async () => {
    const [one, two, three, four] = [1, 2, 3, 4].map(newChannel) as [
      string,
      string,
      string,
      string,
    ];
    const name = crypto.randomUUID();
    await using conn = await open();
    await using proxy = await openProxy();
    const warnings: string[] = [];
    await using listener = await Listener.connect(
      through(proxy),
      quick(warnings, { channels: [one, two], applicationName: name }),
    );
    proxy.welcome = "refuse";
    proxy.reset();
    await until(() => !listener.connected, "the loss is seen");
    let listening = 0;
    const handled: ListenItem[] = [];
    const calls = [
      listener.listen(three),
      listener.listen(three),
      listener.listen(four, (item) => void handled.push(item)),
      listener.listen(one),
    ].map((call) => call.then(() => listening++));
    await listener.unlisten(two);
    await until(() => warnings.length > 3, "attempts that fail");
    assert(warnings[2]!.includes("cannot connect again"));
    assertEquals(listening, 0, "nobody listens yet");
    assertEquals(listener.channels, [one, three, four]);
    proxy.welcome = "pass";
    await Promise.all(calls);
    const gap = await nextGap(listener);
    assertEquals(gap.channels, [one], "the others have missed nothing");
    for (const channel of [one, two, three, four]) {
      await notify(conn, channel, channel);
    }
    assertEquals(await nextPayload(listener), one);
    assertEquals(await nextPayload(listener), three);
    await until(() => handled.length > 0, "the handler is called");
    assertEquals(handled.map(({ kind }) => kind), ["notify"]);
    assertEquals(await sessionsNamed(conn, name), 1);
    assertEquals(proxy.links.length, 1);
    // Nothing comes twice.
    await notify(conn, one, "last");
    assertEquals(await nextPayload(listener), "last");
  }),
);

Deno.test(
  "N7 Listener: listen() while LISTEN of the new session is under way is one more command in it",
  quiet(async () => {
    let sessions = 0;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    await using server = new ScriptedServer(async (session) => {
      const mine = ++sessions;
      await session.startup();
      await session.serve(async (burst) => {
        if (mine === 1) setTimeout(() => session.close(), 10);
        if (mine === 2) await late;
        return answer(burst, { tag: "LISTEN" });
      });
    });
    await using listener = await Listener.connect(
      server.dsn,
      quick([], { channels: ["a"] }),
    );
    await until(() => sessions === 2, "it connects again");
    const second = () => statementsOf(server.sessions[1]);
    await until(() => second().length === 1, "it listens again");
    const added = listener.listen("b");
    await listener.unlisten("a");
    resolve();
    await added;
    assertEquals(second(), ['LISTEN "a"', 'LISTEN "b"; UNLISTEN "a"']);
    assertEquals(sessions, 2);
    await nextGapOrNothing(listener);
  }),
);

/** Whether there is a gap is left open: its only channel was given up in time. */
async function nextGapOrNothing(listener: Listener): Promise<void> {
  await listener.close();
  for await (const item of listener) assertEquals(item.kind, "gap");
}

Deno.test(
  "N3 Listener: a session whose peer is dead is found by the heartbeat, in the time it may take",
  quiet(async () => {
    const channel = newChannel();
    await using conn = await open();
    await using proxy = await openProxy();
    const warnings: string[] = [];
    const start = Date.now();
    await using listener = await Listener.connect(
      through(proxy),
      quick(warnings, {
        channels: [channel],
        heartbeat: 0.2,
        heartbeatTimeout: 0.2,
      }),
    );
    await pause(500); // several heartbeats pass
    assertEquals(warnings, []);
    const frozen = Date.now();
    dieSilently(proxy);
    await notify(conn, channel, "into the void");
    const gap = await nextGap(listener);
    const seconds = (Date.now() - frozen) / 1000;
    assert(seconds < 2, `${seconds} s`); // 0.4 and the way back
    assert(gap.error instanceof OperationalError);
    assert(gap.error.message.includes("heartbeatTimeout"), gap.error.message);
    // What was sent before the last heartbeat has come.
    assert(gap.since.getTime() >= start + 300 && gap.since <= new Date(frozen));
    await notify(conn, channel, "again");
    assertEquals(await nextPayload(listener), "again");
    // And again, in the session after it.
    dieSilently(proxy);
    await nextGap(listener);
    await notify(conn, channel, "and again");
    assertEquals(await nextPayload(listener), "and again");
  }),
);

Deno.test(
  "Listener: an event loop that is held up is not taken for a dead peer",
  quiet(async () => {
    const channel = newChannel();
    await using conn = await open();
    await using proxy = await openProxy();
    const warnings: string[] = [];
    await using listener = await Listener.connect(
      through(proxy),
      quick(warnings, {
        channels: [channel],
        heartbeat: 0.05,
        heartbeatTimeout: 0.2,
      }),
    );
    proxy.delay(60, "toClient");
    for (let i = 0; i < 8; i++) {
      await pause(70);
      // A heartbeat is under way, most of the times, and nobody can do anything.
      const end = performance.now() + 400;
      while (performance.now() < end);
    }
    proxy.heal();
    await pause(150);
    assertEquals(warnings, []);
    await notify(conn, channel, "x");
    assertEquals(await nextPayload(listener), "x");
  }),
);

Deno.test(
  "Listener: a session that listens no more, though it lives, is found by the heartbeat",
  quiet(async () => {
    const played = (session: ScriptedSession, listens: string) =>
      session.serve((burst) =>
        answer(
          burst,
          statementsOf(session).at(-1)!.startsWith("SELECT")
            ? {
              columns: [{ name: "array_to_json", oid: 114 }],
              rows: [[listens]],
              tag: "SELECT 1",
            }
            : { tag: "LISTEN" },
        )
      );
    let sessions = 0;
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await played(session, ++sessions === 1 ? "[]" : '["x \\"","other"]');
    });
    const warnings: string[] = [];
    await using listener = await Listener.connect(
      server.dsn,
      quick(warnings, { channels: ['x "'], heartbeat: 0.05 }),
    );
    const gap = await nextGap(listener);
    for (const part of ["does not listen", "pooler"]) {
      assert(gap.error!.message.includes(part), gap.error!.message);
    }
    await pause(200);
    assertEquals(sessions, 2, "the other one is left alone");
    assertEquals(warnings.length, 1);
  }),
);

Deno.test(
  "Listener: while it cannot connect it goes on trying, and stops at once when it is closed or aborted",
  quiet(async () => {
    await using proxy = await openProxy();
    for (const way of ["close", "abort"]) {
      proxy.welcome = "pass";
      const controller = new AbortController();
      const reason = new Error("enough");
      const listener = await Listener.connect(
        through(proxy),
        quick([], {
          channels: ["a"],
          reconnect: { initial: 60 },
          signal: controller.signal,
        }),
      );
      proxy.welcome = "refuse";
      proxy.reset();
      await until(() => !listener.connected, "the loss is seen");
      const listening = rejection(listener.listen("b"));
      const next = listener.next().catch((error) => error);
      await pause(20);
      const start = performance.now();
      if (way === "close") await listener.close();
      else controller.abort(reason);
      assertEquals(await listener.closedPromise, null);
      assert(performance.now() - start < 1000);
      if (way === "close") {
        assertEquals(await next, { done: true, value: undefined });
        assertError(await listening, {
          class: OperationalError,
          says: ["closed"],
        });
      } else {
        assertEquals(await next, reason);
        assertEquals(await listening, reason);
      }
      await assertOver(listener);
    }
  }),
);

Deno.test(
  "Listener: aborted while it connects again, it leaves nothing open",
  quiet(async () => {
    let sessions = 0;
    let silent = false;
    await using server = new ScriptedServer(async (session) => {
      const mine = ++sessions;
      if (mine === 1) {
        await session.startup();
        await session.serve((burst) => {
          setTimeout(() => session.close(), 10);
          return answer(burst, { tag: "LISTEN" });
        });
        return;
      }
      await session.readStartup(); // and says nothing
      silent = true;
      await session.silence();
    });
    const controller = new AbortController();
    const listener = await Listener.connect(
      server.dsn,
      quick([], { channels: ["a"], signal: controller.signal }),
    );
    await until(() => silent, "it connects again");
    controller.abort(new Error("enough"));
    assertEquals(await listener.closedPromise, null);
  }),
);

Deno.test(
  "Listener: giveUpAfter ends it with an error that says why, after what had come",
  quiet(async () => {
    const channel = newChannel();
    await using conn = await open();
    await using proxy = await openProxy();
    await using listener = await Listener.connect(
      through(proxy),
      quick([], {
        channels: [channel],
        reconnect: { initial: 0.02, giveUpAfter: 0.2 },
      }),
    );
    await notify(conn, channel, "before");
    await pause(20);
    proxy.welcome = "refuse";
    proxy.reset();
    const failure = await listener.closedPromise;
    assertError(failure, {
      class: OperationalError,
      says: ["given up", "0.2 s", "last failure"],
    });
    assertEquals(await nextPayload(listener), "before");
    assertEquals(await rejection(listener.next()), failure as Error);
    await assertOver(listener);
  }),
);

Deno.test(
  "Listener: a server that refuses LISTEN is an error at first, and a reason to go on trying later",
  quiet(async () => {
    const refusal = b.errorResponse({
      code: "25006",
      message: "cannot execute LISTEN during recovery",
    });
    let sessions = 0;
    let refuses = true;
    await using server = new ScriptedServer(async (session) => {
      sessions++;
      await session.startup();
      await session.serve((burst) =>
        refuses
          ? [refusal, b.readyForQuery("I")]
          : answer(burst, { tag: "LISTEN" })
      );
    });
    const warnings: string[] = [];
    const options = quick(warnings, { channels: ["a"] });
    const error = await rejection(Listener.connect(server.dsn, options));
    assert(error instanceof ReadOnlySqlTransaction);
    assertEquals([sessions, warnings.length], [1, 0]);

    refuses = false;
    await using listener = await Listener.connect(server.dsn, options);
    refuses = true;
    // In a session that lives the channel is refused, and the others go on.
    assert(
      await rejection(listener.listen("b")) instanceof ReadOnlySqlTransaction,
    );
    assertEquals(listener.channels, ["a"]);
    assertEquals(listener.connected, true);
    server.sessions.at(-1)!.close();
    await until(() => sessions > 4, "it goes on trying");
    refuses = false;
    await nextGap(listener);
    assertEquals(listener.connected, true);
  }),
);
