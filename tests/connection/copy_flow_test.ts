import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { OperationalError, TransactionStatus } from "../../mod.ts";
import { DivisionByZero } from "../../errors/mod.ts";
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
  until,
} from "./support.ts";

/** So much data that the server cannot have sent it all unless it is read. */
const ENDLESS =
  "copy (select repeat('x', 1000) from generate_series(1, 1000000)) to stdout";

Deno.test(
  "CO-16 COPY-09 read: a server error half-way comes out behind the rows before it, INERROR",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const query =
      "copy (select 1 / (500 - n) from generate_series(1, 1000) n) to stdout";
    const reads = [
      (copy: AsyncIterable<Uint8Array>) => Array.fromAsync(copy),
      (copy: { rows(): AsyncIterable<unknown> }) =>
        Array.fromAsync(copy.rows()),
      (copy: { readable: ReadableStream }) =>
        new Response(copy.readable).bytes(),
      () => pause(50), // and nothing read
    ];
    for (const read of reads) {
      const cursor = conn.cursor();
      const error = await rejection(
        cursor.copy(query, async (copy) => void await read(copy)),
      );
      assertError(error, {
        class: DivisionByZero,
        sqlstate: "22012",
        usable: true,
      });
      assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
      assertEquals(cursor.rowCount, -1);
      await assertUsable(conn);
    }
    let rows = 0;
    await rejection(conn.copy(query, async (copy) => {
      for await (const _ of copy.rows()) rows++;
    }));
    assertEquals(rows, 499);
    await conn.rollback();
  }),
);

Deno.test(
  "COPY-08 M4 copy: left by an exception or a break, it is cancelled and drained at once, INERROR",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const reason = new RangeError("mine");
    for (
      const leave of ["throw", "break", "return", "nothing read", "stream"]
    ) {
      const start = performance.now();
      const copying = conn.copy(ENDLESS, async (copy) => {
        if (leave === "nothing read") return;
        if (leave === "return") return void await copy.readRow();
        if (leave === "stream") {
          const reader = copy.readable.getReader();
          await reader.read();
          return await reader.cancel();
        }
        for await (const _ of copy) {
          if (leave === "throw") throw reason;
          break;
        }
      });
      if (leave === "throw") {
        assertStrictEquals(await rejection(copying), reason);
      } else await copying;
      assertEquals(
        conn.info.transactionStatus,
        TransactionStatus.INERROR,
        leave,
      );
      assert(performance.now() - start < 2000);
      await assertUsable(conn);
    }
    // Everything has come: nothing is left to cancel.
    for (const leave of ["throw", "return"]) {
      const copying = conn.copy("copy (select 1) to stdout", async (copy) => {
        await Array.fromAsync(copy.rows());
        if (leave === "throw") {
          throw reason;
        }
      });
      if (leave === "throw") {
        assertStrictEquals(
          await rejection(copying),
          reason,
        );
      } else await copying;
      assertEquals(
        conn.info.transactionStatus,
        TransactionStatus.INTRANS,
        leave,
      );
      await conn.rollback();
    }
  }),
);

Deno.test(
  "M4 readable: through gzip to a slow reader, all of it arrives",
  quiet(async () => {
    await using conn = await open();
    const text = await conn.copy(
      "copy (select n, repeat('x', 500) from generate_series(1, 4000) n) to stdout",
      async (copy) => {
        const packed = copy.readable.pipeThrough(new CompressionStream("gzip"));
        const slow = new TransformStream<
          Uint8Array<ArrayBuffer>,
          Uint8Array<ArrayBuffer>
        >({
          async transform(chunk, controller) {
            await pause(1);
            controller.enqueue(chunk);
          },
        });
        return await new Response(
          packed.pipeThrough(slow).pipeThrough(new DecompressionStream("gzip")),
        ).text();
      },
    );
    assertEquals(text.split("\n").length, 4001);
    assert(text.endsWith(`4000\t${"x".repeat(500)}\n`));
  }),
);

