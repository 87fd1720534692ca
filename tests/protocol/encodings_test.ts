import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { DataError, NotSupportedError } from "../../errors/base.ts";
import {
  canonicalEncodingName,
  codecFor,
  isByteEncoding,
  isSupportedEncoding,
} from "../../protocol/encodings.ts";
import { type TextCodec, UTF8 } from "../../protocol/text.ts";

/**
 * For each encoding: how many characters above ASCII it has, and the start of
 * the SHA-256 of `hexBytes=character\n` for each of them in order of the bytes,
 * from `convert_from()` of PostgreSQL 15. Left out are the characters for
 * private use of UHC and what GB18030 changed in 2022.
 */
const RECORDED: readonly (readonly [string, number, string])[] = [
  ["LATIN1", 128, "5102884eddb93390"],
  ["LATIN2", 128, "179dd4e6510a78fa"],
  ["LATIN3", 121, "66c1b6b59af61662"],
  ["LATIN4", 128, "dd3373e947d76b9b"],
  ["LATIN5", 128, "5b047b376c9ae068"],
  ["LATIN6", 128, "eaa3e9b7ca725fc1"],
  ["LATIN7", 128, "3215122d330e1e36"],
  ["LATIN8", 128, "4c43e1ade2455774"],
  ["LATIN9", 128, "65728c06d1a2cd0f"],
  ["LATIN10", 128, "67080e81633ec696"],
  ["WIN1250", 123, "c10c40abed846c35"],
  ["WIN1251", 127, "c322b698ed2fc7fb"],
  ["WIN1252", 123, "4ebaeeab6d806830"],
  ["WIN1253", 111, "81da23dda3c50ce9"],
  ["WIN1254", 121, "67e118dc74f913a4"],
  ["WIN1255", 105, "3148bdba875f5680"],
  ["WIN1256", 128, "e938d0c5fdeb9725"],
  ["WIN1257", 116, "aed197003c0d322c"],
  ["WIN1258", 119, "f3a7dcd881da3c6f"],
  ["WIN866", 128, "4de6fe4fa86cef59"],
  ["WIN874", 97, "ee42d24e792a8701"],
  ["KOI8R", 128, "0fd4a3ad08d83cb1"],
  ["KOI8U", 128, "e8aa9676efa96e40"],
  ["ISO_8859_5", 128, "2ab64c738ec6ba76"],
  ["ISO_8859_6", 83, "143dd1d760b5d9c1"],
  ["ISO_8859_7", 125, "2e5ba9d5216b1517"],
  ["ISO_8859_8", 92, "d001b8fbcc36c37c"],
  ["SJIS", 7787, "f34e2a954c112fa5"],
  ["GBK", 21791, "ee9a2813a7a90487"],
  ["GB18030", 23921, "d69d3817526df35e"],
  ["UHC", 17049, "9f257627075bf8a1"],
  ["EUC_JP", 13197, "8e52b1c16e92f824"],
  ["BIG5", 13710, "fa20011b75fb2355"],
  ["EUC_KR", 8227, "d300bcfbe2c7f605"],
  ["EUC_CN", 7445, "7adbad12280d8e8d"],
];

function decode(codec: TextCodec, bytes: readonly number[]): string {
  // Bytes around it, so that the bounds count.
  const all = Uint8Array.from([0xff, 0xff, ...bytes, 0xff]);
  return codec.decode(all, 2, 2 + bytes.length);
}

function encode(codec: TextCodec, text: string): number[] {
  const out = new Uint8Array(text.length * codec.maxBytesPerUnit + 2).fill(7);
  const count = codec.encodeInto(text, out, 2);
  assertEquals([out[0], out[1]], [7, 7]);
  assert(count <= text.length * codec.maxBytesPerUnit);
  return [...out.subarray(2, 2 + count)];
}

function character(codec: TextCodec, bytes: readonly number[]): string | null {
  try {
    const text = decode(codec, bytes);
    return [...text].length === 1 ? text : null;
  } catch (error) {
    assert(error instanceof DataError, `${error}`);
    return null;
  }
}

