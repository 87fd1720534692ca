import { assert, assertEquals } from "@std/assert";
import {
  DataError,
  Listener,
  type ListenItem,
  OperationalError,
  ProgrammingError,
} from "../../mod.ts";
import { InvalidParameterValue } from "../../errors/mod.ts";
import { parseDsn, testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  assertOver,
  newChannel,
  nextGap,
  nextItem,
  nextPayload,
  notify,
  quick,
  sessionsNamed,
} from "./listener_support.ts";
import {
  answer,
  assertError,
  open,
  pause,
  quiet,
  rejection,
  runScript,
  statementsOf,
  until,
} from "./support.ts";

Deno.test(
  "Listener: a loop gets what is sent once connect() has resolved, in order",
  quiet(async () => {
    const [one, two] = [newChannel(), newChannel()];
    await using conn = await open();
    const warnings: string[] = [];
    await using listener = await Listener.connect(
      testDsn(),
      quick(warnings, { channels: [one, two] }),
    );
    assertEquals(listener.connected, true);
    assertEquals(listener.channels, [one, two]);
    await notify(conn, one, "1");
    await notify(conn, two, "2");
    await notify(conn, newChannel(), "not for it");
    await notify(conn, one, "3");
    const seen: ListenItem[] = [];
    for await (const item of listener) {
      if (seen.push(item) === 3) break;
    }
    const pid = conn.info.backendPid;
    assertEquals(seen.map((item) => ({ ...item })), [
      { channel: one, payload: "1", pid },
      { channel: two, payload: "2", pid },
      { channel: one, payload: "3", pid },
    ] as unknown as ListenItem[]);
    await assertOver(listener); // leaving the loop has closed it
    assertEquals(await listener.closedPromise, null);
    assertEquals(warnings, []);
  }),
);

Deno.test(
  "N4 Listener: names with case, quotes and any characters, up to 63 bytes, and payloads up to 7,999 bytes are exact",
  quiet(async () => {
    await using conn = await open();
    await using listener = await Listener.connect(testDsn(), quick([]));
    const names = [
      "Case",
      "case",
      'qu"ote',
      '"";drop table x;--',
      "it's",
      "a.b",
      " ",
      "new\nline \\ %s $1",
      "__proto__",
      "select",
      "schlüssel",
      "☃",
      "🦕".repeat(15) + "abc", // 63 bytes
      "x".repeat(63),
      "ü".repeat(31) + "x",
    ];
    await Promise.all(names.map((name) => listener.listen(name)));
    for (const payload of ["", "x", "ü☃🦕\n'\"\\", "y".repeat(7999)]) {
      for (const name of names) {
        await notify(conn, name, payload);
        const item = await nextItem(listener);
        assert(item.kind === "notify");
        assertEquals([item.channel, item.payload], [name, payload]);
      }
    }
    // One byte more, and the server says no.
    for (const payload of ["y".repeat(8000), "ü".repeat(4000)]) {
      assertError(await rejection(notify(conn, "Case", payload)), {
        class: InvalidParameterValue,
        says: ["payload string too long"],
        usable: true,
      });
    }
    // Names that the server would cut are refused, as are those that are none.
    const refused: [string, new (...args: never[]) => Error, string][] = [
      ["x".repeat(64), ProgrammingError, "64 bytes"],
      ["ü".repeat(32), ProgrammingError, "64 bytes"],
      ["🦕".repeat(16), ProgrammingError, "64 bytes"],
      ["", ProgrammingError, "not empty"],
      [7 as unknown as string, ProgrammingError, "string"],
      ["a\0b", DataError, "NUL"],
      ["\ud800", DataError, "surrogate"],
    ];
    for (const [name, kind, part] of refused) {
      for (
        const way of [
          () => listener.listen(name),
          () => Listener.connect(testDsn(), { channels: [name] }),
        ]
      ) {
        const error = await rejection(way());
        assert(error instanceof kind && error.message.includes(part));
      }
    }
    assertEquals(listener.channels, names);
    await notify(conn, "Case", "still there");
    assertEquals(await nextPayload(listener), "still there");
  }),
);

