import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ConnectionTimeout, OperationalError, PgError } from "../../mod.ts";
import { InvalidCatalogName, InvalidPassword } from "../../errors/mod.ts";
import { testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  assertError,
  open,
  openScripted,
  quiet,
  rejection,
} from "./support.ts";

/** What an error tells of the connection that was not made. */
function pgconnOf(error: unknown) {
  assert(error instanceof PgError, Deno.inspect(error));
  assert(error.pgconn !== null, "no pgconn");
  assertEquals(error.pgconn.status, 1);
  assertEquals(error.pgconn.errorMessage, error.message);
  return error.pgconn;
}

Deno.test(
  "AT-25 PgError.pgconn: after connecting without the password that is needed, needsPassword is true",
  quiet(async () => {
    const { host, port } = testServer();
    for (const user of ["pgts_scram", "pgts_md5", "pgts_clear"]) {
      const none = await rejection(open({ user }));
      assertError(none, { class: OperationalError, usable: false });
      const { needsPassword, usedPassword, ...rest } = pgconnOf(none);
      assertEquals([needsPassword, usedPassword], [true, false], user);
      assertEquals([rest.host, rest.port, rest.user], [host, port, user]);
      const wrong = await rejection(open({ user, password: "wrong" }));
      assertError(wrong, { class: InvalidPassword, usable: false });
      const pgconn = pgconnOf(wrong);
      assertEquals([pgconn.needsPassword, pgconn.usedPassword], [false, true]);
    }
  }),
);

Deno.test(
  "ER-14 PgError.pgconn: of a connection that failed names the database that was asked for",
  quiet(async () => {
    const dbname = "no such database";
    const error = await rejection(open({ dbname }));
    assertError(error, { class: InvalidCatalogName });
    assertEquals(pgconnOf(error).db, dbname);
    for (
      const options of [
        { host: "127.0.0.1", port: 1 },
        { host: "/no/such/directory" },
        { host: "no-such-host.invalid" },
        { targetSessionAttrs: "standby" },
      ] as const
    ) {
      const failure = await rejection(open({ dbname: "postgres", ...options }));
      const { db, host } = pgconnOf(failure);
      assertEquals(db, "postgres", Deno.inspect(options));
      if ("host" in options) assertEquals(host, options.host);
    }
    // A statement that fails concerns no connection that could not be made.
    await using conn = await open();
    const wrong = await rejection(conn.execute("select nonsense"));
    assert(wrong instanceof PgError);
    assertEquals(wrong.pgconn, null);
  }),
);

Deno.test(
  "PgError.pgconn: of several attempts tells of the last one, of a timeout too",
  quiet(async () => {
    await using deaf = new ScriptedServer((session) => session.silence());
    const late = await rejection(openScripted(deaf, { connectTimeout: 0.2 }));
    assertError(late, { class: ConnectionTimeout });
    assertEquals(pgconnOf(late).port, deaf.port);
    assertEquals(pgconnOf(late).db, "test");
    const all = await rejection(
      open({ host: "127.0.0.1,127.0.0.2", port: "1,2", dbname: "somewhere" }),
    );
    const { host, port, db, errorMessage } = pgconnOf(all);
    assertEquals([host, port, db], ["127.0.0.2", 2, "somewhere"]);
    assertStringIncludes(errorMessage, "all 2 attempts failed");
  }),
);

Deno.test(
  "E1 PgError.pgconn: holds no secret, and is neither printed nor turned into JSON",
  quiet(async () => {
    const password = "s3cr3t-Wrong";
    const error = await rejection(open({ user: "pgts_scram", password }));
    const pgconn = pgconnOf(error);
    for (const shown of [error, pgconn]) {
      const options = { depth: 20, showHidden: true, getters: true };
      const text = Deno.inspect(shown, options) + JSON.stringify(shown);
      assert(!text.includes(password), text);
    }
    assert(!JSON.stringify(error).includes("pgconn"));
    assert(!Deno.inspect(error).includes("needsPassword"));
    assertEquals(structuredClone({ ...pgconn }), { ...pgconn });
  }),
);
