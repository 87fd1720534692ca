/**
 * Servers that do not take the session: they close, are full, start or stop.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, OperationalError } from "../../mod.ts";
import { CannotConnectNow, TooManyConnections } from "../../errors/mod.ts";
import { startServer } from "../../scripts/server.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
import {
  assertError,
  assertUsable,
  openScripted,
  pause,
  quiet,
  rejection,
  until,
} from "./support.ts";

/** How a server asks for a password. */
const REQUESTS: Record<string, Uint8Array> = {
  cleartext: b.authenticationCleartextPassword(),
  MD5: b.authenticationMd5Password(new Uint8Array([1, 2, 3, 4])),
  SCRAM: b.authenticationSasl(["SCRAM-SHA-256"]),
};

Deno.test(
  "B8 connect: a server that closes right after the password message is one error, and is not asked again, nor is another",
  quiet(async () => {
    for (const [method, request] of Object.entries(REQUESTS)) {
      for (const sslMode of ["disable", "allow", "prefer"] as const) {
        const shown: string[] = [];
        const script = async (session: ScriptedSession) => {
          await session.readStartup();
          await session.send(request);
          const { tag } = await session.expect("p");
          shown.push(tag);
          session.close();
        };
        await using server = new ScriptedServer(script);
        await using second = new ScriptedServer(script);
        let asked = 0;
        const error = await rejection(
          openScripted(server, {
            host: "127.0.0.1,127.0.0.1",
            port: `${server.port},${second.port}`,
            sslMode,
            password: () => Promise.resolve(`secret ${asked++}`),
          }),
        );
        const { message } = assertError(error, {
          class: OperationalError,
          sqlstate: null,
          usable: false,
          reached: true,
        });
        assert(!message.includes("secret"), message);
        await pause(20); // time for an attempt that should not be made
        assertEquals([asked, shown], [1, ["p"]], `${method} ${sslMode}`);
        assertEquals(second.sessions.length, 0);
        const password = server.sessions.filter(({ received }) =>
          received.some(({ tag }) => tag === "p")
        );
        assertEquals(password.length, 1);
      }
    }
  }),
);

Deno.test(
  "connect: a server that is full or shuts down says so by its SQLSTATE, and takes sessions again when it can",
  quiet(async () => {
    await using server = await startServer({
      settings: {
        max_connections: "4",
        superuser_reserved_connections: "0",
        max_wal_senders: "0",
      },
    });
    const open = () => connect(server.dsn, { autocommit: true });
    const full = await Promise.all([open(), open(), open(), open()]);
    assertError(await rejection(open()), {
      class: TooManyConnections,
      says: ["too many clients"],
      sqlstate: "53300",
      usable: false,
    });
    await full.pop()?.close();
    const freed = async () => {
      const conn = await open().catch(() => null);
      if (conn === null) return false;
      await assertUsable(conn);
      full.push(conn);
      return true;
    };
    await until(freed, "a session is free");
    await full.pop()?.close();

    // A smart shutdown waits for the sessions that there are, and takes no more.
    server.kill("SIGTERM");
    let error: unknown;
    await until(async () => {
      error = await open().then((conn) => conn.close(), (reason) => reason);
      return error !== undefined;
    }, "the server shuts down");
    assertError(error, {
      class: CannotConnectNow,
      says: ["shutting down"],
      sqlstate: "57P03",
      usable: false,
    });
    await assertUsable(full[0]!);
    for (const conn of full) await conn.close();
  }),
);