Deno.test(
  "Listener: listen() and unlisten() at any time, each channel once",
  quiet(async () => {
    const [one, two, three] = [newChannel(), newChannel(), newChannel()];
    await using conn = await open();
    await using listener = await Listener.connect(testDsn(), quick([]));
    await Promise.all([
      listener.listen(one),
      listener.listen(two),
      listener.listen(one),
    ]);
    await notify(conn, one, "1");
    await notify(conn, two, "2");
    assertEquals(await nextPayload(listener), "1");
    assertEquals(await nextPayload(listener), "2");
    await notify(conn, one, "before");
    await pause(20);
    await listener.unlisten(one);
    assertEquals(listener.channels, [two]);
    await notify(conn, one, "lost");
    await notify(conn, two, "3");
    assertEquals(await nextPayload(listener), "before");
    assertEquals(await nextPayload(listener), "3");
    // All at once, and the last word counts.
    const given = rejection(listener.listen(three));
    const gone = listener.unlisten(three);
    const back = listener.listen(three);
    listener.unlisten(two);
    listener.listen(two);
    await gone;
    assertError(await given, {
      class: OperationalError,
      says: ["unlisten()", three],
    });
    await back;
    await notify(conn, three, "4");
    assertEquals(await nextPayload(listener), "4");
    await notify(conn, two, "5");
    assertEquals(await nextPayload(listener), "5");
    assertEquals(listener.channels, [three, two]);
    for (
      const way of [
        () => listener.unlisten(one),
        () => listener.unlisten(two, () => {}),
      ]
    ) {
      assertError(await rejection(way()), {
        class: ProgrammingError,
        says: ["Cannot unlisten"],
      });
    }
  }),
);

Deno.test(
  "Listener: a storm of listen() and unlisten() ends as the last calls said",
  quiet(async () => {
    await using conn = await open();
    const name = crypto.randomUUID();
    await using listener = await Listener.connect(
      testDsn(),
      quick([], { applicationName: name }),
    );
    const channels = Array.from({ length: 10 }, () => newChannel());
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 300; i++) {
      const channel = channels[(i * 7) % 10]!;
      const done = i % 3 === 0 && listener.channels.includes(channel)
        ? listener.unlisten(channel)
        : listener.listen(channel);
      calls.push(done.catch((error) => {
        assert(error instanceof OperationalError, Deno.inspect(error));
      }));
      if (i % 11 === 0) await pause(1);
    }
    await Promise.all(calls);
    const wanted = listener.channels;
    assert(wanted.length > 0 && wanted.length < 10, `${wanted.length}`);
    for (const channel of channels) await notify(conn, channel, channel);
    const seen = new Set<string>();
    while (seen.size < wanted.length) seen.add(await nextPayload(listener));
    assertEquals(seen, new Set(wanted));
    assertEquals(await sessionsNamed(conn, name), 1);
  }),
);