function* sequences(codec: TextCodec): Generator<number[]> {
  for (let lead = 0x80; lead < 0x100; lead++) {
    yield [lead];
    if (codec.maxBytesPerUnit === 1) continue;
    for (let trail = 0x31; trail < 0x100; trail++) {
      if (codec.maxBytesPerUnit === 3 && lead === 0x8f && trail >= 0xa0) {
        for (let last = 0x21; last < 0x100; last++) yield [lead, trail, last];
      } else yield [lead, trail];
    }
  }
}

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

for (const [name, count, digest] of RECORDED) {
  Deno.test(`codecFor ${name}: has the characters of the server and writes each back`, async () => {
    const codec = codecFor(name);
    let found = 0;
    let listing = "";
    for (const bytes of sequences(codec)) {
      const text = character(codec, bytes);
      if (text === null) continue;
      if (name === "GBK" && text === "€") continue; // read only
      found++;
      listing += `${hex(bytes)}=${text}\n`;
      assertEquals(decode(codec, encode(codec, text)), text);
    }
    const hash = new Uint8Array(
      await crypto.subtle.digest("SHA-256", new TextEncoder().encode(listing)),
    );
    assertEquals(found, count);
    assertEquals(hex([...hash.subarray(0, 8)]), digest);
    const ascii = String.fromCharCode(...Array(128).keys());
    assertEquals(encode(codec, ascii), [...Array(128).keys()]);
    assertEquals(decode(codec, [...Array(128).keys()]), ascii);
  });
}

Deno.test("codecFor: a character per byte sequence is written as it was read", () => {
  for (const [name] of RECORDED) {
    const codec = codecFor(name);
    if (codec.maxBytesPerUnit > 1) continue;
    for (let byte = 0; byte < 0x100; byte++) {
      const text = character(codec, [byte]);
      if (text !== null) assertEquals(encode(codec, text), [byte]);
    }
  }
});

Deno.test("codecFor GB18030: all of Unicode but the disputed characters", () => {
  const codec = codecFor("GB18030");
  const refused: number[] = [];
  const seen = new Set<string>();
  for (let code = 0; code < 0x110000; code += code < 0x11000 ? 1 : 97) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const text = String.fromCodePoint(code);
    try {
      const bytes = encode(codec, text);
      assertEquals(decode(codec, bytes), text);
      seen.add(hex(bytes));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      refused.push(code);
      continue;
    }
  }
  assertEquals(refused.length, 38);
  assertEquals(seen.size, 0x11000 - 0x800 - 38 + Math.ceil(0xff000 / 97));
  assertEquals(encode(codec, "\u{10000}"), [0x90, 0x30, 0x81, 0x30]);
  assertEquals(encode(codec, "\u{10ffff}"), [0xe3, 0x32, 0x9a, 0x35]);
  assertEquals(encode(codec, "\uffff"), [0x84, 0x31, 0xa4, 0x39]);
  assertEquals(encode(codec, "\u0080"), [0x81, 0x30, 0x81, 0x30]);
  // Either edition of the standard gives these another meaning.
  for (const bytes of [[0xa6, 0xd9], [0xa8, 0xbc], [0x81, 0x35, 0xf4, 0x37]]) {
    assertThrows(() => decode(codec, bytes), DataError, "GB18030");
  }
  for (
    const bytes of [
      [0x81],
      [0x81, 0x30],
      [0x81, 0x30, 0x81],
      [0x81, 0x30, 0x81, 0x3a],
      [0x81, 0x30, 0x7f, 0x30],
      [0x84, 0x31, 0xa5, 0x30],
      [0xe3, 0x32, 0x9a, 0x36],
      [0xfe, 0x39, 0xfe, 0x39],
      [0x80],
      [0xff],
    ]
  ) assertThrows(() => decode(codec, bytes), DataError, "GB18030");
});

