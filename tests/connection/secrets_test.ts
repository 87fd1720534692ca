import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type Connection } from "../../mod.ts";
import { UndefinedTable } from "../../errors/mod.ts";
import { testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  assertError,
  open,
  openScripted,
  quiet,
  rejection,
  serveOnes,
} from "./support.ts";

/** All that something shows of itself. */
function shown(value: unknown): string {
  const options = { depth: 20, showHidden: true, getters: true };
  return [
    String(value),
    value instanceof Error ? value.stack : "",
    Deno.inspect(value, options),
    Deno.inspect({ inside: [value] }, options),
    JSON.stringify(value),
    JSON.stringify(
      Object.entries(value as object),
      (_, one) => typeof one === "bigint" ? String(one) : one,
    ),
  ].join("\n");
}

Deno.test(
  "E1 connection: neither it, its info nor its errors show the password or the key to cancel with",
  quiet(async () => {
    const password = "s3cr3t-Word";
    const check = async (conn: Connection) => {
      const errors = [
        await conn.execute("select * from no_such_table").catch((e) => e),
        await rejection(conn.cancelSafe({ timeout: -1 })),
      ].filter((error) => error instanceof Error);
      for (const value of [conn, conn.info, ...errors]) {
        const text = shown(value);
        assert(!text.includes(password), text);
        assert(!text.includes("16909060"), text);
        assert(!/\b1, 2, 3, 4\b/.test(text), text);
      }
      assertEquals(Object.keys(conn.info), []);
      for (const name in conn.info) assert(!/password|secret/i.test(name));
    };
    await using server = new ScriptedServer(serveOnes);
    const scripted = await openScripted(server, { password });
    assertEquals(scripted.info.password, password);
    assertEquals(scripted.info.secretKey, 16909060);
    await check(scripted);
    await scripted.close();
    await check(scripted);
    assertMatch(shown(scripted), /<Connection \[BAD\] \(host=/);
    await using real = await open({ password });
    await check(real);
    assertError(await rejection(real.execute("select * from no_such_table")), {
      class: UndefinedTable,
    });
  }),
);

Deno.test(
  "E7 info.password: what was given as text, and nothing of what a function gave",
  quiet(async () => {
    const login = { user: "pgts_scram" };
    const known = "scram pass";
    await using text = await connect(testDsn(), { ...login, password: known });
    assertEquals([text.info.password, text.info.usedPassword], [known, true]);
    await using called = await connect(testDsn(), {
      ...login,
      password: () => Promise.resolve(known),
    });
    assertEquals([called.info.password, called.info.usedPassword], ["", true]);
    assert(!shown(called).includes(known) && !shown(text).includes(known));
  }),
);
