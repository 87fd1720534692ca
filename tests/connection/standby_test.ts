/**
 * Which kind of session is wanted: a primary and a standby that streams from it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  connect,
  type Connection,
  ConnectionTimeout,
  OperationalError,
} from "../../mod.ts";
import { type PostgresVersion, startServer } from "../../scripts/server.ts";
import { sessionStart } from "../support/scripted_session.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { follow, listOf, untilStreaming } from "../support/standby.ts";
import * as b from "../support/backend.ts";
import {
  answer,
  assertError,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
  until,
} from "./support.ts";

async function isStandby(conn: Connection): Promise<boolean> {
  const row = await conn.execute("select pg_is_in_recovery() as standby")
    .fetchOne();
  return row?.standby === true;
}

/** Which of the servers is connected to, or the error. */
async function chosen(
  conninfo: string,
  targetSessionAttrs: string,
): Promise<string> {
  let conn: Connection;
  try {
    conn = await connect(conninfo, { targetSessionAttrs });
  } catch (error) {
    const { message } = assertError(error, {
      class: OperationalError,
      says: [`target_session_attrs asks for "${targetSessionAttrs}"`],
      sqlstate: null,
      usable: false,
    });
    assertEquals(message.includes("attempts failed"), conninfo.includes(","));
    return "none";
  }
  await using open = conn;
  const which = await isStandby(open) ? "standby" : "primary";
  const port = open.info.port;
  assert(conninfo.includes(String(port)), `port ${port}`);
  return which;
}

Deno.test(
  "B11 connect: each target_session_attrs on a primary, a standby that streams, and both",
  quiet(async () => {
    const version =
      (Deno.env.get("PGTS_TEST_VERSION") ?? "18") as PostgresVersion;
    await using primary = await startServer({ version });
    await using standby = await startServer({ version });
    await follow(standby, primary);
    await untilStreaming(primary);
    const lists = [
      listOf(primary),
      listOf(standby),
      listOf(primary, standby),
      listOf(standby, primary),
    ];
    const expected = {
      "any": ["primary", "standby", "primary", "standby"],
      "read-write": ["primary", "none", "primary", "primary"],
      "read-only": ["none", "standby", "standby", "standby"],
      "primary": ["primary", "none", "primary", "primary"],
      "standby": ["none", "standby", "standby", "standby"],
      "prefer-standby": ["primary", "standby", "standby", "standby"],
    };
    for (const [wanted, results] of Object.entries(expected)) {
      const actual: string[] = [];
      for (const list of lists) actual.push(await chosen(list, wanted));
      assertEquals(actual, results, wanted);
    }
    // A primary whose sessions are read-only by default is still a primary.
    const readOnly = `${
      listOf(primary)
    } options='-c default_transaction_read_only=on'`;
    assertEquals(await chosen(readOnly, "read-only"), "primary");
    assertEquals(await chosen(readOnly, "primary"), "primary");
    assertEquals(await chosen(readOnly, "read-write"), "none");
    assertEquals(await chosen(readOnly, "standby"), "none");
    // With a host that is down, the one that is left has to do.
    await standby.stop();
    assertEquals(
      await chosen(listOf(standby, primary), "prefer-standby"),
      "primary",
    );
  }),
);

Deno.test(
  "AT-17 connect: read-only and standby on a primary are an OperationalError that names the mode",
  quiet(async () => {
    for (const mode of ["read-only", "standby"]) {
      const error = await rejection(open({ targetSessionAttrs: mode }));
      assertError(error, {
        class: OperationalError,
        says: [mode, "target_session_attrs"],
        sqlstate: null,
        usable: false,
      });
      assert(!String(error).includes("attempts failed"));
    }
    for (const mode of ["any", "read-write", "primary", "prefer-standby"]) {
      await using conn = await open({ targetSessionAttrs: mode });
      assertEquals(await isStandby(conn), false);
    }
  }),
);

/** A server of before 14: it does not tell what it is unless it is asked. */
function askedServer(value: string | null): ScriptedServer {
  return new ScriptedServer(async (session) => {
    await session.readStartup();
    await session.send(b.authenticationOk(), ...sessionStart());
    if (value === null) return await session.silence();
    await session.serve((burst) =>
      answer(burst, {
        columns: [{ name: "value", oid: 25 }],
        rows: [[value]],
        tag: "SELECT 1",
      })
    );
  });
}

Deno.test(
  "connect: a server that does not tell its kind is asked",
  quiet(async () => {
    for (
      const [mode, value, fits] of [
        ["read-write", "off", true],
        ["read-write", "on", false],
        ["read-only", "on", true],
        ["standby", "t", true],
        ["standby", "f", false],
        ["primary", "f", true],
      ] as const
    ) {
      await using server = askedServer(value);
      const connecting = openScripted(server, { targetSessionAttrs: mode });
      if (fits) await (await connecting).close();
      else {
        assertError(await rejection(connecting), {
          class: OperationalError,
          says: [mode],
        });
      }
    }
  }),
);

Deno.test(
  "connect: a server that is silent when it is asked for its kind: the timeout and an abort",
  quiet(async () => {
    const targetSessionAttrs = "primary";
    await using server = askedServer(null);
    const late = rejection(
      openScripted(server, { targetSessionAttrs, connectTimeout: 0.2 }),
    );
    assertError(await late, {
      class: ConnectionTimeout,
      says: ["connect_timeout"],
      usable: false,
    });
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = rejection(
      openScripted(server, { targetSessionAttrs, signal }),
    );
    await until(
      () => server.sessions[1]?.received.at(-1)?.tag === "Q",
      "asked for its kind",
    );
    const reason = new Error("no longer wanted");
    const start = performance.now();
    controller.abort(reason);
    assertEquals(await aborted, reason);
    assert(performance.now() - start < 50);
    await pause(5);
    await until(
      () => server.sessions.every((session) => session.left),
      "the sockets are closed",
    );
  }),
);
