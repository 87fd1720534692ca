import { assert, assertEquals } from "@std/assert";
import { DataError, PgError, sql } from "../../mod.ts";
import { DivisionByZero, InvalidPassword } from "../../errors/mod.ts";
import { testServer } from "../support/database.ts";
import { assertError, open, quiet, rejection } from "./support.ts";

Deno.test(
  "changePassword: sessions that are open go on, new ones with the old password fail with one attempt each",
  quiet(async () => {
    const user = "pgts_scram";
    const { host, port } = testServer();
    await using admin = await open();
    const sessions = await Promise.all(
      Array.from({ length: 3 }, () => open({ user, password: "scram pass" })),
    );
    try {
      await admin.changePassword(user, "another one");
      let asked = 0;
      const password = () => {
        asked++;
        return "scram pass";
      };
      const started = performance.now();
      const failures = await Promise.all(
        Array.from({ length: 5 }, () =>
          rejection(
            // A second host that would do is not tried with a password that was refused.
            open({ user, password, host: `${host},${host}`, port: `${port}` }),
          )),
      );
      for (const failure of failures) {
        const error = assertError(failure, {
          class: InvalidPassword,
          sqlstate: "28P01",
          usable: false,
        });
        assert(!("errors" in error), "more than one attempt");
      }
      assertEquals(asked, 5);
      assert(performance.now() - started < 3000);
      for (const conn of sessions) {
        const row = await conn.execute("select session_user as name")
          .fetchOne();
        assertEquals(row?.name, user);
      }
      await using fresh = await open({ user, password: "another one" });
      assertEquals(fresh.info.usedPassword, true);
    } finally {
      await admin.changePassword(user, "scram pass");
      for (const conn of sessions) await conn.close();
    }
  }),
);

Deno.test(
  "E5 errors: hold no parameters, whatever part of a statement failed",
  quiet(async () => {
    const secret = "s3cr3t value";
    await using conn = await open();
    const cases = [
      [conn.execute("select %s, 1 / %s", [secret, 0]), DivisionByZero],
      [
        conn.execute(
          "select %(a)s::text, %(b)s::text",
          { a: secret, b: "\ud800" },
        ),
        DataError,
      ],
      [
        conn.execute(sql`select ${secret}::text, ${0}::int / 0`),
        DivisionByZero,
      ],
      [
        conn.pipeline((p) => p.execute("select %s, 1 / %s", [secret, 0])),
        DivisionByZero,
      ],
    ] as const;
    for (const [promise, errorClass] of cases) {
      const error = await rejection(promise);
      assert(error instanceof PgError, Deno.inspect(error));
      assertEquals(error.constructor.name, errorClass.name);
      const options = { depth: 20, showHidden: true, getters: true };
      const shown = [
        Deno.inspect(error, options),
        JSON.stringify(error),
        String(error.stack),
      ].join("\n");
      assert(!shown.includes(secret), shown);
    }
  }),
);
