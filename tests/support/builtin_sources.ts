/**
 * SQL expressions of every other built-in type: what `value_sources.ts` has no
 * values of, because it does not come in either format.
 *
 * @module
 */

import { quoteString } from "../../types/quote.ts";
import type { Source } from "./datetime_sources.ts";
import { randomText, SOURCES } from "./value_sources.ts";
import type { Random } from "./values.ts";

/** Values given as text; the random ones are made by `make`. */
function texts(
  type: string,
  extremes: readonly string[],
  make: (random: Random) => string = (random) => random.pick(extremes),
): Source {
  const write = (text: string) =>
    `${quoteString(text)}::pg_catalog.${JSON.stringify(type)}`;
  return {
    extremes: extremes.map(write),
    random: (random) => write(make(random)),
  };
}

function bits(random: Random): string {
  return random.list(80, () => random.between(0, 1)).join("");
}

function mac(length: number): (random: Random) => string {
  return (random) =>
    Array.from(
      { length },
      () => random.between(0, 255).toString(16).padStart(2, "0"),
    ).join(":");
}

function words(random: Random): string {
  return [randomText(random, 5), ...random.list(6, () => randomText(random, 8))]
    .map((word) => `'${word.replaceAll(/['\\]/g, "$&$&")}'`)
    .filter((word) => word !== "''")
    .map((word) =>
      word +
      random.pick(["", ":1", ":3A,7B", `:${random.between(1, 16383)}D`])
    )
    .join(" ");
}

function lsn(random: Random): string {
  const half = () => random.bits().toString(16).toUpperCase();
  return `${half()}/${half()}`;
}

function decimal(random: Random): string {
  const digits = random.list(60, () => random.between(0, 9)).join("");
  return `${random.pick(["", "-"])}${digits}0.${
    random.list(40, () => random.between(0, 9)).join("")
  }`;
}

function unsigned(random: Random): string {
  return String(BigInt.asUintN(64, random.bits64()));
}

/** Values of the built-in types, by the names that the catalogue has. */
export const BUILTIN_SOURCES: Readonly<Record<string, Source>> = {
  ...SOURCES,
  numeric: texts(
    "numeric",
    [
      "0",
      "0.000",
      "NaN",
      "Infinity",
      "-Infinity",
      "1e-16383",
      `1${"0".repeat(131_071)}`,
      `9.${"9".repeat(16_383)}`,
      "10000",
      "9999.9999",
      "0.0001",
    ],
    decimal,
  ),
  numrange: texts(
    "numrange",
    ["empty", "(,)", "[1.0,1.00]", "(-Infinity,Infinity)", "[NaN,)"],
    (random) => `[0.${random.bits()},${random.between(1, 9)}.50)`,
  ),
  nummultirange: texts(
    "nummultirange",
    ["{}", "{(,)}", "{[1.0,1.00],(2,3.10)}"],
  ),
  char: texts("char", ["", "a", " ", "\\", '"', "\\377", "\\200", "\x01"]),
  money: texts("money", [
    "0",
    "-0.01",
    "92233720368547758.07",
    "-92233720368547758.08",
  ], (random) => `${random.between(-(10 ** 9), 10 ** 9)}.25`),
  bit: texts("bit", ["", "0", "1", "10000001", "100000001"], bits),
  varbit: texts("varbit", ["", "0", "1", "11111111", "011111111"], bits),
  macaddr: texts(
    "macaddr",
    ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"],
    mac(6),
  ),
  macaddr8: texts(
    "macaddr8",
    ["00:00:00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff:ff:ff"],
    mac(8),
  ),
  // The server takes no empty ones in binary.
  int2vector: texts("int2vector", ["0", "-32768 32767 1"]),
  oidvector: texts("oidvector", ["0", "4294967295 1"]),
  tsvector: texts("tsvector", ["", "a", "'it''s':1A,2 'b\\\\c':3"], words),
  tsquery: texts("tsquery", [
    "",
    "a",
    "!a & (b | 'c d') <-> e",
    "'it''s':*AB <3> x",
    `${"!(".repeat(20)}a${")".repeat(20)}`,
  ]),
  jsonpath: texts("jsonpath", ["$", "strict $.a[*] ? (@ > 1)", '$."q\\"x"']),
  xml: texts("xml", ["<a/>", "text", "<?xml version='1.0'?><é b='1'>€</é>"]),
  pg_lsn: texts("pg_lsn", ["0/0", "FFFFFFFF/FFFFFFFF", "0/1"], lsn),
  xid: texts("xid", ["0", "4294967295"]),
  xid8: texts("xid8", ["0", "18446744073709551615"], unsigned),
  cid: texts("cid", ["0", "4294967295"]),
  tid: texts("tid", ["(0,0)", "(4294967295,65535)"]),
  txid_snapshot: texts("txid_snapshot", ["1:1:", "10:20:10,14,15"]),
  pg_snapshot: texts("pg_snapshot", ["1:1:", "10:20:10,14,15"]),
  refcursor: texts(
    "refcursor",
    ["", 'a "b" \\'],
    (random) => randomText(random),
  ),
  aclitem: {
    extremes: [
      "makeaclitem(current_user::regrole, current_user::regrole, 'SELECT', true)",
      "makeaclitem(0, current_user::regrole, 'UPDATE', false)",
    ],
    random: () => "makeaclitem(0, current_user::regrole, 'INSERT', false)",
  },
  regproc: texts("regproc", ["now", "-"]),
  regprocedure: texts("regprocedure", ["abs(integer)", "-"]),
  regoper: texts("regoper", ["||/", "0"]),
  regoperator: texts("regoperator", ["+(integer,integer)", "0"]),
  regclass: texts("regclass", ["pg_class", "pg_index"]),
  regtype: texts("regtype", ["integer", "timestamp with time zone[]", "-"]),
  regrole: texts("regrole", ["pg_monitor", "-"]),
  regnamespace: texts("regnamespace", ["pg_catalog", "-"]),
  regcollation: texts("regcollation", ['"C"', "-"]),
  regconfig: texts("regconfig", ["simple", "english"]),
  regdictionary: texts("regdictionary", ["simple", "english_stem"]),
};

/** Types that no value can be made of, and why. */
export const NO_VALUES: Readonly<Record<string, string>> = {
  gtsvector: "it has no input function",
  pg_node_tree: "it has no input function",
  pg_ndistinct: "it has no input function",
  pg_dependencies: "it has no input function",
  pg_mcv_list: "it has no input function",
  pg_brin_bloom_summary: "it has no input function",
  pg_brin_minmax_multi_summary: "it has no input function",
  unknown: "no expression is of this type",
  regdatabase: "it is newer than the servers tested",
};

/**
 * Types whose binary form tells something else than their text, so that text is
 * what they are asked for, and why.
 */
export const TEXT_TELLS_MORE: Readonly<Record<string, string>> = {
  regproc: "the bytes are an OID, the text a name",
  regprocedure: "the bytes are an OID, the text a name",
  regoper: "the bytes are an OID, the text a name",
  regoperator: "the bytes are an OID, the text a name",
  regclass: "the bytes are an OID, the text a name",
  regtype: "the bytes are an OID, the text a name",
  regrole: "the bytes are an OID, the text a name",
  regnamespace: "the bytes are an OID, the text a name",
  regcollation: "the bytes are an OID, the text a name",
  regconfig: "the bytes are an OID, the text a name",
  regdictionary: "the bytes are an OID, the text a name",
};
