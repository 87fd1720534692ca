import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { type Adaptation, NO_SESSION } from "../../types/adapt.ts";
import { CharBinaryLoader } from "../../types/char.ts";
import { adapters } from "../../types/defaults.ts";
import { Transformer } from "../../types/transformer.ts";
import { open } from "../support/values.ts";

function loaderIn(encoding: string): CharBinaryLoader {
  const session = { encoding, parameterStatus: () => null };
  return new CharBinaryLoader(18, { session } as unknown as Adaptation);
}

function load(bytes: number[], encoding = "UTF8"): string | Uint8Array {
  const source = new ReadBuffer(Uint8Array.of(7, ...bytes, 7));
  return loaderIn(encoding).load(source, 1, 1 + bytes.length);
}

Deno.test("CharBinaryLoader: what the server writes as text", () => {
  assertEquals(load([0]), "");
  assertEquals(load([0x41]), "A");
  assertEquals(load([0x5c]), "\\");
  assertEquals(load([0x7f]), "\x7f");
  assertEquals(load([0x80]), "\\200");
  assertEquals(load([0xff]), "\\377");
  assertThrows(() => load([]), DataError);
  assertThrows(() => load([1, 2]), DataError);
  assertEquals(
    load([0x80], "SQL_ASCII"),
    new TextEncoder().encode("\\200"),
  );
  assert(!("twin" in CharBinaryLoader));
});

Deno.test('"char": every byte goes out as it came, other text is refused', () => {
  const dumper = new Transformer(adapters, NO_SESSION).getDumperByOid(18, "b");
  for (let byte = 0; byte < 256; byte++) {
    const out = new WriteBuffer(1);
    dumper.dump(load([byte]), out);
    assertEquals(out.written(), Uint8Array.of(byte));
  }
  for (const text of ["ab", "é", "\\400", "\\8", 5]) {
    assertThrows(() => dumper.dump(text, new WriteBuffer(1)), DataError);
  }
});

Deno.test('"char": COPY in text and binary', async () => {
  await using conn = await open();
  await conn.execute(
    'create temp table chars (n serial, v "char", a "char"[])',
  );
  // Servers before PostgreSQL 16 know no escapes.
  const wide = conn.info.serverVersion >= 160000 ? ["\\200", "\\377"] : [];
  const values = ["a", "\\", "'", " ", "", ...wide];
  for (const format of ["text", "binary"]) {
    await conn.copy(
      `copy chars (v, a) from stdin (format ${format})`,
      async (copy) => {
        copy.setTypes(["char", "char[]"]);
        for (const value of values) await copy.writeRow([value, [value, null]]);
      },
    );
  }
  const rows = values.map((value) => [value, [value, null]]);
  for (const binary of [false, true]) {
    const query = "select v, a from chars order by n";
    assertEquals(
      await conn.execute(query, undefined, { binary }).fetchAll(),
      [...rows, ...rows],
    );
  }
});
