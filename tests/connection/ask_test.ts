import { assertEquals, assertRejects } from "@std/assert";
import { askValue } from "../../connection/ask.ts";
import { openSession } from "../../connection/connector.ts";
import { closedError } from "../../connection/wire.ts";
import { PgError } from "../../errors/base.ts";
import * as backend from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";

const COLUMN = [{ name: "c", oid: 25 }];

/** What a question gives that a server answers with these messages. */
async function ask(...answer: Uint8Array[]): Promise<string | null> {
  await using server = new ScriptedServer(async (session) => {
    await session.startup();
    await session.expect("Q");
    await session.send(...answer, backend.readyForQuery());
    await session.silence();
  });
  const { wire } = await openSession(server.dsn, { sslMode: "disable" });
  try {
    return await askValue(wire, "SHOW something");
  } finally {
    await wire.close(closedError());
  }
}

const HEAD = backend.rowDescription(COLUMN);
const TAIL = backend.commandComplete("SHOW");

Deno.test("askValue: the text of the only value", async () => {
  assertEquals(await ask(HEAD, backend.dataRow(["on"]), TAIL), "on");
  assertEquals(await ask(HEAD, backend.dataRow([""]), TAIL), "");
  assertEquals(await ask(HEAD, backend.dataRow([null]), TAIL), null);
});

Deno.test("askValue: not exactly one row is no answer", async () => {
  const row = backend.dataRow(["on"]);
  assertEquals(await ask(HEAD, TAIL), null);
  assertEquals(await ask(HEAD, row, row, TAIL), null);
  assertEquals(await ask(TAIL), null);
  const none = [backend.rowDescription([]), backend.dataRow([])];
  assertEquals(await ask(...none, TAIL), null);
});

Deno.test("askValue: an error of the server is thrown", async () => {
  const error = backend.errorResponse({ code: "42704", message: "unknown" });
  const thrown = await assertRejects(() => ask(error), PgError, "unknown");
  assertEquals(thrown.sqlstate, "42704");
});
