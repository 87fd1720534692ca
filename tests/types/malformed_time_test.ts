/**
 * Large hostile values: every loader takes time in line with their size, and no
 * more stack than there is.
 *
 * @module
 */

import { assert } from "@std/assert";
import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { Format, type Loader, type SessionState } from "../../types/adapt.ts";
import { AdaptersMap } from "../../types/adapters_map.ts";
import { registerComposite } from "../../types/composite.ts";
import {
  registerDateLoader,
  registerInfinity,
  registerZonedDateTime,
} from "../../types/datetime_loaders.ts";
import { adapters } from "../../types/defaults.ts";
import { registerEnum } from "../../types/enum.ts";
import { registerHstore } from "../../types/hstore.ts";
import {
  NumericAsNumberBinaryLoader,
  NumericAsNumberLoader,
} from "../../types/numeric.ts";
import {
  registerMultirange,
  registerRange,
} from "../../types/range_register.ts";
import { Transformer } from "../../types/transformer.ts";
import {
  CompositeInfo,
  EnumInfo,
  MultirangeInfo,
  RangeInfo,
  TypeInfo,
} from "../../types/type_info.ts";

/** What hostile values are made of: a start, a part that is repeated, an end. */
const TEXTS: readonly (readonly [string, string, string])[] = [
  ["", "{", ""],
  ["", "{{},", ""],
  ["{", "{}", "}"],
  ["", "[", ""],
  ["[", "0:1][", "]={}"],
  ["", "(", ""],
  ["", "((0,0),", ""],
  ["((", "(", ""],
  ["", '"', ""],
  ["{", '"",', '""}'],
  ['{"', "\\\\", '"}'],
  ['("', '""', '")'],
  ["", "\\", ""],
  ["(", ",", ")"],
  ["{", ",", "}"],
  ["{", "a,", "a}"],
  ["{", "1,", "1}"],
  ["{[", "1,2),[", "3,4)}"],
  ["{", "empty,", "empty}"],
  ["{", "(,),", "(,)}"],
  ["[", "1", ",2)"],
  ["", "1", ""],
  ["", "0", "1"],
  ["0.", "0", "1"],
  ["1", "0", "e5"],
  ["", "-", ""],
  ["", "1 ", ""],
  ["", "1.", ""],
  ["", ":", ""],
  ["", "1:", ""],
  ["", "1 day ", ""],
  ["", " ", ""],
  ["", "a", ""],
  ["", "\u00e9", ""],
  ["", "\u{1f600}", ""],
  ["\\x", "0", ""],
  ["\\x", "ab", "c"],
  ["", "\\000", ""],
  ['"a"=>"', "\\\\", '"'],
  ["", '"a"=>"b", ', ""],
  ["", '{"a":', ""],
  ["[", "[],", "[]]"],
  ['{"\\u0061":', "[", ""],
  ["'", "''", ""],
  ["", "'a':1 ", ""],
  ["", "!", ""],
  ["<(0,0),", "1", ">"],
  ["", "\0", ""],
  ["", "a:b:", ""],
  ["1.", "2.", "3"],
  ["1:2:", "3,", "4"],
];

/** The same for bytes, of which numbers stand for an integer of four. */
const BYTES: readonly (readonly number[])[] = [
  [0],
  [1],
  [-1],
  [0x7fff_ffff],
  [0x0101_0101],
  [0, -1],
  [23, -1],
  [25, 0],
  [1, 0],
  [4, 1],
  [0, 0, 0, 1],
];

const encoder = new TextEncoder();

function textOf(
  [start, part, end]: readonly [string, string, string],
  size: number,
): Uint8Array {
  const count = Math.ceil(size / encoder.encode(part).length);
  return encoder.encode(start + part.repeat(count) + end);
}

/** A header that may fit, and the body behind it. */
function bytesOf(
  header: readonly number[],
  body: readonly number[],
  size: number,
): Uint8Array {
  const bytes = new Uint8Array(size + 4 * header.length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const index = at / 4;
    view.setInt32(
      at,
      header[index] ?? body[(index - header.length) % body.length]!,
    );
  }
  return bytes;
}

/** Headers of arrays, rows, ranges, and what says how many things follow. */
function headers(size: number): number[][] {
  const quarter = size / 4;
  return [
    [],
    [1, 0, 25, quarter, 1],
    [1, 0, 23, size / 8, 1],
    [6, 0, 23, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, quarter, 1],
    [quarter],
    [size / 8],
    [size / 16],
    [0x7fff_0000],
    // A numeric: digits, weight, sign and scale; as many digits as there are.
    [((size / 2) & 0xffff) << 16 | 0x7fff, 0x3fff],
  ];
}

const PARAMETERS: Readonly<Record<string, string>> = {
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  server_encoding: "UTF8",
};

const SESSION: SessionState = {
  encoding: "UTF8",
  parameterStatus: (name) => PARAMETERS[name] ?? null,
};

const NUMERIC = 1700;