Deno.test(
  "N5 Listener: a handler that throws or is slow holds up nobody else, and what is too much for it is a gap",
  quiet(async () => {
    const [one, two] = [newChannel(), newChannel()];
    await using conn = await open();
    const warnings: string[] = [];
    await using listener = await Listener.connect(
      testDsn(),
      quick(warnings, { maxPendingNotifies: 3 }),
    );
    const seen: Record<string, ListenItem[]> = { bad: [], slow: [], other: [] };
    const { promise: released, resolve: release } = Promise.withResolvers<
      void
    >();
    await listener.listen(one, (item) => {
      seen.bad!.push(item);
      throw new Error("mine");
    });
    await listener.listen(one, async (item) => {
      seen.slow!.push(item);
      await released;
    });
    const other = (item: ListenItem) => void seen.other!.push(item);
    await listener.listen(one, other);
    await listener.listen(two, other);
    for (let i = 0; i < 7; i++) {
      await notify(conn, one, String(i));
      // All at once would be too much for the others too.
      await until(() => seen.other!.length === i + 1, "the other has got it");
    }
    await notify(conn, two, "elsewhere");
    await until(() => seen.other!.length === 8, "the other has got all");
    assertEquals(
      seen.other!.map((item) => item.kind === "notify" && item.payload),
      ["0", "1", "2", "3", "4", "5", "6", "elsewhere"],
    );
    assertEquals(seen.bad!.length, 7);
    assertEquals(warnings.length, 7);
    for (const part of [one, "mine"]) assert(warnings[0]!.includes(part));
    // The slow one has one in hand, three that wait, and knows of the others.
    assertEquals(seen.slow!.length, 1);
    release();
    await until(() => seen.slow!.length === 5, "the slow one has got its own");
    assertEquals(
      seen.slow!.slice(0, 4).map((item) =>
        item.kind === "notify" && item.payload
      ),
      ["0", "1", "2", "3"],
    );
    const gap = seen.slow![4]!;
    assert(gap.kind === "gap");
    assertEquals([gap.reason, gap.dropped, gap.channels], ["overflow", 3, [
      one,
    ]]);
    assertEquals(gap.error, null);
    assert(gap.since <= gap.until && gap.until <= new Date());
    await notify(conn, one, "again");
    await until(() => seen.slow!.length === 6, "it goes on");
    // One of them less.
    await listener.unlisten(one, other);
    await notify(conn, one, "last");
    await notify(conn, two, "last");
    await until(() => seen.slow!.length === 7, "the others go on");
    await until(() => seen.other!.length === 10, "so does the other channel");
    assertEquals((seen.other![9] as { channel: string }).channel, two);
    // A rejection is a failure too.
    await listener.listen(two, () => Promise.reject(new Error("later")));
    await notify(conn, two, "x");
    await until(
      () => warnings.some((one) => one.includes("later")),
      "the rejection is a warning",
    );
  }),
);

Deno.test(
  "Listener: what is too much for the loop is a gap in its place",
  quiet(async () => {
    const [one, two] = [newChannel(), newChannel()];
    await using conn = await open();
    await using listener = await Listener.connect(
      testDsn(),
      quick([], { channels: [one, two], maxPendingNotifies: 2 }),
    );
    await notify(conn, one, "1", "2", "3");
    await notify(conn, two, "4", "5");
    await pause(50);
    assertEquals(await nextPayload(listener), "1");
    await notify(conn, two, "6"); // there is room again
    await pause(50);
    assertEquals(await nextPayload(listener), "2");
    const gap = await nextGap(listener);
    assertEquals(gap.dropped, 3);
    assertEquals([...gap.channels].sort(), [one, two].sort());
    assertEquals(await nextPayload(listener), "6");
  }),
);

Deno.test(
  "N8 Listener: aborted, closed, or its loop left, it is silent and its session is gone",
  quiet(async () => {
    const channel = newChannel();
    await using conn = await open();
    const name = crypto.randomUUID();
    const gone = () =>
      until(
        async () => await sessionsNamed(conn, name) === 0,
        "the session is gone",
      );
    const reason = new Error("enough");
    const controller = new AbortController();
    const options = quick([], { channels: [channel], applicationName: name });
    const start = (signal?: AbortSignal) =>
      Listener.connect(testDsn(), { ...options, signal });

    // Aborted while a loop waits, and before it begins.
    const waiting = await start(controller.signal);
    const looping = rejection(Array.fromAsync(waiting));
    await pause(10);
    assertEquals(await sessionsNamed(conn, name), 1);
    controller.abort(reason);
    assertEquals(await looping, reason);
    assertEquals(await waiting.closedPromise, null);
    await gone();
    await assertOver(waiting);
    assertEquals(await rejection(start(controller.signal)), reason);
    const pending = new AbortController();
    const full = await start(pending.signal);
    await notify(conn, channel, "dropped");
    await pause(20);
    pending.abort(reason);
    assertEquals(await rejection(full.next()), reason);
    await gone();

    // Closed: what came before can still be read.
    const closing = await start();
    await notify(conn, channel, "1", "2");
    await pause(20);
    const promise = closing.close();
    assertEquals(await nextPayload(closing), "1");
    assertEquals(await nextPayload(closing), "2");
    await promise;
    await closing.close();
    await assertOver(closing);
    await gone();
    const late = await start();
    const next = late.next();
    await late.close();
    assertEquals((await next).done, true);

    // Its loop left, by break or by an error; and its scope.
    for await (
      const item of (await (async () => {
        const one = await start();
        await notify(conn, channel, "1", "2");
        return one;
      })())
    ) {
      assertEquals(item.kind, "notify");
      break;
    }
    await gone();
    const thrown = await start();
    assertEquals(await rejection(thrown.throw(reason)), reason);
    await gone();
    {
      await using _ = await start();
    }
    await gone();
  }),
);

