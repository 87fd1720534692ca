/**
 * The names of PostgreSQL's encodings and the codec of each. UTF-8 itself is in
 * `text.ts`; the codecs that work by tables are in the files beside this one and
 * make their tables when they are first asked for.
 *
 * @module
 */

import { DataError, NotSupportedError } from "../errors/base.ts";
import { Gb18030Codec } from "./encodings_gb18030.ts";
import { MultiByteCodec } from "./encodings_multi_byte.ts";
import { SingleByteCodec } from "./encodings_single_byte.ts";
import { MULTI_BYTE, SINGLE_BYTE } from "./encodings_sources.ts";
import { type TextCodec, UTF8 } from "./text.ts";

/** Encodings that PostgreSQL has and this platform cannot be trusted with. */
const UNREADABLE: readonly (readonly [string, string])[] = [
  ["EUC_TW", "euc-tw"],
  ["EUC_JIS_2004", "euc-jis-2004"],
  ["SHIFT_JIS_2004", "shift_jis-2004"],
  ["JOHAB", "johab"],
  ["MULE_INTERNAL", "mule-internal"],
];

/** SQL_ASCII: bytes to which the server gives no meaning. */
const SQL_ASCII: TextCodec = {
  encoding: "SQL_ASCII",
  label: "ascii",
  maxBytesPerUnit: UTF8.maxBytesPerUnit,

  decode(bytes, start, end) {
    if (!isAscii(bytes, start, end)) {
      throw new DataError(
        "Cannot decode text from the server: client_encoding is SQL_ASCII, which gives bytes above 127 no meaning, set it to the encoding that they are in",
      );
    }
    return UTF8.decode(bytes, start, end);
  },

  encodeInto: UTF8.encodeInto,
};

/** How the codec of each encoding is made, by PostgreSQL's name. */
const FACTORIES: ReadonlyMap<string, () => TextCodec> = new Map<
  string,
  () => TextCodec
>([
  ["UTF8", () => UTF8],
  ["SQL_ASCII", () => SQL_ASCII],
  ["GB18030", () => new Gb18030Codec()],
  ...SINGLE_BYTE.map((source) =>
    [source.encoding, () => new SingleByteCodec(source)] as const
  ),
  ...MULTI_BYTE.map((source) =>
    [source.encoding, () => new MultiByteCodec(source)] as const
  ),
  ...UNREADABLE.map(([encoding, label]) =>
    [encoding, () => unreadableCodec(encoding, label)] as const
  ),
]);

/** PostgreSQL's names by every name that it accepts, in lower case, without punctuation. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ...[...FACTORIES.keys()].map((name) => [clean(name), name] as const),
  ...Object.entries({
    SJIS: "mskanji shiftjis win932 windows932",
    GBK: "win936 windows936",
    UHC: "win949 windows949",
    BIG5: "win950 windows950",
    KOI8R: "koi8",
    UTF8: "unicode",
    WIN1251: "win",
    WIN1258: "abc tcvn tcvn5712 vscii",
    WIN866: "alt",
    LATIN1: "iso88591",
    LATIN2: "iso88592",
    LATIN3: "iso88593",
    LATIN4: "iso88594",
    LATIN5: "iso88599",
    LATIN6: "iso885910",
    LATIN7: "iso885913",
    LATIN8: "iso885914",
    LATIN9: "iso885915",
    LATIN10: "iso885916",
  }).flatMap(([name, aliases]) =>
    aliases.split(" ").map((alias) => [alias, name] as const)
  ),
  ...[866, 874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258].map(
    (page) => [`windows${page}`, `WIN${page}`] as const,
  ),
]);

const codecs = new Map<string, TextCodec>();

/**
 * The name that the server reports for an encoding.
 *
 * @param name A name of the encoding, in any of PostgreSQL's spellings: case and
 * punctuation do not matter.
 * @returns PostgreSQL's own name of it.
 * @throws {NotSupportedError} If PostgreSQL has no such encoding.
 */
export function canonicalEncodingName(name: string): string {
  const canonical = NAMES.get(clean(name));
  if (canonical === undefined) {
    throw new NotSupportedError(
      `Cannot use the encoding ${
        JSON.stringify(name)
      }: PostgreSQL has none of that name, use UTF8`,
    );
  }
  return canonical;
}

/**
 * The codec of an encoding.
 *
 * For an encoding that nobody here can read it returns a codec too, so that the
 * session stays in step with the server: that codec reads ASCII, as in command
 * tags, and throws a {@linkcode NotSupportedError} for everything else, queries
 * included.
 *
 * @param clientEncoding A name of the encoding, as in `client_encoding`.
 * @returns The codec, the same one each time.
 * @throws {NotSupportedError} If PostgreSQL has no such encoding.
 */
export function codecFor(clientEncoding: string): TextCodec {
  const name = canonicalEncodingName(clientEncoding);
  let codec = codecs.get(name);
  if (!codec) {
    codec = FACTORIES.get(name)?.() ?? UTF8;
    codecs.set(name, codec);
  }
  return codec;
}

/**
 * Whether text in an encoding is only bytes, which loaders of text then return
 * as they are.
 *
 * @param codec The codec of the session.
 * @returns Whether its encoding is SQL_ASCII.
 */
export function isByteEncoding(codec: TextCodec): boolean {
  return codec === SQL_ASCII;
}

/**
 * Whether text in an encoding can be read and written.
 *
 * @param codec The codec of the session.
 * @returns `false` for the codecs that throw on every query.
 */
export function isSupportedEncoding(codec: TextCodec): boolean {
  return !UNREADABLE.some(([encoding]) => encoding === codec.encoding);
}

function unreadableCodec(encoding: string, label: string): TextCodec {
  function refuse(): never {
    throw new NotSupportedError(
      `Cannot use the client_encoding ${encoding}: pgts cannot read or write it, use UTF8, which the server converts to and from it`,
    );
  }
  return {
    encoding,
    label,
    maxBytesPerUnit: 1,
    decode(bytes, start, end) {
      return isAscii(bytes, start, end)
        ? UTF8.decode(bytes, start, end)
        : refuse();
    },
    encodeInto: refuse,
  };
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at]! > 0x7f) return false;
  }
  return true;
}

function clean(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, "").toLowerCase();
}
