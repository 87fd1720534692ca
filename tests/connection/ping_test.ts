import { assertEquals, assertRejects } from "@std/assert";
import { PgConn, Ping } from "../../mod.ts";
import * as b from "../support/backend.ts";
import { testDsn, testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { quiet } from "./support.ts";

Deno.test(
  "PgConn.ping: a server that is there is OK, whatever user, password or database is asked for",
  quiet(async () => {
    assertEquals(await PgConn.ping(testDsn()), Ping.OK);
    const { host, port } = testServer();
    for (
      const options of [
        { dbname: "no such database" },
        { user: "nobody" },
        { user: "pgts_scram" },
        { user: "pgts_scram", password: "wrong" },
        { requireAuth: "scram-sha-256" },
      ]
    ) {
      const given = { dbname: "postgres", user: "postgres", ...options };
      const found = await PgConn.ping({ host, port, ...given });
      assertEquals(found, Ping.OK, Deno.inspect(options));
    }
  }),
);

Deno.test(
  "PgConn.ping: a server that takes no sessions now is REJECT, unless another host does",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.readStartup();
      await session.send(b.errorResponse({
        severity: "FATAL",
        code: "57P03",
        message: "the database system is starting up",
      }));
      session.close();
    });
    assertEquals(await PgConn.ping(server.dsn), Ping.REJECT);
    const both = (host: string, port: number) =>
      PgConn.ping(server.dsn, {
        host: `127.0.0.1,${host}`,
        port: `${server.port},${port}`,
      });
    assertEquals(await both("127.0.0.1", 1), Ping.REJECT);
    const { host, port } = testServer();
    assertEquals(await both(host, port), Ping.OK);
  }),
);

Deno.test(
  "PgConn.ping: nobody there, or somebody who is no server, is NO_RESPONSE",
  quiet(async () => {
    assertEquals(await PgConn.ping("host=127.0.0.1 port=1"), Ping.NO_RESPONSE);
    assertEquals(
      await PgConn.ping("host=no-such-host.invalid"),
      Ping.NO_RESPONSE,
    );
    await using other = new ScriptedServer(async (session) => {
      await session.readStartup();
      await session.send(
        new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
      );
      session.close();
    });
    assertEquals(await PgConn.ping(other.dsn), Ping.NO_RESPONSE);
    await using mute = new ScriptedServer(async (session) => {
      await session.readStartup();
      await session.silence();
    });
    const options = { connectTimeout: 0.1 };
    assertEquals(await PgConn.ping(mute.dsn, options), Ping.NO_RESPONSE);
  }),
);

Deno.test(
  "PgConn.ping: what is wrong here is NO_ATTEMPT, and an aborted one rejects with the reason",
  quiet(async () => {
    for (
      const conninfo of ["port=none", "nonsense", "host=a,b port=1,2,3"]
    ) {
      assertEquals(await PgConn.ping(conninfo), Ping.NO_ATTEMPT, conninfo);
    }
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    const error = await assertRejects(() => PgConn.ping(testDsn(), { signal }));
    assertEquals(error, reason);
  }),
);
