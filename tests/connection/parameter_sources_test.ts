/**
 * Where the parameters of a connection come from when nobody gives them: a
 * service, the environment.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  connect,
  type ConnectOptions,
  type DictRow,
  OperationalError,
} from "../../mod.ts";
import { testServer } from "../support/database.ts";
import { type Files, inHome } from "./environment.ts";
import { assertError, quiet, rejection } from "./support.ts";

const PASSWORD = "scram pass";
const { host, port } = testServer();

Deno.test(
  "CONN-31 connect: a service, by parameter and by PGSERVICE; one that is not there or nested is an error",
  quiet(async () => {
    const service = [
      "[other]",
      "port=1",
      "# where our server is",
      "[ours]",
      `host=${host}`,
      `port=${port}`,
      "dbname=postgres",
      "user=pgts_scram",
      `password=${PASSWORD}`,
      "[nested]",
      "service=ours",
    ].join("\n");
    const files: Files = { ".pg_service.conf": [service, 0o644] };
    const who = async (
      conninfo: string,
      options: ConnectOptions<DictRow> = {},
    ) => {
      await using conn = await connect(conninfo, options);
      const query = "select session_user as u, current_database() as d";
      const { u, d } = await conn.execute(query).fetchOne() ?? {};
      return [u, d];
    };
    await inHome(files, {}, async () => {
      assertEquals(await who("service=ours"), ["pgts_scram", "postgres"]);
      const options = { service: "ours", dbname: "template1" };
      assertEquals(await who("", options), ["pgts_scram", "template1"]);
      assertEquals(await who("postgres://postgres@/?service=ours"), [
        "postgres",
        "postgres",
      ]);
      for (const name of ["nowhere", "nested"]) {
        assertError(await rejection(connect({ service: name, host, port })), {
          class: OperationalError,
          says: ["service"],
        });
      }
    });
    await inHome(files, { PGSERVICE: "ours" }, async () => {
      assertEquals(await who(""), ["pgts_scram", "postgres"]);
    });
    const elsewhere: Files = { "elsewhere": [service, 0o600] };
    const variables = { PGSERVICE: "ours", PGSERVICEFILE: "~/elsewhere" };
    await inHome(elsewhere, variables, async () => {
      assertEquals(await who(""), ["pgts_scram", "postgres"]);
    });
    const system: Files = { "pg_service.conf": [service, 0o600] };
    await inHome(system, { PGSYSCONFDIR: "~" }, async () => {
      assertEquals(await who("service=ours"), ["pgts_scram", "postgres"]);
    });
  }),
);

Deno.test(
  "B18 connect: options before the string, the service, the environment; what cannot be read is absent",
  quiet(async () => {
    const set = (name: string) => `'-c pgts.${name}=1'`;
    const service = [
      "[ours]",
      "application_name=service",
      `options=-c pgts.service=1`,
      `user=postgres`,
      `dbname=template1`,
    ].join("\n");
    const variables = {
      PGSERVICE: "ours",
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: "nobody",
      PGDATABASE: "nowhere",
      PGAPPNAME: "environment",
      PGTZ: "Asia/Kolkata",
    };
    const told = async (
      conninfo: string,
      options: ConnectOptions<DictRow> = {},
    ) => {
      await using conn = await connect(conninfo, options);
      const query =
        "select current_database() as db, session_user as role, current_setting('application_name') as app, current_setting('pgts.service', true) as service, current_setting('TimeZone') as zone";
      return await conn.execute(query).fetchOne();
    };
    const files: Files = { ".pg_service.conf": [service, 0o600] };
    const base = {
      db: "template1",
      role: "postgres",
      app: "service",
      service: "1",
      zone: "Asia/Kolkata",
    };
    await inHome(files, variables, async () => {
      assertEquals(await told(""), base);
      const text = `application_name=text dbname=postgres`;
      assertEquals(await told(text), { ...base, db: "postgres", app: "text" });
      assertEquals(
        await told(`${text} options=${set("own")}`, {
          applicationName: "object",
        }),
        { ...base, db: "postgres", app: "object", service: null },
      );
    });
    // A file that cannot be read is as good as none: the next one counts.
    await inHome(
      { ...files, ".pg_service.conf": ["", 0o200] },
      { ...variables, PGSYSCONFDIR: "~/etc" },
      async (home) => {
        if (Deno.uid() === 0) {
          await Deno.truncate(`${home}/.pg_service.conf`, 3 * 2 ** 30);
        }
        await Deno.mkdir(`${home}/etc`);
        await Deno.writeTextFile(`${home}/etc/pg_service.conf`, service);
        assertEquals(await told(""), base);
      },
    );
    const { PGSERVICE: _service, ...rest } = variables;
    const login = { PGUSER: "postgres", PGDATABASE: "postgres" };
    await inHome(files, { ...rest, ...login }, async () => {
      assertEquals(await told(""), {
        ...base,
        db: "postgres",
        app: "environment",
        service: null,
      });
    });
  }),
);
