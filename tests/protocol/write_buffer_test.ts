import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../errors/base.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { bytes, concat, cstring, int16, int32 } from "../support/backend.ts";

const MiB = 1024 * 1024;

Deno.test("WriteBuffer: numbers are big-endian", () => {
  const out = new WriteBuffer();
  out.uint8(0x1ff);
  out.int16(-2);
  out.int16(0xffff);
  out.int32(-2);
  out.int32(4294967295);
  out.int64(-2n);
  out.float32(-1.5);
  out.float64(-1.5);
  assertEquals(
    out.written(),
    // deno-fmt-ignore
    Uint8Array.of(
      0xff, 0xff, 0xfe, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
      0xbf, 0xc0, 0, 0, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0,
    ),
  );
});

Deno.test("WriteBuffer: lengths of messages are patched in, themselves included", () => {
  const out = new WriteBuffer(1);
  out.beginMessage(0x51);
  out.cstring("é");
  out.endMessage();
  out.beginUntaggedMessage();
  out.int32(9);
  out.endMessage();
  out.beginMessage(0x53);
  out.endMessage();
  assertEquals(
    out.written(),
    // deno-fmt-ignore
    Uint8Array.of(
      0x51, 0, 0, 0, 7, 0xc3, 0xa9, 0,
      0, 0, 0, 8, 0, 0, 0, 9,
      0x53, 0, 0, 0, 4,
    ),
  );
});

Deno.test("WriteBuffer: values nest, each with its own length", () => {
  const out = new WriteBuffer(2);
  out.beginMessage(0x42);
  const outer = out.beginValue();
  out.int16(1);
  const inner = out.beginValue();
  out.text("xyz");
  out.endValue(inner);
  const empty = out.beginValue();
  out.endValue(empty);
  out.endValue(outer);
  out.endMessage();
  assertEquals(
    out.written(),
    concat(
      Uint8Array.of(0x42),
      int32(4 + 4 + 2 + 4 + 3 + 4),
      int32(2 + 4 + 3 + 4),
      int16(1),
      int32(3),
      bytes("xyz"),
      int32(0),
    ),
  );
});

Deno.test("WriteBuffer: nullValue takes back what was written for the value", () => {
  const out = new WriteBuffer();
  out.uint8(1);
  const at = out.beginValue();
  out.raw(new Uint8Array(100_000).fill(7));
  out.nullValue(at);
  out.uint8(2);
  assertEquals(out.written(), Uint8Array.of(1, 255, 255, 255, 255, 2));
});

Deno.test("WriteBuffer: rollback forgets a message that was begun", () => {
  const out = new WriteBuffer(8);
  out.beginMessage(0x51);
  out.cstring("kept");
  out.endMessage();
  const mark = out.length;
  const kept = out.written().slice();
  out.beginMessage(0x42);
  out.text("x".repeat(50_000));
  out.rollback(mark);
  assertEquals(out.written(), kept);
  out.beginMessage(0x53);
  out.endMessage();
  assertEquals(out.written(), concat(kept, Uint8Array.of(0x53, 0, 0, 0, 4)));
});

Deno.test("WriteBuffer: every write makes room at every point of the memory", () => {
  const writes: [(out: WriteBuffer) => void, number][] = [
    [(out) => out.uint8(1), 1],
    [(out) => out.int16(1), 2],
    [(out) => out.int32(1), 4],
    [(out) => out.int64(1n), 8],
    [(out) => out.float32(1), 4],
    [(out) => out.float64(1), 8],
    [(out) => out.raw(new Uint8Array(33)), 33],
    [(out) => out.text("€€€"), 9],
    [(out) => out.cstring("abc"), 4],
    [(out) => out.beginMessage(1), 5],
    [(out) => out.beginUntaggedMessage(), 4],
    [(out) => void out.beginValue(), 4],
  ];
  for (const [write, size] of writes) {
    for (let used = 0; used <= 64; used++) {
      const out = new WriteBuffer(64);
      out.raw(new Uint8Array(used).fill(0xab));
      write(out);
      assertEquals(out.length, used + size);
      assert(out.bytes.length >= out.length);
      assertEquals(out.view.buffer, out.bytes.buffer);
      assert(out.written().subarray(0, used).every((byte) => byte === 0xab));
    }
  }
});

Deno.test("WriteBuffer: growth keeps what is written; clear gives large memory back", () => {
  const out = new WriteBuffer();
  const expected = Uint8Array.from({ length: 3 * MiB }, (_, i) => i * 31);
  for (let at = 0; at < expected.length; at += 1000) {
    out.raw(expected.subarray(at, at + 1000));
  }
  assertEquals(out.written(), expected);
  assert(out.bytes.length <= 8 * MiB);
  out.clear();
  assertEquals([out.length, out.bytes.length], [0, 16 * 1024]);
  out.raw(new Uint8Array(500_000));
  const { length } = out.bytes;
  out.clear();
  assertEquals(out.bytes.length, length); // up to 1 MiB it is kept
});

Deno.test("WriteBuffer: more than 1 GiB is a DataError before memory is taken", () => {
  const out = new WriteBuffer();
  out.uint8(1);
  assertThrows(() => out.reserve(0x4000_0000), DataError, "1 GiB");
  assertEquals(out.bytes.length, 16 * 1024);
  out.uint8(2);
  assertEquals(out.written(), Uint8Array.of(1, 2));
});

const LENGTHS = [0, 1, 46, 47, 48, 49, 100, 5000, 70_000];
const CHARACTERS = ["a", "é", "€", "😀"];

Deno.test("WriteBuffer.text: every length class of characters of 1 to 4 bytes", () => {
  for (const character of CHARACTERS) {
    for (const length of LENGTHS) {
      const text = character.repeat(Math.ceil(length / character.length));
      const out = new WriteBuffer(16);
      out.uint8(1);
      out.text(text);
      out.uint8(2);
      assertEquals(out.written(), concat(bytes("\x01" + text + "\x02")));
    }
  }
});

Deno.test("WriteBuffer.text: one character that is not ASCII, at every place", () => {
  for (const character of CHARACTERS) {
    for (const length of [1, 46, 47, 48, 49, 60]) {
      for (let at = 0; at < length; at++) {
        const text = "x".repeat(at) + character + "y".repeat(length - at - 1);
        const out = new WriteBuffer(4);
        out.cstring(text);
        assertEquals(out.written(), cstring(text));
      }
    }
  }
});

Deno.test("WriteBuffer.text: NUL and lone surrogates are refused, nothing is kept of them", () => {
  const wrong: [string, string][] = [
    ["\0", "NUL"],
    ["\ud800", "surrogate"],
    ["\udc00", "surrogate"],
    ["\udc00\ud800", "surrogate"],
  ];
  for (const [bad, reason] of wrong) {
    for (const length of LENGTHS) {
      for (const at of new Set([0, length >> 1, length])) {
        const text = "x".repeat(at) + bad + "x".repeat(length - at);
        const out = new WriteBuffer();
        out.uint8(1);
        const error = assertThrows(() => out.text(text), DataError, reason);
        assertEquals(out.length, 1, "length");
        assert(!error.message.includes("xxx"));
      }
    }
  }
});