Deno.test("codecFor: a character cut in two or bytes that mean nothing are a DataError", () => {
  const cases: [string, number[]][] = [
    ["EUC_JP", [0xc6]],
    ["EUC_JP", [0xc6, 0x41]],
    ["EUC_JP", [0x8f]],
    ["EUC_JP", [0x8f, 0xb0]],
    ["EUC_JP", [0x8f, 0xb0, 0x21]],
    ["EUC_JP", [0x8f, 0x30, 0xa1]],
    ["EUC_JP", [0xb0, 0x21]],
    ["SJIS", [0x93]],
    ["SJIS", [0xf0, 0x40]],
    ["SJIS", [0x80]],
    ["EUC_KR", [0x81, 0x41]],
    ["EUC_CN", [0x81, 0x40]],
    ["GBK", [0xff]],
    ["BIG5", [0x87, 0x40]],
    ["WIN1252", [0x81]],
    ["WIN1255", [0xca]],
    ["LATIN3", [0xa5]],
  ];
  for (const [name, bytes] of cases) {
    const codec = codecFor(name);
    const error = assertThrows(
      () => decode(codec, [0x61, ...bytes]),
      DataError,
      name,
    );
    assert(!error.message.includes("\uFFFD"));
  }
});

Deno.test("codecFor: LATIN9 has the euro sign in both directions, LATIN1 has not", () => {
  const latin9 = codecFor("latin9");
  assertEquals(encode(latin9, "10 €"), [0x31, 0x30, 0x20, 0xa4]);
  assertEquals(decode(latin9, [0xa4]), "€");
  const latin1 = codecFor("latin1");
  const error = assertThrows(
    () => encode(latin1, "secret €"),
    DataError,
    "U+20AC",
  );
  assertMatch(error.message, /LATIN1/);
  assert(!error.message.includes("secret"));
  // Not windows-1252, which the platform takes for Latin-1.
  assertEquals(decode(latin1, [0x80]), "\u0080");
});

Deno.test("codecFor: LATIN5 is ISO 8859-9, not windows-1254", () => {
  const codec = codecFor("LATIN5");
  assertEquals(decode(codec, [0xd0, 0xfd, 0x80]), "Ğı\u0080");
  assertThrows(() => encode(codec, "ð"), DataError, "U+00F0");
});

Deno.test("codecFor: EUC_JP takes one to three bytes", () => {
  const codec = codecFor("EUC_JP");
  const text = "a日ｱ丂髙①";
  const bytes = encode(codec, text);
  assertEquals(hex(bytes), "61c6fc8eb18fb0a18ff4fbada1");
  assertEquals(decode(codec, bytes), text);
});

Deno.test("codecFor: the server's idea wins where the platform has another", () => {
  assertEquals(decode(codecFor("KOI8U"), [0xae, 0xbe]), "╝╬");
  assertEquals(decode(codecFor("EUC_CN"), [0xa1, 0xa4, 0xa1, 0xaa]), "・―");
  assertEquals(decode(codecFor("BIG5"), [0xa1, 0x45, 0xc7, 0xa1]), "•ョ");
  assertEquals(decode(codecFor("UHC"), [0xa2, 0xe8]), "㉾");
  assertEquals(decode(codecFor("GBK"), [0x80]), "€");
  assertThrows(() => encode(codecFor("GBK"), "€"), DataError, "U+20AC");
});

Deno.test("codecFor: long text is whole on both ways", () => {
  for (const name of ["LATIN9", "SJIS", "GB18030"]) {
    const codec = codecFor(name);
    const text = (name === "LATIN9" ? "é€x" : "日本x").repeat(5000);
    const bytes = Uint8Array.from(encode(codec, text));
    assertEquals(codec.decode(bytes, 0, bytes.length), text);
    assertEquals(codec.decode(bytes, 1, 1), "");
  }
});

Deno.test("codecFor: surrogates name the code point, or that they are alone", () => {
  for (const name of ["LATIN1", "EUC_JP"]) {
    assertThrows(() => encode(codecFor(name), "😀"), DataError, "U+1F600");
  }
  for (const name of ["LATIN1", "EUC_JP", "GB18030", "SQL_ASCII"]) {
    for (const text of ["\ud83d", "\ude00", "\ude00\ud83d", "\ud83dx"]) {
      assertThrows(() => encode(codecFor(name), text), DataError, "surrogate");
    }
  }
});

