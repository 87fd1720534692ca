/**
 * Connection strings of somebody who is not trusted.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { resolveParameters } from "../../connection/options.ts";
import { connect, OperationalError, ProgrammingError } from "../../mod.ts";
import * as b from "../support/backend.ts";
import { testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { inHome } from "./environment.ts";
import { assertError, assertUsable, quiet, rejection } from "./support.ts";

const { host, port } = testServer();
const ALLOWED = ["host", "port", "user", "password", "dbname"];

Deno.test(
  "B15 connect: a string that sets other parameters than allowedParameters lists is refused before anything is done",
  quiet(async () => {
    await using server = new ScriptedServer((session) => session.silence());
    const uri = `postgres://u:secret@127.0.0.1:${server.port}/d`;
    const refused: [string, string[]][] = [
      [`${uri}?sslmode=disable`, ['"sslmode"']],
      [`${uri}?ssl=true`, ['"sslmode"']],
      [`${server.dsn} passfile=/etc/passwd`, ['"passfile"']],
      [`${server.dsn} service=other options='-c a=b'`, [
        '"service", "options"',
      ]],
      [`${server.dsn} hostaddr=10.0.0.1 sslkey=/k`, ['"hostaddr", "sslkey"']],
      [`${server.dsn} passfile=`, ['"passfile"']],
    ];
    for (const [conninfo, says] of refused) {
      const { message } = assertError(
        await rejection(connect(conninfo, { allowedParameters: ALLOWED })),
        { class: ProgrammingError, says: [...says, "allowedParameters"] },
      );
      assert(!/secret|passwd|10\.0/.test(message), message);
    }
    assertError(
      await rejection(connect(server.dsn, { allowedParameters: ["hots"] })),
      { class: ProgrammingError, says: ['"hots"'] },
    );
    assertError(
      await rejection(connect(server.dsn, { allowedParameters: [] })),
      { class: ProgrammingError, says: ['"host", "port", "user", "dbname"'] },
    );
    assertEquals(server.sessions.length, 0);

    // What the options set is the application's own.
    const uriOfOurs = `postgres://pgts_scram@${host}:${port}/postgres`;
    await using conn = await connect(uriOfOurs, {
      password: "scram pass",
      applicationName: "ours",
      autocommit: true,
      allowedParameters: ALLOWED,
    });
    assertEquals(conn.info.user, "pgts_scram");
    await assertUsable(conn);
    await using spelled = await connect(`${uriOfOurs}?application_name=x`, {
      password: "scram pass",
      autocommit: true,
      allowedParameters: [...ALLOWED, "applicationName"],
    });
    await assertUsable(spelled);
  }),
);

Deno.test(
  "B15 connect: with allowedParameters, no password, service or setting of this process goes to the host of the string",
  quiet(async () => {
    const given: string[] = [];
    await using server = new ScriptedServer(async (session) => {
      const { parameters } = await session.readStartup();
      given.push(JSON.stringify(parameters));
      await session.send(b.authenticationCleartextPassword());
      const answer = await session.read();
      if (answer?.tag === "p") {
        given.push(new TextDecoder().decode(answer.body));
      }
      session.close();
    });
    const at = `127.0.0.1:${server.port}`;
    const files = {
      ".pgpass": ["*:*:*:*:from-file\n", 0o600],
      ".pg_service.conf": ["[ours]\npassword=from-service\n", 0o644],
    } as const;
    const variables: Record<string, string>[] = [
      { PGPASSWORD: "from-environment", PGAPPNAME: "mine", PGTZ: "UTC" },
      { PGSERVICE: "ours" },
      {},
    ];
    for (const one of variables) {
      await inHome(files, one, async () => {
        given.length = 0;
        const conninfo = `postgres://u@${at}/d`;
        await rejection(connect(conninfo, { sslMode: "disable" }));
        assert(given.join().includes("from-"), "it would go there otherwise");
        given.length = 0;
        const error = await rejection(
          connect(conninfo, { sslMode: "disable", allowedParameters: ALLOWED }),
        );
        assertError(error, { class: OperationalError, says: ["password"] });
        assert(!/from-|mine|UTC"/.test(given.join()), given.join());
      });
    }
    const certificateMode = (sslcert: string) =>
      resolveParameters("host=h user=u", { sslcert }, new Set(), {
        ambient: false,
      }).given.sslcertmode;
    assertEquals(certificateMode(""), "disable");
    assertEquals(certificateMode("/ours.crt"), undefined);
  }),
);