/** All loaders, those of types of the user and those on demand included. */
function* loaders(): Generator<[string, Format, Loader]> {
  const map = new AdaptersMap(adapters);
  const mood = new EnumInfo("mood", 90_000, 90_001, { labels: ["a", "b"] });
  registerEnum(mood, map, { a: 1, b: 2 });
  const pair = new CompositeInfo("pair", 90_002, 90_003, {
    fieldNames: ["a", "b"],
    fieldTypes: [23, 25],
  });
  registerComposite(pair, map);
  const nest = new CompositeInfo("nest", 90_004, 90_005, {
    fieldNames: ["a", "b"],
    fieldTypes: [90_004, 90_003],
  });
  registerComposite(nest, map);
  registerHstore(new TypeInfo("hstore", 90_006, 90_007), map);
  const span = new RangeInfo("span", 90_008, 90_009, { subtypeOid: 25 });
  registerRange(span, map);
  const spans = new MultirangeInfo("spans", 90_010, 90_011, {
    subtypeOid: 25,
    rangeOid: 90_008,
  });
  registerMultirange(spans, map);
  yield* loadersOf(map, () => true);

  const demand = new AdaptersMap(adapters);
  registerInfinity(demand);
  registerZonedDateTime(demand);
  demand.registerLoader(NUMERIC, NumericAsNumberLoader);
  demand.registerLoader(NUMERIC, NumericAsNumberBinaryLoader);
  const changed = (name: string) => /^(date|time|num|tstz)/.test(name);
  yield* loadersOf(demand, changed);
  registerDateLoader(demand);
  yield* loadersOf(demand, (name) => name === "timestamptz");
}

function* loadersOf(
  map: AdaptersMap,
  filter: (name: string) => boolean,
): Generator<[string, Format, Loader]> {
  const transformer = new Transformer(map, SESSION);
  for (const { name, oid, arrayOid } of map.types) {
    if (!filter(name)) continue;
    for (const format of [Format.TEXT, Format.BINARY]) {
      if (map.getLoader(oid, format) === null) continue;
      yield [name, format, transformer.getLoader(oid, format)];
      if (arrayOid === 0) continue;
      yield [`${name}[]`, format, transformer.getLoader(arrayOid, format)];
    }
  }
}

/** How long a value takes; fails if it ends in anything but a value or a DataError. */
function time(
  loader: Loader,
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): number {
  const source = new ReadBuffer(bytes);
  const start = performance.now();
  try {
    loader.load(source, 0, bytes.length);
  } catch (error) {
    if (!(error instanceof DataError)) {
      const shown = new TextDecoder().decode(bytes.slice(0, 40));
      throw new Error(`${name}: ${JSON.stringify(shown)}...`, { cause: error });
    }
  }
  return performance.now() - start;
}

const SMALL = 16 * 1024;
const LARGE = 4 * SMALL;
/** What takes less is not worth a second look. */
const FAST_MS = 60;
/** Four times as much may take this many times as long: 16 times is quadratic. */
const FACTOR = 9;

Deno.test("A12 A13 A14 every loader: large hostile values take time in line with their size", () => {
  const texts = TEXTS.map((text) => [SMALL, LARGE].map((n) => textOf(text, n)));
  const bytes = BYTES.flatMap((body) =>
    headers(SMALL).map((_, index) =>
      [SMALL, LARGE].map((n) => bytesOf(headers(n)[index]!, body, n))
    )
  );
  let count = 0;
  for (const [name, format, loader] of loaders()) {
    for (const [small, large] of format === Format.TEXT ? texts : bytes) {
      count++;
      const shown = `${name}, ${format === Format.TEXT ? "text" : "binary"}`;
      const copy = large!.slice();
      if (time(loader, copy, shown) < FAST_MS) continue;
      // The best of some runs, as others use the machine as well.
      let [least, most] = [Infinity, Infinity];
      for (let run = 0; run < 5; run++) {
        least = Math.min(least, time(loader, small!.slice(), shown));
        most = Math.min(most, time(loader, copy, shown));
      }
      const start = JSON.stringify(
        new TextDecoder().decode(large!.slice(0, 24)),
      );
      assert(
        most < FAST_MS || most < FACTOR * least,
        `${shown}: ${start}...: ${SMALL} bytes take ${least} ms, ${LARGE} bytes ${most} ms`,
      );
    }
  }
  assert(count > 10_000, String(count));
});

Deno.test("A14 every loader: values nested a million deep end in a value or a DataError", () => {
  const nested = ["{", "[", "(", '{"', '("', '{"a":', "((0,0),", "!("].map(
    (part) => textOf(["", part, ""], 1_000_000),
  );
  nested.push(
    encoder.encode("[".repeat(500_000) + "]".repeat(500_000)),
    encoder.encode('{"\\u0061":'.repeat(100_000) + "1" + "}".repeat(100_000)),
  );
  for (const [name, format, loader] of loaders()) {
    if (format !== Format.TEXT) continue;
    for (const bytes of nested) time(loader, bytes.slice(), name);
  }
});
