/**
 * Listeners on a server of their own, which is restarted, crashes and is stopped,
 * and behind a pooler.
 */

import { assert, assertEquals } from "@std/assert";
import { connect, Listener, OperationalError } from "../../mod.ts";
import {
  type PostgresVersion,
  type Server,
  startServer,
} from "../../scripts/server.ts";
import {
  newChannel,
  nextGap,
  nextItem,
  notify,
  quick,
  sessionsNamed,
} from "./listener_support.ts";
import { startPgBouncer, testPooler } from "../support/pgbouncer.ts";
import { open, pause, quiet, until } from "./support.ts";

/** What can happen to a server, given the process of the listener's session. */
const ACCIDENTS: Record<
  string,
  (server: Server, pid: number) => Promise<unknown>
> = {
  "restarted, fast": (server) => server.restart("fast"),
  "restarted, immediate": (server) => server.restart("immediate"),
  "a session killed with SIGKILL": (_server, pid) =>
    Promise.resolve(Deno.kill(pid, "SIGKILL")),
  "the session stopped with SIGSTOP": (_server, pid) =>
    Promise.resolve(Deno.kill(pid, "SIGSTOP")),
};

Deno.test(
  "N1 N3 Listener: a server that restarts, crashes or is stopped is a gap, and listening goes on",
  quiet(async () => {
    const version =
      (Deno.env.get("PGTS_TEST_VERSION") ?? "18") as PostgresVersion;
    await using server = await startServer({ version });
    const name = crypto.randomUUID();
    const channels = [newChannel(), newChannel()];
    const warnings: string[] = [];
    await using listener = await Listener.connect(
      server.dsn,
      quick(warnings, {
        channels,
        heartbeat: 0.5,
        heartbeatTimeout: 0.5,
        applicationName: name,
      }),
    );
    for (const [accident, happen] of Object.entries(ACCIDENTS)) {
      const pid = listener.backendPid;
      assert(pid !== null, accident);
      await happen(server, pid);
      const gap = await nextGap(listener);
      assert(gap.error instanceof OperationalError, accident);
      assertEquals(gap.channels, channels, accident);
      assert(listener.backendPid !== pid, accident);
      if (accident.includes("SIGSTOP")) Deno.kill(pid, "SIGCONT");

      await using conn = await connect(server.dsn, { autocommit: true });
      for (const channel of channels) {
        await conn.execute("select pg_notify(%s, %s)", [channel, accident]);
      }
      for (const channel of channels) {
        const item = await nextItem(listener);
        assert(item.kind === "notify", accident);
        assertEquals([item.channel, item.payload], [channel, accident]);
      }
      await until(
        async () => await sessionsNamed(conn, name) === 1,
        `${accident}: one session`,
      );
    }
    assert(warnings.length >= 4);
  }),
);

testPooler(
  "Listener: through PgBouncer it works in session mode, and says that it does not in transaction mode",
  quiet(async () => {
    await using conn = await open();
    for (const poolMode of ["session", "transaction"] as const) {
      const channel = newChannel();
      await using pooler = await startPgBouncer({ poolMode });
      await using listener = await Listener.connect(
        pooler.dsn,
        quick([], { channels: [channel], heartbeat: 0.05 }),
      );
      // The connection that has run LISTEN is wanted by others too.
      const link = () => connect(pooler.dsn, { autocommit: true });
      const others = await Promise.all([link(), link(), link()]);
      const busy = others.map((one) => one.execute("select pg_sleep(0.3)"));
      await pause(50);
      await notify(conn, channel, "x");
      const item = await nextItem(listener);
      if (poolMode === "session") {
        assertEquals(item.kind === "notify" && item.payload, "x");
      } else {
        assert(item.kind === "gap");
        const { message } = item.error!;
        assert(message.includes("a pooler in transaction mode gave"), message);
      }
      await Promise.all(busy);
      for (const other of others) await other.close();
    }
  }),
);
