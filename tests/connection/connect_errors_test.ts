import { assert } from "@std/assert";
import { connect, OperationalError } from "../../mod.ts";
import { InvalidCatalogName, InvalidPassword } from "../../errors/mod.ts";
import { testDsn } from "../support/database.ts";
import { assertError, open, quiet, rejection } from "./support.ts";

/** All that an error shows of itself. */
function shown(error: unknown): string {
  assert(error instanceof Error);
  const options = { depth: 20, showHidden: true };
  return [
    String(error),
    error.stack,
    Deno.inspect(error, options),
    JSON.stringify(error),
  ].join("\n");
}

Deno.test(
  "E1 connect: a wrong password is InvalidPassword by each method, and no error shows it",
  quiet(async () => {
    const secret = "s3cr3t-Wrong";
    for (const user of ["pgts_scram", "pgts_md5", "pgts_clear"]) {
      for (const password of [secret, () => Promise.resolve(secret)]) {
        const error = await rejection(open({ user, password }));
        assertError(error, {
          class: InvalidPassword,
          says: [`password authentication failed for user "${user}"`],
          sqlstate: "28P01",
          usable: false,
        });
        assert(!shown(error).includes(secret), shown(error));
      }
    }
    for (
      const dsn of [
        `${testDsn()} user=pgts_scram password=${secret} port=1`,
        `${testDsn()} user=pgts_scram password=${secret} port=x`,
        `${testDsn()} user=pgts_scram password='${secret}`,
        `postgresql://u:${secret}@127.0.0.1:99999/db`,
        `postgresql://u:${secret}@127.0.0.1:1/db`,
        `postgresql://u:${secret}@[::1/db`,
      ]
    ) {
      const error = await rejection(connect(dsn));
      assert(!shown(error).includes(secret), shown(error));
    }
  }),
);

Deno.test(
  "connect: what is wrong with the address is told apart",
  quiet(async () => {
    const cases = [
      {
        options: { host: "no-such-host.invalid" },
        class: OperationalError,
        says: ["Cannot connect", "no-such-host.invalid"],
        sqlstate: null,
        reached: false,
      },
      {
        options: { host: "127.0.0.1", port: 1 },
        class: OperationalError,
        says: ["127.0.0.1:1", "refused", "is the server running there?"],
        sqlstate: null,
        reached: false,
      },
      {
        options: { host: "/no/such/directory" },
        class: OperationalError,
        says: ["/no/such/directory/.s.PGSQL."],
        sqlstate: null,
        reached: false,
      },
      {
        options: { dbname: "no such database" },
        class: InvalidCatalogName,
        says: ['database "no such database" does not exist'],
        sqlstate: "3D000",
        reached: true,
      },
    ] as const;
    for (const { options, ...expected } of cases) {
      const error = await rejection(open(options));
      assertError(error, { ...expected, usable: false });
    }
  }),
);
