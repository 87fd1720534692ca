import { assert, assertEquals } from "@std/assert";
import { encodeBase64 } from "@std/encoding/base64";
import { decodeBase64 } from "@std/encoding/base64";
import { connect, OperationalError, ProgrammingError, sql } from "../../mod.ts";
import { InvalidPassword } from "../../errors/mod.ts";
import { scramKeys } from "../../protocol/auth_scram.ts";
import { testDsn } from "../support/database.ts";
import { assertError, open, quiet, rejection } from "./support.ts";

/** The keys of a role, from what the server stores and from its password. */
async function keysOf(role: string, password: string) {
  await using admin = await open();
  const stored = await admin.execute(
    sql`select rolpassword from pg_authid where rolname = ${role}`,
  ).fetchOne();
  const [, iterations, salt, serverKey] =
    /^SCRAM-SHA-256\$(\d+):([^$]+)\$[^:]+:(.+)$/.exec(
      String(stored?.rolpassword),
    ) ?? [];
  const { clientKey } = await scramKeys(
    password,
    decodeBase64(salt ?? ""),
    Number(iterations),
  );
  return { scramClientKey: encodeBase64(clientKey), scramServerKey: serverKey };
}

Deno.test(
  "scramClientKey, scramServerKey: stand in for the password, and both sides still prove themselves",
  quiet(async () => {
    const user = "pgts_scram";
    const keys = await keysOf(user, "scram pass");
    await using conn = await open({ user, ...keys });
    assertEquals(
      (await conn.execute("select current_user as name").fetchOne())?.name,
      user,
    );
    assertEquals(conn.info.usedPassword, false);
    // No way of printing it shows a key, and none leads to another connection.
    const shown = [
      Deno.inspect(conn, { depth: 9, showHidden: true }),
      Deno.inspect(conn.info, { depth: 9, showHidden: true }),
      JSON.stringify(conn),
      conn.info.dsn,
      JSON.stringify(conn.info.getParameters()),
    ].join("\n");
    for (const key of Object.values(keys)) assert(!shown.includes(String(key)));
    // A session of its own is opened with them again.
    await conn.pgconn.reset();
    assertEquals(
      (await conn.execute("select current_user as name").fetchOne())?.name,
      user,
    );
    const other = encodeBase64(new Uint8Array(32).fill(7));
    assertError(
      await rejection(open({ user, ...keys, scramClientKey: other })),
      { class: InvalidPassword, sqlstate: "28P01" },
    );
    assertError(
      await rejection(open({ user, ...keys, scramServerKey: other })),
      { class: OperationalError, says: ["its SCRAM signature is wrong"] },
    );
    // A method that needs the password itself does not get by with keys.
    const md5 = await rejection(open({ user: "pgts_md5", ...keys }));
    assertError(md5, { class: OperationalError, says: ["wants a password"] });
  }),
);

Deno.test(
  "scramClientKey, scramServerKey: what is no key is refused before connecting, and not shown",
  quiet(async () => {
    const good = encodeBase64(new Uint8Array(32));
    const short = encodeBase64(new Uint8Array(31).fill(77));
    for (
      const [conninfo, says] of [
        [
          `scram_client_key=s3cr3t! scram_server_key=${good}`,
          ['"scram_client_key"', "invalid SCRAM key"],
        ],
        [
          `scram_client_key=${good} scram_server_key=${short}`,
          ['"scram_server_key"', "invalid SCRAM key length 31"],
        ],
        [`scram_client_key=${good}`, ["one is given without the other"]],
        [`scram_server_key=${good}`, ["one is given without the other"]],
      ] as const
    ) {
      const error = await rejection(connect(`${testDsn()} ${conninfo}`));
      const { message } = assertError(error, { class: ProgrammingError, says });
      assert(!message.includes("s3cr3t") && !message.includes(short), message);
    }
  }),
);