Deno.test(
  "M10 copy: aborted in either direction, while it waits for data, for a lock or for its turn",
  quiet(async () => {
    await using conn = await open();
    await using other = await open({ autocommit: false });
    await conn.execute("create table if not exists copy_abort (n int)");
    await other.execute("lock table copy_abort");
    const cases: [string, (signal: AbortSignal) => Promise<unknown>][] = [
      [
        "lock",
        (signal) =>
          conn.copy("copy copy_abort from stdin", () => {}, { signal }),
      ],
      ["out", (signal) =>
        conn.copy(ENDLESS, async (copy) => {
          for await (const _ of copy) await pause(5);
        }, { signal })],
      [
        "sleep",
        (signal) =>
          conn.copy(
            "copy (select pg_sleep(60)) to stdout",
            (copy) => copy.read(),
            { signal },
          ),
      ],
      ["in", (signal) =>
        conn.copy("copy aborted from stdin", async (copy) => {
          for (;;) {
            await copy.writeRow([1]);
            await pause(5);
          }
        }, { signal })],
      [
        "in, fast",
        (signal) =>
          conn.copy("copy aborted from stdin", async (copy) => {
            for (;;) {
              await copy.write("1\n".repeat(100_000));
              await pause(0);
            }
          }, { signal }),
      ],
    ];
    await conn.execute("create temp table aborted (n int)");
    for (const [what, run] of cases) {
      const signal = AbortSignal.timeout(60);
      const start = performance.now();
      assertStrictEquals(await rejection(run(signal)), signal.reason, what);
      assert(performance.now() - start < 2000, what);
      await assertUsable(conn);
    }
    const count = await conn.execute("select count(*)::int as n from aborted")
      .fetchOne();
    assertEquals(count, { n: 0 });
    const slow = conn.execute("select pg_sleep(0.3)");
    const signal = AbortSignal.timeout(50);
    const turn = conn.copy("copy aborted from stdin", () => {}, { signal });
    assertStrictEquals(await rejection(turn), signal.reason);
    await slow;
    const aborted = AbortSignal.abort();
    assertStrictEquals(
      await rejection(
        conn.copy("copy aborted from stdin", () => {}, { signal: aborted }),
      ),
      aborted.reason,
    );
    await other.rollback();
    await conn.execute("drop table copy_abort");
  }),
);

Deno.test(
  "M5 copy: the server is killed in the middle, in and out: an OperationalError for everybody, once",
  quiet(async () => {
    await using admin = await open();
    for (const query of ["copy t from stdin", ENDLESS]) {
      await using conn = await open();
      await conn.execute("create temp table t (s text)");
      const waiting: Promise<unknown>[] = [];
      const error = await rejection(conn.copy(query, async (copy) => {
        waiting.push(
          rejection(conn.execute("select 1")),
          rejection(conn.copy(query, () => {})),
        );
        await admin.execute("select pg_terminate_backend(%s)", [
          conn.info.backendPid,
        ]);
        for (;;) {
          if (copy.direction === "in") {
            await copy.write("x".repeat(10_000) + "\n");
          } else if ((await copy.read()).length === 0) {
            throw new Error("no error");
          }
          await pause(0);
        }
      }));
      assert(error instanceof OperationalError, Deno.inspect(error));
      assertEquals(error.connectionUsable, false);
      for (const other of await Promise.all(waiting)) {
        assert(other instanceof OperationalError, Deno.inspect(other));
      }
      assertEquals([conn.closed, conn.broken], [true, true]);
    }
  }),
);

Deno.test(
  "M4 read: while the reader lags the server waits, and no more is read from it",
  quiet(async () => {
    await using conn = await open();
    await using admin = await open();
    const state = async () =>
      (await admin.execute(
        "select wait_event from pg_stat_activity where pid = %s",
        [conn.info.backendPid],
      ).fetchOne())?.wait_event;
    await conn.copy(ENDLESS, async (copy) => {
      await copy.read();
      await until(async () => await state() === "ClientWrite", "it waits");
      // What it had sent by then lies in the memory of the kernel, but for a little.
      await pause(100);
      assertEquals(await state(), "ClientWrite");
      let size = 0;
      for await (const block of copy) {
        size += block.length;
        if (size > 50_000_000) break;
      }
      assert(size > 50_000_000, "it went on");
    });
  }),
);

Deno.test(
  "G5 write, writeRow: while the server stalls the source waits, and then goes on",
  quiet(async () => {
    const { promise: stalled, resolve: goOn } = Promise.withResolvers<void>();
    let received = 0;
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      for (const tag of ["P", "B", "E", "H"] as const) {
        await session.expect(tag);
      }
      await session.send(
        b.parseComplete(),
        b.bindComplete(),
        b.copyInResponse([0]),
      );
      await stalled;
      for (;;) {
        const message = await session.read();
        if (message?.tag === "d") received += message.data.length;
        else break;
      }
      await session.expect("S");
      await session.send(b.commandComplete("COPY 1"), b.readyForQuery("I"));
      await session.serve((burst) => answer(burst, ONE));
    });
    await using conn = await openScripted(server);
    const row = ["x".repeat(1023)];
    const block = new Uint8Array(1024);
    let written = 0;
    const copying = conn.copy("copy t from stdin", async (copy) => {
      for (; written < 64 * 1024; written++) {
        await (written % 2 ? copy.writeRow(row) : copy.write(block));
      }
    });
    let before = -1;
    while (before !== written) {
      before = written;
      await pause(100);
    }
    assert(written < 32 * 1024, `${written} KiB were taken`);
    goOn();
    await copying;
    assertEquals([written, received], [64 * 1024, 64 * 1024 * 1024]);
    await assertUsable(conn);
  }),
);

Deno.test(
  "copy out: a signal that comes when all is over changes nothing",
  quiet(async () => {
    await using conn = await open();
    const controller = new AbortController();
    const rows = await conn.copy("copy (select 1) to stdout", async (copy) => {
      const rows = await Array.fromAsync(copy.rows());
      controller.abort();
      return rows;
    }, { signal: controller.signal });
    assertEquals(rows, [["1"]]);
    await assertUsable(conn);
  }),
);
