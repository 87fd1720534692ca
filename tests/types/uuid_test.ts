import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { Format } from "../../types/adapt.ts";
import {
  Uuid,
  UuidBinaryDumper,
  UuidBinaryLoader,
  UuidDumper,
  UuidLoader,
} from "../../types/uuid.ts";

const ID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
const HEX = ID.replaceAll("-", "");
const encoder = new TextEncoder();

function framed(bytes: Uint8Array): [ReadBuffer, number, number] {
  const all = new Uint8Array(bytes.length + 2).fill(0x61);
  all.set(bytes, 1);
  return [new ReadBuffer(all), 1, 1 + bytes.length];
}

function loadText(text: string): string {
  return new UuidLoader().load(...framed(encoder.encode(text)));
}

function loadBinary(bytes: Uint8Array): string {
  return new UuidBinaryLoader().load(...framed(bytes));
}

Deno.test("UuidLoader: the canonical form, whatever form is sent", () => {
  assertEquals(loadText(ID), ID);
  assertEquals(loadText(ID.toUpperCase()), ID);
  assertEquals(loadText(HEX), ID);
  assertEquals(loadText(`{${ID}}`), ID);
});

Deno.test("UuidLoader: malformed text is a DataError", () => {
  const bad = [
    "",
    ID.slice(1),
    ID + "0",
    ID.replace("a", "g"),
    ID.replace("-", "0"),
    ID.slice(0, 7) + "-0" + ID.slice(9),
    ID.slice(0, 35) + "\u00e9",
  ];
  for (const text of bad) {
    assertThrows(() => loadText(text), DataError, "uuid");
  }
});

Deno.test("UuidBinaryLoader: all byte values, equal to the text form", () => {
  for (let round = 0; round < 256; round++) {
    const bytes = Uint8Array.from({ length: 16 }, (_, at) => round + at * 17);
    const value = loadBinary(bytes);
    assertEquals(loadText(value), value);
    assertEquals(new Uint8Array(bytes).toHex(), value.replaceAll("-", ""));
  }
  assertEquals(loadBinary(Uint8Array.fromHex(HEX)), ID);
  assert(UuidBinaryLoader.twin === UuidLoader);
});

Deno.test("UuidBinaryLoader: a wrong length is a DataError", () => {
  for (const length of [0, 15, 17]) {
    assertThrows(() => loadBinary(new Uint8Array(length)), DataError, "16");
  }
});

Deno.test("Uuid: braces, no hyphens, other groups and upper case", () => {
  const forms = [
    ID,
    ID.toUpperCase(),
    HEX,
    `{${ID}}`,
    `{${HEX.toUpperCase()}}`,
    "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
    "a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11",
  ];
  for (const form of forms) assertEquals(new Uuid(form).value, ID);
  const id = new Uuid(HEX);
  assertEquals(`${id}`, ID);
  assertEquals(JSON.stringify({ id }), `{"id":"${ID}"}`);
});

Deno.test("Uuid: malformed text is a DataError that does not repeat it", () => {
  const bad = [
    "",
    "secret",
    `{${ID}`,
    `${ID}}`,
    `{{${ID}}}`,
    ` ${ID}`,
    `${ID}\n`,
    `${ID}-`,
    `-${ID}`,
    HEX.slice(0, 31),
    HEX + "0",
    "a-0eebc999c0b4ef8bb6d6bb9bd380a11",
    "a0ee--bc99-9c0b-4ef8-bb6d-6bb9bd380a11",
  ];
  for (const text of bad) {
    const error = assertThrows(() => new Uuid(text), DataError);
    assert(!error.message.includes("secret"));
  }
});

Deno.test("UuidDumper: both formats, the literal and the text", () => {
  const value = new Uuid(ID.toUpperCase());
  for (const Class of [UuidDumper, UuidBinaryDumper]) {
    const dumper = new Class();
    const out = new WriteBuffer(1);
    out.uint8(7);
    dumper.dump(value, out);
    assertEquals(
      out.written().slice(1),
      Class.format === Format.TEXT
        ? encoder.encode(ID)
        : Uint8Array.fromHex(HEX),
    );
    assertEquals(dumper.oid, 2950);
    assertEquals(dumper.text(value), ID);
    assertEquals(dumper.quote(value), `'${ID}'::uuid`);
  }
});
