import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, ProtocolError } from "../../errors/base.ts";
import { Engine } from "../../protocol/engine.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { UTF8 } from "../../protocol/text.ts";
import { bytes, concat, header, int32, message } from "../support/backend.ts";

const MiB = 1024 * 1024;

function engine(maxMessageSize?: number): Engine {
  return new Engine({
    flush() {},
    notice() {},
    notification() {},
    parameter() {},
    lost() {},
  }, maxMessageSize);
}

function body(buffer: ReadBuffer): Uint8Array {
  return buffer.bytes.slice(buffer.start, buffer.end);
}

Deno.test("ReadBuffer: steps over messages, whatever pieces they come in", () => {
  const sent = [
    message("D", bytes("first")),
    message("Z"),
    message("d", new Uint8Array(70_000).fill(7)),
    message("C", bytes("last")),
  ];
  const all = concat(...sent);
  for (const size of [1, 2, 3, 5, 4096, 65_536, all.length]) {
    const buffer = new ReadBuffer();
    const seen: Uint8Array[] = [];
    for (let at = 0; at < all.length; at += size) {
      buffer.push(all.subarray(at, at + size));
      while (buffer.nextMessage()) {
        const tag = String.fromCharCode(buffer.tag);
        seen.push(message(tag, body(buffer)));
      }
    }
    assertEquals(seen, sent, `pieces of ${size}`);
    assertEquals(buffer.unreadLength, 0);
  }
});

Deno.test("A1 ReadBuffer: lengths 0 to 3, and negative ones, close the connection", () => {
  for (const length of [0, 1, 2, 3, -1, -2147483648]) {
    const buffer = new ReadBuffer();
    buffer.push(header("D", length));
    assertThrows(() => buffer.nextMessage(), ProtocolError, `${length} bytes`);

    const lost: unknown[] = [];
    const whole = new Engine({
      flush() {},
      notice() {},
      notification() {},
      parameter() {},
      lost: (reason) => lost.push(reason),
    });
    whole.input.push(concat(header("N", length), new Uint8Array(20)));
    whole.receive();
    assert(whole.failure instanceof ProtocolError);
    assertEquals(lost, [whole.failure]);
  }
});

Deno.test("A5 ReadBuffer: 2 GiB are rejected from the header, without memory for them", () => {
  for (const length of [0x7fff_ffff, 0x4000_0005]) {
    const it = engine();
    const before = it.input.bytes.length;
    it.input.push(header("D", length));
    it.receive();
    assert(it.failure instanceof ProtocolError);
    assertEquals(it.input.bytes.length, before);
  }
  const allowed = engine(); // exactly the limit: the message may still come
  allowed.input.push(header("D", 0x4000_0004));
  allowed.receive();
  assertEquals(allowed.failure, null);
});

Deno.test("A5 ReadBuffer: the cap can be configured", () => {
  const capped = new ReadBuffer(undefined, 10);
  capped.push(message("D", new Uint8Array(10)));
  assert(capped.nextMessage());
  capped.push(header("D", 15));
  assertThrows(() => capped.nextMessage(), ProtocolError, "15 bytes");
  const it = engine(10);
  it.input.push(header("T", 15));
  it.receive();
  assert(it.failure instanceof ProtocolError);
});

Deno.test("ReadBuffer: a header that lies costs memory for what has come, not for what it says", () => {
  const buffer = new ReadBuffer();
  buffer.push(concat(header("D", 512 * MiB), new Uint8Array(10)));
  for (let i = 0; i < 20; i++) {
    assert(!buffer.nextMessage());
    buffer.region();
  }
  assert(buffer.bytes.length <= 64 * 1024, `${buffer.bytes.length}`);
  buffer.push(new Uint8Array(200_000));
  assert(!buffer.nextMessage());
  assert(buffer.bytes.length <= 1 * MiB, `${buffer.bytes.length}`);
});

Deno.test("ReadBuffer: grows for a large message, and shrinks when it is empty", () => {
  const buffer = new ReadBuffer();
  const large = Uint8Array.from({ length: 5 * MiB }, (_, i) => i * 7);
  buffer.push(message("D", large));
  assert(buffer.nextMessage());
  assertEquals(body(buffer), large);
  assert(buffer.bytes.length < 16 * MiB);
  buffer.push(header("C", 9)); // not empty while it is filled in
  assert(buffer.bytes.length <= 64 * 1024);
  buffer.push(bytes("tag!\0"));
  assert(buffer.nextMessage());
  assertEquals(body(buffer), bytes("tag!\0"));
});

Deno.test("ReadBuffer: memory up to 1 MiB is kept, the tail of a message is moved", () => {
  const buffer = new ReadBuffer();
  buffer.push(message("D", new Uint8Array(600_000)));
  assert(buffer.nextMessage());
  const size = buffer.bytes.length;
  const tail = message("D", Uint8Array.from({ length: 900 }, (_, i) => i));
  // Leave less than a region behind the tail, so that it has to move.
  buffer.push(concat(
    message("d", new Uint8Array(size - 10_000)),
    tail.subarray(0, 400),
  ));
  assert(buffer.nextMessage());
  assert(!buffer.nextMessage());
  buffer.push(tail.subarray(400));
  assertEquals(buffer.bytes.length, size);
  assert(buffer.nextMessage());
  assertEquals(body(buffer), tail.subarray(5));
});