Deno.test(
  "N8 Listener: says UNLISTEN before it goes",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) => answer(burst, { tag: "LISTEN" }));
    });
    const controller = new AbortController();
    const listener = await Listener.connect(server.dsn, {
      channels: ["a"],
      signal: controller.signal,
    });
    controller.abort();
    await listener.closedPromise;
    assertEquals(statementsOf(server.sessions[0]), [
      'LISTEN "a"',
      "UNLISTEN *",
    ]);
    const { done } = await listener.return();
    assertEquals(done, true);
  }),
);

Deno.test(
  "Listener.connect: what goes wrong at the start is an error, and nothing stays open",
  quiet(async () => {
    const wrong: [Parameters<typeof Listener.connect>[1], string][] = [
      [{ heartbeat: 0 }, "heartbeat"],
      [{ heartbeat: NaN }, "heartbeat"],
      [{ heartbeatTimeout: -1 }, "heartbeatTimeout"],
      [{ maxPendingNotifies: 0 }, "maxPendingNotifies"],
      [{ reconnect: { initial: 0 } }, "reconnect.initial"],
      [{ reconnect: { most: 0 } }, "reconnect.most"],
      [{ reconnect: { giveUpAfter: -1 } }, "reconnect.giveUpAfter"],
      [{ nonsense: 1 } as object, "nonsense"],
      [{ port: 1 }, "connect"],
    ];
    for (const [options, part] of wrong) {
      const error = await rejection(Listener.connect(testDsn(), options));
      assert(
        error instanceof ProgrammingError || error instanceof OperationalError,
        Deno.inspect(error),
      );
      assert(error.message.includes(part), error.message);
    }
    // The forms of connect(): options alone, a URL.
    const { host, port, user, dbname } = parseDsn(testDsn());
    await using _ = await Listener.connect({ host, port, user, dbname });
    await using __ = await Listener.connect(
      new URL(`postgresql://${user}@${host}:${port}/${dbname}`),
      { heartbeat: null },
    );
  }),
);

Deno.test(
  "Listener: keeps the process alive until it is closed, and shows no password",
  async () => {
    const mod = new URL("../../mod.ts", import.meta.url).href;
    const output = await runScript(`
      const { Listener } = await import("${mod}");
      const listener = await Listener.connect(Deno.args[0], { channels: ["pgts_alive"], password: "Secr3t" });
      console.log(Deno.inspect(listener, { depth: 10, showHidden: true }).includes("Secr3t"));
      const other = await connect(Deno.args[0], { autocommit: true });
      Deno.unrefTimer(setTimeout(() => other.execute("notify pgts_alive, 'x'"), 100));
      console.log((await listener.next()).value.payload);
      listener.listen("pgts_alive", ({ payload }) => {
        console.log(payload);
        listener.close();
      });
      Deno.unrefTimer(setTimeout(() => other.execute("notify pgts_alive, 'y'"), 100));
    `);
    assertEquals(output, { code: 0, stdout: "false\nx\ny\n", stderr: "" });
  },
);
