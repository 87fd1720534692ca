import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { type DumperKey, Format, type Registrar } from "../../types/adapt.ts";
import {
  ByteaBinaryDumper,
  ByteaBinaryLoader,
  ByteaDumper,
  ByteaLoader,
  type Bytes,
  registerBytea,
} from "../../types/bytea.ts";

const encoder = new TextEncoder();
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

function framed(bytes: Uint8Array): [ReadBuffer, number, number] {
  const all = new Uint8Array(bytes.length + 2).fill(0x61);
  all.set(bytes, 1);
  return [new ReadBuffer(all), 1, 1 + bytes.length];
}

function loadText(text: string, loader = new ByteaLoader()): Uint8Array {
  return loader.load(...framed(encoder.encode(text)));
}

/** What the server writes with bytea_output = escape. */
function escape(bytes: Uint8Array): string {
  return Array.from(
    bytes,
    (byte) =>
      byte === 0x5c
        ? "\\\\"
        : byte < 0x20 || byte > 0x7e
        ? `\\${byte.toString(8).padStart(3, "0")}`
        : String.fromCharCode(byte),
  ).join("");
}

function sample(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => at * 7 + length);
}

Deno.test("ByteaLoader: the hex format in both cases and all sizes", () => {
  const loader = new ByteaLoader();
  for (const length of [0, 1, 31, 63, 64, 65, 1024, 1025, 70_000, 200_001]) {
    const bytes = sample(length);
    const hex = bytes.toHex();
    assertEquals(loadText(`\\x${hex}`, loader), bytes);
    assertEquals(loadText(`\\x${hex.toUpperCase()}`, loader), bytes);
  }
  assertEquals(loadText("\\x00fF00"), Uint8Array.of(0, 255, 0));
});

Deno.test("ByteaLoader: malformed hex is a DataError", () => {
  const bad = ["\\x0", "\\xg0", "\\x0g", "\\x 0", "\\xé0", "\\X00"];
  for (const text of bad) {
    assertThrows(() => loadText(text), DataError, "bytea");
  }
  for (const length of [40, 400, 140_000]) {
    for (const at of [0, length - 1]) {
      const digits = "0".repeat(at) + "g" + "0".repeat(length - at - 1);
      assertThrows(() => loadText(`\\x${digits}`), DataError, "hex format");
    }
  }
});

Deno.test("X2-12 ByteaLoader: the escape format, octal and mixed", () => {
  assertEquals(loadText(""), new Uint8Array(0));
  assertEquals(loadText("abc"), encoder.encode("abc"));
  assertEquals(
    loadText("a\\\\b\\000\\377c"),
    Uint8Array.of(97, 92, 98, 0, 255, 99),
  );
  assertEquals(loadText("\\\\x00"), encoder.encode("\\x00"));
  assertEquals(loadText("\\\\\\\\"), encoder.encode("\\\\"));
  assertEquals(loadText(escape(EVERY_BYTE)), EVERY_BYTE);
  const octal = Array.from(
    EVERY_BYTE,
    (byte) => `\\${byte.toString(8).padStart(3, "0")}`,
  );
  assertEquals(loadText(octal.join("")), EVERY_BYTE);
});

Deno.test("ByteaLoader: a malformed escape is a DataError", () => {
  const bad = [
    "\\",
    "a\\",
    "\\0",
    "\\00",
    "\\400",
    "\\080",
    "\\008",
    "\\a00",
    "\\0/0",
    "\\\\\\",
  ];
  for (const text of bad) {
    assertThrows(() => loadText(text), DataError, "escape format");
  }
});

Deno.test("ByteaBinaryLoader: the bytes, equal to the text loader's", () => {
  const loader = new ByteaBinaryLoader();
  for (const length of [0, 1, 32, 256, 1024, 1025, 70_000]) {
    const bytes = sample(length);
    const value = loader.load(...framed(bytes));
    assertEquals(value, bytes);
    assertEquals(value, loadText(`\\x${bytes.toHex()}`));
  }
  assert(ByteaBinaryLoader.twin === ByteaLoader);
});

Deno.test("ByteaLoader: values alias neither the buffer nor each other", () => {
  for (const Class of [ByteaLoader, ByteaBinaryLoader]) {
    const loader = new Class();
    const values: Uint8Array[] = [];
    const expected: Uint8Array[] = [];
    for (let length = 0; length < 1100; length += 3) {
      const bytes = sample(length);
      const wire = Class.format === Format.TEXT
        ? encoder.encode(`\\x${bytes.toHex()}`)
        : bytes;
      const [source, start, end] = framed(wire);
      values.push(loader.load(source, start, end));
      expected.push(bytes);
      source.bytes.fill(0xee);
    }
    assertEquals(values, expected);
    for (const value of values) {
      assert(value.byteOffset % 8 === 0);
      assert(value.buffer.byteLength <= Math.max(16 * 1024, value.length));
      value.fill(0);
    }
    // What is loaded later does not land where an earlier value is.
    const later = loader.load(...framed(encoder.encode("\\x0102")));
    assert(later.length > 0 && values.every((value) => !value.includes(1)));
  }
});

