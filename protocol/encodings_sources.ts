/**
 * What each encoding consists of, and where PostgreSQL and the platform see it
 * differently. Compared byte by byte with `convert_from()` of a server.
 *
 * @module
 */

import type { CellSource } from "./encodings_cells.ts";
import type { SingleByteSource } from "./encodings_single_byte.ts";

/** Encodings of one byte for each character, by PostgreSQL's name. */
export const SINGLE_BYTE: readonly SingleByteSource[] = [
  { encoding: "LATIN1", label: "iso8859-1", platform: null },
  iso("LATIN2", 2),
  iso("LATIN3", 3),
  iso("LATIN4", 4),
  {
    encoding: "LATIN5",
    label: "iso8859-9",
    platform: null,
    patches: new Map([
      [0xd0, "Ğ"],
      [0xdd, "İ"],
      [0xde, "Ş"],
      [0xf0, "ğ"],
      [0xfd, "ı"],
      [0xfe, "ş"],
    ]),
  },
  iso("LATIN6", 10),
  iso("LATIN7", 13),
  iso("LATIN8", 14),
  iso("LATIN9", 15),
  iso("LATIN10", 16),
  iso("ISO_8859_5", 5),
  iso("ISO_8859_6", 6),
  iso("ISO_8859_7", 7),
  iso("ISO_8859_8", 8),
  windows(1250),
  windows(1251),
  windows(1252),
  windows(1253),
  windows(1254),
  windows(1255, new Map([[0xca, ""]])),
  windows(1256),
  windows(1257),
  windows(1258),
  windows(874),
  { encoding: "WIN866", label: "ibm866", platform: "ibm866" },
  { encoding: "KOI8R", label: "koi8-r", platform: "koi8-r" },
  {
    encoding: "KOI8U",
    label: "koi8-u",
    platform: "koi8-u",
    patches: new Map([[0xae, "╝"], [0xbe, "╬"]]),
  },
];

/** Encodings of one to three bytes for each character. */
export const MULTI_BYTE: readonly CellSource[] = [
  {
    encoding: "EUC_JP",
    label: "euc-jp",
    platform: "euc-jp",
    maxBytes: 3,
    leads: [0x8e, 0xf8], // what follows is not in PostgreSQL's EUC_JP
    firstTrail: 0xa1,
    without: [[0xa237, 0xa237]],
    patches: [[0xa243, "￤"]],
  },
  {
    encoding: "EUC_CN",
    label: "gb2312",
    platform: "gbk",
    maxBytes: 2,
    leads: [0xa1, 0xf7],
    firstTrail: 0xa1,
    without: [
      [0xa2a1, 0xa2aa],
      [0xa2e3, 0xa2e3],
      [0xa6d9, 0xa6f5],
      [0xa8bb, 0xa8c0],
    ],
    patches: [[0xa1a4, "・"], [0xa1aa, "―"]],
  },
  {
    encoding: "EUC_KR",
    label: "euc-kr",
    platform: "euc-kr",
    maxBytes: 2,
    leads: [0xa1, 0xfe],
    firstTrail: 0xa1,
    patches: [[0xa2e8, "㉾"]],
  },
  {
    encoding: "UHC",
    label: "windows-949",
    platform: "euc-kr",
    maxBytes: 2,
    leads: [0x81, 0xfe],
    firstTrail: 0x40,
    patches: [[0xa2e8, "㉾"]],
  },
  {
    encoding: "SJIS",
    label: "shift_jis",
    platform: "shift_jis",
    maxBytes: 2,
    leads: [0x81, 0xfc],
    firstTrail: 0x40,
    singles: [0xa1, 0xdf],
  },
  {
    encoding: "GBK",
    label: "gbk",
    platform: "gbk",
    maxBytes: 2,
    leads: [0x81, 0xfe],
    firstTrail: 0x40,
    without: [
      [0xa2e3, 0xa2e3],
      [0xa3a0, 0xa3a0],
      [0xa6d9, 0xa6df],
      [0xa6ec, 0xa6ed],
      [0xa6f3, 0xa6f3],
      [0xa8bc, 0xa8bc],
      [0xa8bf, 0xa8bf],
      [0xa989, 0xa995],
      [0xfe50, 0xfea0],
    ],
    readOnly: [0x80, "€"],
  },
  {
    // The platform means Big5 with the additions of Hong Kong.
    encoding: "BIG5",
    label: "big5",
    platform: "big5",
    maxBytes: 2,
    leads: [0xa1, 0xf9],
    firstTrail: 0x40,
    without: [
      [0xa15a, 0xa15a],
      [0xa1c3, 0xa1c3],
      [0xa1c5, 0xa1c5],
      [0xa1fe, 0xa240],
      [0xa2cc, 0xa2cc],
      [0xa2ce, 0xa2ce],
      [0xa3c0, 0xa3e1],
      [0xc6a1, 0xc8fe],
      [0xf9dd, 0xf9fe],
    ],
    patches: [
      [0xa145, "\u2022"],
      [0xa14e, "\uFF64"],
      [0xa1c2, "\u203E"],
      [0xa1e3, "\u223C"],
      [0xa1f2, "\u2641\u2609"],
      [0xa241, "\uFF0F\uFF3C"],
      [0xa244, "\u00A5"],
      [0xa246, "\u00A2\u00A3"],
      [
        0xc6a1,
        "ヾゝゞ々" + span("ぁ", "ん") + span("ァ", "ヶ") +
        "ДЕЁЖЗИЙКЛМ" + span("У", "Я") + span("а", "е") + "ё" +
        span("ж", "я") + span("①", "⑩") + span("⑴", "⑽"),
      ],
    ],
  },
];

function iso(encoding: string, part: number): SingleByteSource {
  return { encoding, label: `iso8859-${part}`, platform: `iso-8859-${part}` };
}

function windows(
  page: number,
  patches: ReadonlyMap<number, string> = new Map(),
): SingleByteSource {
  const label = `windows-${page}`;
  return {
    encoding: `WIN${page}`,
    label,
    platform: label,
    withoutControls: true,
    patches,
  };
}

/** All characters from the first to the last. */
function span(first: string, last: string): string {
  let text = "";
  for (let code = first.charCodeAt(0); code <= last.charCodeAt(0); code++) {
    text += String.fromCharCode(code);
  }
  return text;
}
