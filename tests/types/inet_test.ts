import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { Format } from "../../types/adapt.ts";
import {
  CidrBinaryDumper,
  CidrBinaryLoader,
  CidrDumper,
  CidrLoader,
  InetBinaryDumper,
  InetBinaryLoader,
  InetDumper,
  InetLoader,
} from "../../types/inet.ts";
import { Cidr, Inet } from "../../types/inet_value.ts";
import { Range } from "../../types/range_value.ts";

const encoder = new TextEncoder();

/** The bytes between others, so that a loader that ignores its bounds is seen. */
function framed(bytes: Uint8Array): [ReadBuffer, number, number] {
  const all = new Uint8Array(bytes.length + 2).fill(0x31);
  all.set(bytes, 1);
  return [new ReadBuffer(all), 1, 1 + bytes.length];
}

Deno.test("Inet: the address in the form of the server, whatever form it had", () => {
  const forms: [string, string][] = [
    ["10.1.2.3", "10.1.2.3"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255/32", "255.255.255.255"],
    ["10.1.2.3/0", "10.1.2.3/0"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["0:0:0:0:0:0:0:0/128", "::"],
    ["2001:0DB8:0:0:0:0:0:0001/64", "2001:db8::1/64"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:0:2:3:0:0:4", "1::2:3:0:0:4"],
    ["1:2:3:4:5:6:0:8", "1:2:3:4:5:6:0:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
    ["::ffff:102:304", "::ffff:1.2.3.4"],
    ["::1.2.3.4", "::1.2.3.4"],
    ["::1:2", "::0.1.0.2"],
    ["::2", "::2"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ];
  for (const [text, canonical] of forms) {
    assertEquals(String(new Inet(text)), canonical, text);
    assertEquals(String(new Inet(canonical)), canonical);
  }
});

Deno.test("Inet: parts, JSON, bytes, and a prefix of its own", () => {
  const inet = new Inet("10.1.2.3", 24);
  assertEquals({ ...inet }, { address: "10.1.2.3", prefix: 24, family: 4 });
  assertEquals(inet.isHost, false);
  assertEquals(inet.bytes(), Uint8Array.of(10, 1, 2, 3));
  assertEquals(JSON.stringify({ inet }), '{"inet":"10.1.2.3/24"}');
  assert(Object.isFrozen(inet));
  assertEquals(new Inet(Uint8Array.of(10, 1, 2, 3), 24), inet);
  const host = new Inet("::1");
  assertEquals({ ...host }, { address: "::1", prefix: 128, family: 6 });
  assertEquals(host.isHost, true);
  assertEquals(new Inet(host.bytes()), host);
});

Deno.test("Inet and Cidr: what is no address is a DataError that does not repeat it", () => {
  const addresses = [
    "",
    "secret",
    "10",
    "10.1.2",
    "10.1.2.",
    ".1.2.3",
    "10..2.3",
    "10.1.2.3.4",
    "10.1.2.256",
    "10.1.2.03",
    "10.1.2.0x3",
    "10.1.2.-3",
    " 10.1.2.3",
    "10.1.2.3\n",
    "10.1.2.3 ",
    ":",
    ":::",
    ":1",
    "1:",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "1:2:3:4::5:6:7:8",
    "12345::",
    "::g",
    "::1%eth0",
    "[::1]",
    "::1.2.3",
    "::1.2.3.4.5",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::٣",
    "\u0661.1.1.1",
  ];
  const prefixes = ["", "-1", "+1", "33", "032", "1.5", "8/8", "x", "8 "];
  for (const Class of [Inet, Cidr]) {
    for (const text of addresses) {
      const error = assertThrows(
        () => new Class(text),
        DataError,
        "no IPv4",
        text,
      );
      assert(!error.message.includes("secret"));
      assertThrows(() => new Class(`${text}/0`), DataError, "no IPv4", text);
    }
    for (const prefix of prefixes) {
      assertThrows(() => new Class(`0.0.0.0/${prefix}`), DataError, "prefix");
    }
    assertThrows(() => new Class("::/129"), DataError, "128");
    assertThrows(() => new Class("0.0.0.0/8", 8), DataError);
    for (const prefix of [-1, 33, 1.5, NaN]) {
      assertThrows(() => new Class("0.0.0.0", prefix), DataError, "prefix");
    }
    for (const length of [0, 3, 5, 15, 17]) {
      assertThrows(() => new Class(new Uint8Array(length)), DataError);
    }
  }
  assertThrows(() => new Cidr("10.1.2.3/24"), DataError, "right of the prefix");
  assertThrows(() => new Cidr("2001:db8::1/127"), DataError, "right");
});

Deno.test("Inet and Cidr: networks, what is in them, and what is equal", () => {
  const inet = new Inet("10.1.2.3/20");
  assertEquals(inet.network, new Cidr("10.1.0.0/20"));
  assertEquals(new Inet("10.1.2.3").network, new Cidr("10.1.2.3/32"));
  assertEquals(new Inet("10.1.2.3/0").network, new Cidr("0.0.0.0/0"));
  assertEquals(
    new Inet("2001:db8:ffff::1/35").network,
    new Cidr("2001:db8:e000::/35"),
  );
  const network = new Cidr("10.1.0.0/20");
  assertEquals(String(network), "10.1.0.0/20");
  assertEquals(JSON.stringify([network]), '["10.1.0.0/20"]');
  assertEquals(String(new Cidr("10.1.2.3")), "10.1.2.3/32");
  for (const inside of [inet, network, new Inet("10.1.15.255")]) {
    assertEquals(network.contains(inside), true, String(inside));
  }
  for (
    const outside of [
      new Inet("10.1.16.0"),
      new Cidr("10.1.0.0/19"),
      new Inet("::10.1.0.1"),
    ]
  ) assertEquals(network.contains(outside), false, String(outside));
  assertEquals(new Cidr("::/0").contains(new Inet("::1")), true);

  assertEquals(inet.equals(new Inet("10.1.2.3/20")), true);
  const others = [
    new Inet("10.1.2.3/21"),
    new Inet("10.1.2.4/20"),
    "10.1.2.3/20",
    null,
  ];
  for (const other of others) assertEquals(inet.equals(other), false);
  assertEquals(new Inet("10.0.0.0/8").equals(new Cidr("10.0.0.0/8")), false);
});

Deno.test("Inet.compare: ranges of addresses know what is in them", () => {
  const range = new Range(new Inet("10.0.0.9"), new Inet("10.0.0.100"));
  assertEquals(range.contains(new Inet("10.0.0.10")), true);
  assertEquals(range.contains(new Inet("10.0.0.100")), false);
  assertEquals(range.contains(new Inet("10.0.0.8")), false);
});

Deno.test("loaders of inet and cidr: malformed text and bytes are a DataError", () => {
  const v4 = [2, 24, 0, 4, 10, 1, 2, 0];
  const v6 = [3, 64, 0, 16, ...Array(16).fill(0)];
  const bytes = [
    [],
    [2],
    v4.slice(0, 4),
    v4.slice(0, 7),
    [...v4, 0],
    [4, ...v4.slice(1)],
    [3, ...v4.slice(1)],
    [2, 33, ...v4.slice(2)],
    [2, 255, ...v4.slice(2)],
    [2, 24, 0, 16, ...v4.slice(4)],
    v6.slice(0, 19),
    [...v6, 0],
    [2, ...v6.slice(1)],
    [3, 129, ...v6.slice(2)],
    [3, 64, 0, 4, ...v6.slice(4)],
  ];
  for (const loader of [new InetBinaryLoader(), new CidrBinaryLoader()]) {
    for (const each of bytes) {
      const [source, start, end] = framed(Uint8Array.from(each));
      assertThrows(() => loader.load(source, start, end), DataError);
    }
  }
  for (const loader of [new InetLoader(), new CidrLoader()]) {
    for (const text of ["", "10.1.2", "10.1.2.3/33", "::1é", "10.1.2.3/24 "]) {
      const [source, start, end] = framed(encoder.encode(text));
      assertThrows(() => loader.load(source, start, end), DataError);
    }
  }
  const host = Uint8Array.of(2, 24, 1, 4, 10, 1, 2, 3);
  assertThrows(
    () => new CidrBinaryLoader().load(...framed(host)),
    DataError,
    "right of the prefix",
  );
  assertEquals(
    new InetBinaryLoader().load(...framed(Uint8Array.from(v6))),
    new Inet("::/64"),
  );
  assert(InetBinaryLoader.twin === InetLoader);
  assert(CidrBinaryLoader.twin === CidrLoader);
});

Deno.test("X2-10 Inet: the literal, and both formats", () => {
  const inet = new Inet("192.168.1.0/24");
  const cases = [
    [InetDumper, inet, "192.168.1.0/24", "inet", 869, [2, 24, 0, 4]],
    [InetBinaryDumper, inet, "192.168.1.0/24", "inet", 869, [2, 24, 0, 4]],
    [CidrDumper, inet.network, "192.168.1.0/24", "cidr", 650, [2, 24, 1, 4]],
    [
      CidrBinaryDumper,
      inet.network,
      "192.168.1.0/24",
      "cidr",
      650,
      [2, 24, 1, 4],
    ],
  ] as const;
  for (const [Class, value, text, type, oid, header] of cases) {
    const dumper = new Class();
    assertEquals(dumper.quote(value), `'${text}'::${type}`);
    assertEquals(dumper.text(value), text);
    assertEquals(dumper.oid, oid);
    const out = new WriteBuffer(1);
    out.uint8(7);
    dumper.dump(value, out);
    assertEquals(
      out.written().slice(1),
      Class.format === Format.TEXT
        ? encoder.encode(text)
        : Uint8Array.of(...header, 192, 168, 1, 0),
    );
    // Values of a column that is to become this type may be strings.
    assertEquals(dumper.text(text), text);
    assertThrows(() => dumper.text("10.1.2.3/33"), DataError);
  }
});