Deno.test("ByteaLoader: the first value has a buffer of its own", () => {
  const loader = new ByteaBinaryLoader();
  assertEquals(loader.load(...framed(sample(5))).buffer.byteLength, 5);
});

Deno.test("ByteaLoader: survives the transfer of a shared buffer", () => {
  const loader = new ByteaBinaryLoader();
  loader.load(...framed(sample(5)));
  for (const length of [5, 0, 9]) {
    const value = loader.load(...framed(sample(length)));
    structuredClone(value, { transfer: [value.buffer] });
    assertEquals(loader.load(...framed(sample(length))), sample(length));
  }
});

Deno.test("ByteaDumper: every kind of bytes, and only the part that is meant", () => {
  const bytes = Uint8Array.of(0, 1, 0x5c, 0x27, 255);
  const whole = Uint8Array.of(9, ...bytes, 9);
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  const kinds: Bytes[] = [
    bytes,
    whole.subarray(1, 6),
    Buffer.from(bytes),
    bytes.slice().buffer,
    shared,
    new Uint8Array(shared),
    new DataView(whole.buffer, 1, 5),
  ];
  for (const value of kinds) {
    const out = new WriteBuffer(1);
    new ByteaBinaryDumper().dump(value, out);
    assertEquals(out.written(), bytes);
    const hex = new WriteBuffer(1);
    new ByteaDumper().dump(value, hex);
    assertEquals(hex.written(), encoder.encode("\\x00015c27ff"));
    for (const dumper of [new ByteaDumper(), new ByteaBinaryDumper()]) {
      assertEquals(dumper.oid, 17);
      assertEquals(dumper.text(value), "\\x00015c27ff");
      // E'' reads the same under both settings of standard_conforming_strings.
      assertEquals(dumper.quote(value), " E'\\\\x00015c27ff'::bytea");
    }
  }
});

Deno.test("ByteaDumper: empty is empty, transferred memory is a DataError", () => {
  for (const dumper of [new ByteaDumper(), new ByteaBinaryDumper()]) {
    assertEquals(dumper.text(new Uint8Array(0)), "\\x");
    assertEquals(dumper.text(new ArrayBuffer(0)), "\\x");
    assertEquals(dumper.quote(new Uint8Array(0)), " E'\\\\x'::bytea");
    for (
      const make of [
        (buffer: ArrayBuffer) => new Uint8Array(buffer),
        (buffer: ArrayBuffer) => new DataView(buffer),
        (buffer: ArrayBuffer) => buffer,
      ]
    ) {
      const buffer = new ArrayBuffer(4);
      const value = make(buffer);
      buffer.transfer();
      const out = new WriteBuffer();
      assertThrows(() => dumper.dump(value, out), DataError, "memory is gone");
      assertThrows(() => dumper.text(value), DataError, "memory is gone");
    }
  }
});

Deno.test("ByteaLoader, ByteaDumper: the same where the runtime has no hex", async () => {
  const prototype = Uint8Array.prototype;
  const { setFromHex, toHex } = prototype;
  const bytes = sample(3000);
  const hex = bytes.toHex();
  const bare = prototype as Partial<typeof prototype>;
  let without: typeof import("../../types/bytea.ts");
  try {
    delete bare.setFromHex;
    delete bare.toHex;
    without = await import(`../../types/bytea.ts?${"without-hex"}`);
    assertEquals(new without.ByteaDumper().text(bytes), `\\x${hex}`);
    assertEquals(loadText(`\\x${hex}`, new without.ByteaLoader()), bytes);
    assertThrows(
      () => loadText(`\\x${hex}0g`, new without.ByteaLoader()),
      DataError,
    );
  } finally {
    Object.defineProperties(prototype, {
      setFromHex: { value: setFromHex, writable: true, configurable: true },
      toHex: { value: toHex, writable: true, configurable: true },
    });
  }
});

Deno.test("registerBytea: binary comes last, other typed arrays do not come", () => {
  const last = new Map<DumperKey, unknown>();
  const map: Registrar = {
    registerLoader: () => {},
    registerDumper: (key, dumper) => void last.set(key, dumper),
  };
  registerBytea(map);
  assertEquals(
    [...last],
    [Uint8Array, ArrayBuffer, SharedArrayBuffer, DataView].map(
      (key) => [key, ByteaBinaryDumper],
    ),
  );
});