Deno.test("ST-13 canonicalEncodingName: knows the spellings of psycopg2", () => {
  assertEquals(canonicalEncodingName("utf-8"), "UTF8");
  assertEquals(canonicalEncodingName("uTf-8"), "UTF8");
  assertEquals(canonicalEncodingName("latin9"), "LATIN9");
  assertEquals(canonicalEncodingName("iso8859-15"), "LATIN9");
});

Deno.test("canonicalEncodingName: knows every alias of the server", () => {
  const aliases =
    "abc=WIN1258 alt=WIN866 euc_cn=EUC_CN euc-jis-2004=EUC_JIS_2004 euckr=EUC_KR iso-8859-1=LATIN1 " +
    "iso885910=LATIN6 iso_8859_13=LATIN7 iso885914=LATIN8 iso885916=LATIN10 iso88592=LATIN2 " +
    "iso88595=ISO_8859_5 iso88599=LATIN5 koi8=KOI8R koi8-u=KOI8U mskanji=SJIS Shift_JIS=SJIS " +
    "shiftjis2004=SHIFT_JIS_2004 SQLASCII=SQL_ASCII tcvn=WIN1258 tcvn5712=WIN1258 unicode=UTF8 " +
    "vscii=WIN1258 win=WIN1251 win932=SJIS windows936=GBK win949=UHC windows-950=BIG5 " +
    "windows1252=WIN1252 windows-866=WIN866 windows874=WIN874 gb18030=GB18030 mule_internal=MULE_INTERNAL";
  for (const pair of aliases.split(" ")) {
    const [alias = "", name] = pair.split("=");
    assertEquals(canonicalEncodingName(alias), name);
  }
  for (const name of ["", "ascii", "cp1252", "klingon", "__proto__"]) {
    assertThrows(() => canonicalEncodingName(name), NotSupportedError, "UTF8");
    assertThrows(() => codecFor(name), NotSupportedError);
  }
});

Deno.test("codecFor: labels and names as info.encoding shows them", () => {
  const shown = ["utf_8", "eucjp", "euc-jp", "latin9", "SQL_ASCII"].map(
    (name) => [codecFor(name).encoding, codecFor(name).label],
  );
  assertEquals(shown, [
    ["UTF8", "utf-8"],
    ["EUC_JP", "euc-jp"],
    ["EUC_JP", "euc-jp"],
    ["LATIN9", "iso8859-15"],
    ["SQL_ASCII", "ascii"],
  ]);
  assert(codecFor("Unicode") === UTF8);
  assert(codecFor("eucjp") === codecFor("EUC_JP"));
});

Deno.test("codecFor: what nobody can read throws NotSupportedError when used, ASCII replies excepted", () => {
  for (
    const name of [
      "EUC_TW",
      "EUC_JIS_2004",
      "SHIFT_JIS_2004",
      "JOHAB",
      "MULE_INTERNAL",
    ]
  ) {
    const codec = codecFor(name);
    assertEquals(codec.encoding, name);
    assertEquals(isSupportedEncoding(codec), false);
    assertThrows(() => encode(codec, "select 1"), NotSupportedError, name);
    assertThrows(() => decode(codec, [0xa4, 0xa1]), NotSupportedError, "UTF8");
    assertEquals(decode(codec, [0x53, 0x45, 0x54]), "SET");
  }
  assertEquals(isSupportedEncoding(UTF8), true);
});

Deno.test("isByteEncoding: SQL_ASCII reads ASCII, sends UTF-8, guesses nothing", () => {
  const codec = codecFor("sql_ascii");
  assert(isByteEncoding(codec));
  assert(!isByteEncoding(UTF8));
  assertEquals(decode(codec, [0x61, 0x7f]), "a\x7f");
  assertThrows(() => decode(codec, [0xc3, 0xa9]), DataError, "SQL_ASCII");
  assertEquals(encode(codec, "é"), [0xc3, 0xa9]);
});
