import { assertEquals, assertThrows } from "@std/assert";
import {
  connect,
  DataError,
  escapeBytea,
  escapeIdentifier,
  escapeLiteral,
  escapeString,
  unescapeBytea,
  version,
} from "../../mod.ts";
import config from "../../deno.json" with { type: "json" };
import { testDsn } from "../support/database.ts";

const TEXTS = [
  "",
  "plain",
  "O'Hara",
  '"',
  "\\",
  "\\' --",
  "a\nb",
  "ä€😀",
  "%s $1",
];

Deno.test("escapeLiteral, escapeIdentifier, escapeString: the server reads them as what they were", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  for (const text of TEXTS) {
    const { pgconn } = conn;
    for (const setting of ["on", "off"]) {
      await pgconn.exec(`set standard_conforming_strings = ${setting}`);
      const result = await pgconn.exec(`select${escapeLiteral(text)}`);
      assertEquals(new TextDecoder().decode(result.getValue(0, 0)!), text);
    }
    await pgconn.exec("set standard_conforming_strings = on");
    const plain = await pgconn.exec(`select '${escapeString(text)}'`);
    assertEquals(new TextDecoder().decode(plain.getValue(0, 0)!), text);
    if (text === "") continue;
    const named = await pgconn.exec(`select 1 as ${escapeIdentifier(text)}`);
    assertEquals(named.fname(0), text);
  }
  for (const escape of [escapeLiteral, escapeIdentifier, escapeString]) {
    assertThrows(() => escape("a\0b"), DataError, "NUL");
    assertThrows(() => escape("\ud800"), DataError, "surrogate");
  }
});

Deno.test("escapeBytea, unescapeBytea: every byte, in both formats of the server", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const { pgconn } = conn;
  const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
  for (const format of ["hex", "escape"]) {
    await pgconn.exec(`set bytea_output = ${format}`);
    const result = await pgconn.exec(`select '${escapeBytea(bytes)}'::bytea`);
    const text = new TextDecoder().decode(result.getValue(0, 0)!);
    assertEquals(unescapeBytea(text), bytes, format);
  }
  assertEquals(escapeBytea(new Uint8Array()), "\\x");
  assertEquals(unescapeBytea("\\x"), new Uint8Array());
  assertThrows(() => unescapeBytea("\\x0"), DataError);
  assertThrows(() => unescapeBytea("\\9"), DataError);
});

Deno.test("version: that of the package", () => {
  assertEquals(version, config.version);
});
