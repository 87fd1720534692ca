import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type Connection,
  OperationalError,
  ProgrammingError,
} from "../../mod.ts";
import { InvalidPassword, UndefinedObject } from "../../errors/mod.ts";
import { encryptPassword } from "../../connection/passwords.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  assertError,
  assertUsable,
  open,
  openScripted,
  quiet,
  rejection,
  serveOnes,
} from "./support.ts";

const SECRET = "n3w pa'ss\\w%rd Å";

/** Runs a block with a role of its own. */
async function withRole(
  block: (conn: Connection, role: string) => Promise<void>,
): Promise<void> {
  await using conn = await open();
  const role = `pgts "pw' ${crypto.randomUUID().slice(0, 8)}`;
  const quoted = `"${role.replaceAll('"', '""')}"`;
  await conn.execute(`create role ${quoted} login`);
  try {
    await block(conn, role);
  } finally {
    await conn.execute(`drop role ${quoted}`);
  }
}

async function storedOf(conn: Connection, role: string): Promise<string> {
  const row = await conn.execute(
    "select rolpassword as stored from pg_authid where rolname = %s",
    [role],
  ).fetchOne();
  return String(row?.stored);
}

Deno.test(
  "LP-01 Connection.encryptPassword: MD5, SCRAM, and what the server says",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    assertEquals(
      await conn.encryptPassword("psycopg2", "ashesh", "md5"),
      "md594839d658c28a357126f105b9cb14cfc",
    );
    assertMatch(
      await conn.encryptPassword("psycopg2", "ashesh", "scram-sha-256"),
      /^SCRAM-SHA-256\$4096:/,
    );
    for (
      const [setting, start] of [["md5", "md5"], ["scram-sha-256", "SCRAM"]]
    ) {
      await conn.execute(`set password_encryption to '${setting}'`);
      await conn.commit();
      const encrypted = await conn.encryptPassword("psycopg2", "ashesh");
      assert(encrypted.startsWith(start!), encrypted);
      // The question opens no transaction.
      assertEquals(conn.info.transactionStatus, 0);
    }
    if (conn.info.serverVersion >= 160000) {
      await conn.execute("set scram_iterations to 5000");
      assertMatch(
        await conn.encryptPassword("p", "u"),
        /^SCRAM-SHA-256\$5000:/,
      );
    }
    assertError(
      await rejection(conn.encryptPassword("p", "u", "rot13" as "md5")),
      { class: ProgrammingError, says: ["unknown algorithm"] },
    );
    await rejection(conn.execute("select 1/0"));
    const aborted = await rejection(conn.encryptPassword("p", "u"));
    assertEquals((aborted as OperationalError).sqlstate, "25P02");
    await conn.rollback();
    await conn.close();
    assertError(await rejection(conn.encryptPassword("p", "u")), {
      class: OperationalError,
      usable: false,
    });
    assertMatch(await conn.encryptPassword("p", "u", "md5"), /^md5/);
  }),
);

Deno.test(
  "LP-03 changePassword: the new password logs in and the old one does not; an unknown role does not exist",
  quiet(async () => {
    await using admin = await open();
    // The server asks this role for a password; what it is comes back below.
    const user = "pgts_md5";
    const before = await storedOf(admin, user);
    try {
      await admin.changePassword(user, SECRET);
      await using conn = await open({ user, password: SECRET });
      assertEquals(conn.info.usedPassword, true);
      assertError(await rejection(open({ user, password: "md5 pass" })), {
        class: InvalidPassword,
      });
      await conn.changePassword(user, "its own");
      await using _again = await open({ user, password: "its own" });
    } finally {
      await admin.execute(`alter role ${user} password '${before}'`);
    }
    await using _restored = await open({ user, password: "md5 pass" });
    const unknown = assertError(
      await rejection(admin.changePassword("no such role", SECRET)),
      { class: UndefinedObject, says: ["does not exist"], usable: true },
    );
    for (const secret of ["SCRAM-SHA-256$", "n3w"]) {
      assert(!Deno.inspect(unknown, { showHidden: true }).includes(secret));
    }
    await assertUsable(admin);
  }),
);

Deno.test(
  "changePassword: counts at once, or with the transaction that is open",
  quiet(async () => {
    await withRole(async (conn, role) => {
      await using lazy = await open({ autocommit: false });
      await lazy.changePassword(role, SECRET);
      assertEquals(lazy.info.transactionStatus, 0);
      const stored = await storedOf(conn, role);
      const [, salt = ""] = /:([^$]+)\$/.exec(stored) ?? [];
      assertEquals(
        stored,
        await encryptPassword(SECRET, role, "scram-sha-256", {
          salt: Uint8Array.fromBase64(salt),
        }),
      );
      await lazy.execute("select 1");
      await lazy.changePassword(role, "another");
      await lazy.rollback();
      assertEquals(await storedOf(conn, role), stored);
    });
  }),
);

Deno.test(
  "E6 changePassword: the server's log and pg_stat_activity have a verifier and no password",
  quiet(async () => {
    await withRole(async (conn, role) => {
      const logged: string[] = [];
      conn.addNoticeHandler(({ severity, messagePrimary }) =>
        logged.push(`${severity}: ${messagePrimary}`)
      );
      await conn.execute("set log_statement to 'all'");
      await conn.execute("set client_min_messages to log");
      await conn.changePassword(role, SECRET);
      await using watcher = await open();
      const row = await watcher.execute(
        "select query from pg_stat_activity where pid = %s",
        [conn.info.backendPid],
      ).fetchOne();
      await conn.execute("reset client_min_messages");
      const altered = logged.filter((line) => line.includes("ALTER USER"));
      assertEquals(altered.length, 1, logged.join("\n"));
      for (const text of [...logged, String(row?.query)]) {
        assert(!text.includes("pa'ss") && !text.includes("n3w"), text);
      }
      assertMatch(altered[0]!, /^LOG: .* PASSWORD '?.*SCRAM-SHA-256\$/);
      assertMatch(String(row?.query), /PASSWORD .*SCRAM-SHA-256\$/);
    });
  }),
);

Deno.test(
  "changePassword: to a server that answers nonsense nothing is sent",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes);
    await using conn = await openScripted(server);
    assertError(await rejection(conn.changePassword("ann", SECRET)), {
      class: ProgrammingError,
    });
    const sent = Deno.inspect(server.sessions[0]?.received, { depth: 9 });
    assert(sent.includes("SHOW password_encryption"));
    assert(!sent.includes("ALTER") && !sent.includes("n3w"));
  }),
);