Deno.test("ReadBuffer: region() never lends bytes that are still unread", () => {
  const buffer = new ReadBuffer();
  const sent = message("D", bytes("x".repeat(50)));
  let seen = 0;
  let at = 0;
  for (let i = 0; i < 5000; i++) {
    const region = buffer.region();
    const part = Math.min(37, region.length);
    for (let k = 0; k < part; k++) region[k] = sent[at++ % sent.length]!;
    buffer.filled(part);
    while (buffer.nextMessage()) {
      assertEquals(body(buffer), sent.subarray(5));
      seen++;
    }
  }
  assertEquals(seen, Math.floor(5000 * 37 / sent.length));
});

Deno.test("ReadBuffer: primitive reads stop at the end of the message", () => {
  const reads: [string, number, (buffer: ReadBuffer) => unknown, unknown][] = [
    ["uint8", 1, (buffer) => buffer.uint8(), 255],
    ["int16", 2, (buffer) => buffer.int16(), -2],
    ["int32", 4, (buffer) => buffer.int32(), -2],
    ["uint32", 4, (buffer) => buffer.uint32(), 4294967294],
    ["copy", 3, (buffer) => buffer.copy(3), Uint8Array.of(255, 255, 254)],
  ];
  for (const [name, size, read, expected] of reads) {
    const content = new Uint8Array(size).fill(255);
    if (size > 1) content[size - 1] = 254;
    for (let length = 0; length <= size; length++) {
      const buffer = new ReadBuffer();
      buffer.push(concat(
        message("D", content.subarray(0, length)),
        message("D", new Uint8Array(20).fill(1)),
      ));
      assert(buffer.nextMessage());
      if (length < size) {
        assertThrows(() => read(buffer), ProtocolError, "too early", name);
      } else {
        assertEquals(read(buffer), expected, name);
        buffer.expectEnd();
      }
    }
  }
  const buffer = new ReadBuffer();
  buffer.push(message("D", int32(1)));
  buffer.nextMessage();
  assertThrows(() => buffer.copy(-1), ProtocolError);
  assertThrows(() => buffer.expectEnd(), ProtocolError, "4 bytes too many");
});

Deno.test("ReadBuffer: a string without an end does not run into the next message", () => {
  const buffer = new ReadBuffer();
  buffer.push(
    concat(message("C", bytes("endless")), message("Z", bytes("\0"))),
  );
  buffer.nextMessage();
  assertThrows(() => buffer.cstring(), ProtocolError, "no end");
  const stale = new ReadBuffer();
  stale.push(message("C", bytes("abc\0")));
  stale.nextMessage();
  stale.push(message("C", bytes("x"))); // the old zero byte lies behind it
  stale.nextMessage();
  assertThrows(() => stale.cstring(), ProtocolError, "no end");
  const empty = new ReadBuffer();
  empty.push(message("C"));
  empty.nextMessage();
  assertThrows(() => empty.cstring(), ProtocolError, "no end");
});

Deno.test("ReadBuffer: peek, takeByte and unread look before the messages", () => {
  const buffer = new ReadBuffer();
  assertEquals([buffer.peek(), buffer.takeByte()], [null, null]);
  buffer.push(bytes("NZ"));
  assertEquals([buffer.peek(), buffer.peek()], [78, 78]);
  assertEquals(buffer.takeByte(), 78);
  assertEquals(buffer.unread(), bytes("Z"));
  assertEquals(buffer.unreadLength, 1);
});

const CHARACTERS = ["a", "é", "€", "😀"];

Deno.test("UTF8.decode: every length class of characters of 1 to 4 bytes", () => {
  for (const character of CHARACTERS) {
    for (
      const count of [0, 1, 11, 12, 47, 48, 63, 64, 85, 127, 128, 256, 9000]
    ) {
      const text = character.repeat(count);
      const content = concat(bytes("<"), bytes(text), bytes(">"));
      assertEquals(UTF8.decode(content, 1, content.length - 1), text);
    }
  }
});

Deno.test("UTF8.decode: a byte order mark and U+FFFD are text like any other", () => {
  for (const length of [0, 40, 300]) {
    for (const mark of ["\uFEFF", "\uFFFD", "\uFFFDx\uFEFF\uFFFD"]) {
      const text = mark + "x".repeat(length) + mark;
      const content = bytes(text);
      assertEquals(UTF8.decode(content, 0, content.length), text);
    }
  }
});

Deno.test("UTF8.decode: invalid bytes are a DataError at every length", () => {
  const wrong = [
    [0x80],
    [0xff],
    [0xc0, 0x80], // overlong
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80], // a surrogate
    [0xf4, 0x90, 0x80, 0x80], // above U+10FFFF
    [0xe2, 0x82], // cut
    [0xf0, 0x9f, 0x98],
  ];
  for (const sequence of wrong) {
    for (const length of [0, 1, 46, 47, 48, 49, 200, 252, 256, 300, 5000]) {
      for (const at of new Set([0, length >> 1, length])) {
        const content = concat(
          new Uint8Array(at).fill(0x61),
          Uint8Array.from(sequence),
          new Uint8Array(length - at).fill(0x61),
        );
        assertThrows(
          () => UTF8.decode(content, 0, content.length),
          DataError,
          "not valid UTF-8",
          `${sequence} at ${at} of ${length}`,
        );
      }
    }
  }
});
