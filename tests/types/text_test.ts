import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import {
  type Adaptation,
  type Dumper,
  type DumperKey,
  type DumperLike,
  Format,
  type LoaderLike,
  type Registrar,
} from "../../types/adapt.ts";
import {
  checkText,
  registerText,
  StrBinaryDumper,
  StrDumper,
  StrDumperName,
  StrDumperUnknown,
  StrDumperVarchar,
  TextBinaryLoader,
  TextLoader,
} from "../../types/text.ts";

const encoder = new TextEncoder();

function inSession(encoding: string): Adaptation {
  const session = { encoding, parameterStatus: () => null };
  return { session } as unknown as Adaptation;
}

/** The bytes with noise around them, so that a loader that ignores the bounds fails. */
function framed(bytes: Uint8Array): [ReadBuffer, number, number] {
  const all = new Uint8Array(bytes.length + 2).fill(0x7a);
  all.set(bytes, 1);
  return [new ReadBuffer(all), 1, 1 + bytes.length];
}

function dumped(dumper: Dumper<string>, value: string): Uint8Array {
  const out = new WriteBuffer(4);
  dumper.dump(value, out);
  return out.written();
}

const DUMPERS = [
  StrDumperUnknown,
  StrDumper,
  StrDumperVarchar,
  StrDumperName,
  StrBinaryDumper,
];

Deno.test("TextLoader: strings of every length and kind", () => {
  const samples = [
    "",
    "a",
    "naïve",
    "日本語",
    "😀",
    "x".repeat(1000),
    "\uFEFFb",
  ];
  for (const Loader of [TextLoader, TextBinaryLoader]) {
    const loader = new Loader(25, inSession("UTF8"));
    for (const sample of samples) {
      assertEquals(loader.load(...framed(encoder.encode(sample))), sample);
    }
  }
  assertEquals(TextLoader.format, Format.TEXT);
  assertEquals(TextBinaryLoader.format, Format.BINARY);
  assert(TextBinaryLoader.twin === TextLoader);
});

Deno.test("ST-15 F17 TextLoader: invalid UTF-8 is a DataError, a real U+FFFD is not", () => {
  const bad = [[0xff], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xc0, 0x80]];
  for (const Loader of [TextLoader, TextBinaryLoader]) {
    const loader = new Loader(25, inSession("UTF8"));
    for (const bytes of bad) {
      for (const padding of [0, 1000]) {
        const value = new Uint8Array(padding + bytes.length).fill(0x61);
        value.set(bytes, padding);
        assertThrows(() => loader.load(...framed(value)), DataError, "UTF-8");
      }
    }
    assertEquals(loader.load(...framed(encoder.encode("\uFFFD"))), "\uFFFD");
  }
});

Deno.test("TextLoader: under SQL_ASCII a copy of the bytes", () => {
  const bytes = Uint8Array.of(0x61, 0xff, 0x80);
  for (const Loader of [TextLoader, TextBinaryLoader]) {
    const [source, start, end] = framed(bytes);
    const value = new Loader(25, inSession("SQL_ASCII")).load(
      source,
      start,
      end,
    );
    source.bytes.fill(0);
    assertEquals(value, bytes);
  }
});

Deno.test("TextLoader: sees the encoding change between two values", () => {
  const session = { encoding: "UTF8", parameterStatus: () => null };
  const loader = new TextLoader(25, { session } as unknown as Adaptation);
  const value = framed(encoder.encode("é"));
  assertEquals(loader.load(...value), "é");
  session.encoding = "SQL_ASCII";
  assertEquals(loader.load(...value), Uint8Array.of(0xc3, 0xa9));
});

Deno.test("StrDumper: types, formats and bytes", () => {
  const expected: [new () => Dumper<string>, number, Format][] = [
    [StrDumperUnknown, 0, Format.TEXT],
    [StrDumper, 25, Format.TEXT],
    [StrDumperVarchar, 1043, Format.TEXT],
    [StrDumperName, 19, Format.TEXT],
    [StrBinaryDumper, 25, Format.BINARY],
  ];
  for (const [Class, oid, format] of expected) {
    const dumper = new Class();
    assertEquals(dumper.oid, oid);
    assertEquals(dumper.format, format);
    for (const sample of ["", "a'b\\c", "日本", "😀".repeat(300)]) {
      assertEquals(dumped(dumper, sample), encoder.encode(sample));
      assertEquals(dumper.text(sample), sample);
    }
    assertEquals(dumper.quote("it's"), "'it''s'");
    assertEquals(dumper.quote("a\\'"), " E'a\\\\'''");
    assertEquals(dumper.quote(""), "''");
  }
});

Deno.test("ST-03 StrDumper: a lone surrogate or a NUL is a DataError everywhere", () => {
  const bad = ["\uddf8", "\ud800", "a\udc00b", "x".repeat(99) + "\ud83d", "\0"];
  for (const Class of DUMPERS) {
    const dumper: Dumper<string> = new Class();
    for (const value of [...bad, "a\0b"]) {
      assertThrows(() => dumped(dumper, value), DataError);
      assertThrows(() => dumper.text(value), DataError);
      assertThrows(() => dumper.quote(value), DataError);
    }
  }
  assertThrows(() => checkText("\udc00"), DataError, "surrogate");
  assertEquals(checkText("😀"), "😀");
});

Deno.test("registerText: the text dumper without a type is the last one", () => {
  const loaders: [number | string, LoaderLike][] = [];
  const dumpers: [DumperKey, DumperLike<never>][] = [];
  const map: Registrar = {
    registerLoader: (type, loader) => void loaders.push([type, loader]),
    registerDumper: (key, dumper) => void dumpers.push([key, dumper]),
  };
  registerText(map);
  assertEquals(dumpers, [
    ["string", StrBinaryDumper],
    ["string", StrDumperUnknown],
  ]);
  for (const oid of [25, 1043, 1042, 19, 705]) {
    assertEquals(
      loaders.filter(([type]) => type === oid).map(([, loader]) => loader),
      [TextLoader, TextBinaryLoader],
    );
  }
});
