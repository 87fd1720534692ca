/**
 * The types whose values are strings, on a real server.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CompositeInfo,
  copyRecords,
  DataError,
  insertMany,
  Range,
  RangeInfo,
  registerComposite,
  registerRange,
  Tuple,
} from "../../mod.ts";
import {
  assertExact,
  assertLoads,
  assertTrips,
  open,
  Random,
} from "../support/values.ts";

/** Values that have a binary form which is read as the same string. */
const BOTH: Readonly<Record<string, readonly string[]>> = {
  macaddr: ["08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"],
  macaddr8: ["08:00:2b:01:02:03:04:05", "ff:ff:ff:ff:ff:ff:ff:ff"],
  bit: ["1", "0"],
  "bit(9)": ["101010101", "000000000"],
  varbit: ["", "1", "10101010", "101010101", "01".repeat(500)],
  xid: ["0", "3", "4294967295"],
  cid: ["0", "4294967295"],
  xid8: ["0", "4294967296", "18446744073709551615"],
  tid: ["(0,1)", "(4294967295,65535)"],
  pg_lsn: ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"],
  pg_snapshot: ["10:20:", "10:20:10,14,15", "1:9223372036854775807:1"],
  txid_snapshot: ["10:20:", "10:20:10,14,15"],
  tsvector: [
    "",
    "'a':1A,2 'b c':16383B 'back\\\\slash' 'it''s':3C 'ü':4",
    "'a' 'b'",
  ],
  tsquery: [
    "",
    "'a'",
    "'a' & !'b' <-> ( 'c':*AB | 'd e' )",
    "!!'a'",
    "!( 'a' | 'b' )",
    "'a' <3> 'it''s' <0> 'b\\\\'",
    "'a' <-> ( 'b' <-> 'c' )",
    "'ü':*CD",
  ],
  jsonpath: ['$."a"[*]?(@.type() == "ü")', "strict $"],
  refcursor: ["a cursor", ""],
};

/** Values that are the server's text in either format. */
const TEXT: Readonly<Record<string, readonly string[]>> = {
  xml: ["<a>ü &amp; b</a>", ""],
  cstring: ["a b"],
};

/** Names in the catalogue, which come as numbers in binary. */
const NAMES: Readonly<Record<string, string>> = {
  regproc: "now",
  regprocedure: "abs(integer)",
  regoper: "|/",
  regoperator: "+(integer,integer)",
  regclass: "pg_class",
  regtype: "double precision",
  regconfig: "english",
  regdictionary: "english_stem",
  regnamespace: "pg_catalog",
  regrole: "postgres",
  regcollation: '"C"',
};

for (const [type, values] of Object.entries(BOTH)) {
  Deno.test(`${type}: the same string in both formats, alone and in arrays, as a parameter and a literal`, async () => {
    await using conn = await open();
    for (const value of values) await assertTrips(conn, value, type);
    await assertTrips(conn, [...values, null], `${type}[]`, { arrays: false });
  });

  Deno.test(`${type}: COPY in text and binary`, async () => {
    await using conn = await open();
    await conn.execute(
      `create temp table copied (n serial, v ${type}, a ${type}[])`,
    );
    const name = type.replace(/\(.*/, "");
    const types = [name, `${name}[]`];
    const rows = [...values.map((value) => [value, [value, null]]), [
      null,
      null,
    ]];
    // Only the server reads the text of these.
    const isText = /^ts/.test(type);
    for (const format of isText ? ["text"] : ["text", "binary"]) {
      await conn.copy(
        `copy copied (v, a) from stdin (format ${format})`,
        async (copy) => {
          copy.setTypes(types);
          for (const row of rows) await copy.writeRow(row);
        },
      );
    }
    const query = "select v, a from copied order by n";
    const expected = isText ? rows : [...rows, ...rows];
    assertExact(await conn.execute(query).fetchAll(), expected);
    for (const format of ["text", "binary"]) {
      const copied: unknown[] = [];
      await conn.copy(
        `copy (${query}) to stdout (format ${format})`,
        async (copy) => {
          copy.setTypes(types);
          for await (const row of copy.rows()) copied.push(row);
        },
      );
      assertExact(copied, expected, format);
    }
  });
}

Deno.test("xml and cstring: the server's text in either format", async () => {
  await using conn = await open();
  for (const [type, values] of Object.entries(TEXT)) {
    for (const value of values) {
      if (type === "xml") await assertTrips(conn, value, type);
      else await assertLoads(conn, `'${value}'::${type}`, value);
    }
  }
  await assertLoads(conn, "pg_sleep(0)", "");
});

Deno.test("tsvector, tsquery, jsonpath and refcursor: in other encodings, where a backslash may be half a character", async () => {
  await using conn = await open();
  for (const [encoding, letter] of [["LATIN1", "ü"], ["SJIS", "ソ"]]) {
    await conn.execute(`set client_encoding to ${encoding}`);
    const values = {
      tsvector: `'${letter}\\\\x':1A`,
      tsquery: `'${letter}' & '\\\\${letter}'`,
      jsonpath: `$."${letter}"`,
      refcursor: letter,
    };
    for (const [type, value] of Object.entries(values)) {
      await assertTrips(conn, value, type, { kinds: ["s"], arrays: false });
    }
  }
});

Deno.test("regclass and the like: names as text, OIDs in binary", async () => {
  await using conn = await open();
  for (const [type, name] of Object.entries(NAMES)) {
    await assertTrips(conn, name, type, { kinds: [] });
    const query = `select %s::${type}, array[%s::${type}, null]`;
    const [[value, array] = []] = await conn.execute(query, [name, name], {
      binary: true,
    }).fetchAll();
    const [oid] = await conn.execute(`select %s::${type}::oid`, [name])
      .fetchOne() ?? [];
    assertEquals(value, oid, type);
    assertEquals(array, [oid, null], type);
    // What it gives can be sent again as it is.
    const sent = await conn.execute(`select %s::${type}`, [value]).fetchOne();
    assertEquals(sent, [name]);
    for (let run = 0; run < 7; run++) {
      const row = await conn.execute(query, [name, name]).fetchOne();
      assertEquals(row, [name, [name, null]], type);
    }
    const types = [type];
    await conn.execute(`create temp table named (v ${type})`);
    await conn.copy("copy named from stdin", async (copy) => {
      copy.setTypes(types);
      await copy.writeRow([name]);
      await copy.writeRow([oid]);
    });
    assertEquals(await conn.execute("select v from named").fetchAll(), [
      [name],
      [name],
    ]);
    await conn.execute("drop table named");
  }
});

Deno.test("money and aclitem: text, whatever the locale says; forced, money is the bytes of its units", async () => {
  await using conn = await open();
  await conn.execute("set lc_monetary to 'C'");
  for (const value of ["$1.50", "-$92,233,720,368,547,758.08"]) {
    for (let run = 0; run < 7; run++) {
      assertEquals(
        await conn.execute("select %s::money, array[%s::money, null]", [
          value,
          value,
        ]).fetchOne(),
        [value, [value, null]],
      );
    }
  }
  assertEquals(
    await conn.execute("select '1.5'::money", undefined, { binary: true })
      .fetchOne(),
    [Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 150)],
  );
  await assertTrips(conn, "=r/postgres", "aclitem", { kinds: [] });
  await conn.execute("create temp table grants (m money, a aclitem)");
  await conn.copy("copy grants from stdin", async (copy) => {
    copy.setTypes(["money", "aclitem"]);
    await copy.writeRow(["$1.50", "=r/postgres"]);
  });
  assertEquals(await conn.execute("select * from grants").fetchAll(), [
    ["$1.50", "=r/postgres"],
  ]);
});

Deno.test("tsquery: random ones are read from their bytes as the server writes them", async () => {
  const random = new Random();
  const message = `PGTS_TEST_SEED=${random.seed}`;
  await using conn = await open();
  const make = (depth: number): string => {
    const kind = depth === 0 ? 0 : random.between(0, 5);
    const one = () => make(depth - 1);
    switch (kind) {
      case 0:
      case 1: {
        const lexeme = random.pick(["a", "b c", "it''s", "\\\\", "ü", "x"]);
        return `'${lexeme}'${random.pick(["", ":*", ":A", ":*BD", ":ABCD"])}`;
      }
      case 2:
        return `!(${one()})`;
      case 3:
        return `(${one()}) & (${one()})`;
      case 4:
        return `(${one()}) | (${one()})`;
      default:
        return `(${one()}) <${
          random.pick(["-", "0", "2", "16384"])
        }> (${one()})`;
    }
  };
  const queries = Array.from({ length: 400 }, () => make(5));
  const query = "select v::tsquery from unnest(%s::text[]) v";
  const [text, binary] = await Promise.all(
    [false, true].map((binary) =>
      conn.execute(query, [queries], { binary }).fetchAll()
    ),
  );
  assertEquals(text?.length, queries.length);
  assertEquals(binary, text, message);
});

Deno.test("bit and tsvector: random ones are read from their bytes as the server writes them", async () => {
  const random = new Random();
  const message = `PGTS_TEST_SEED=${random.seed}`;
  await using conn = await open();
  const bits = Array.from(
    { length: 300 },
    () => random.list(70, () => random.pick(["0", "1"])).join(""),
  );
  const vectors = Array.from({ length: 300 }, () =>
    random.list(6, () => {
      const lexeme = random.list(
        4,
        () => random.pick(["a", "b", " ", "''", "\\\\", "ü", ":", ","]),
      ).join("");
      const positions = random.list(
        4,
        () => random.between(1, 16383) + random.pick(["", "A", "B", "C", "D"]),
      );
      return `'x${lexeme}'${
        positions.length > 0 ? `:${positions.join(",")}` : ""
      }`;
    }).join(" "));
  for (const [type, values] of [["varbit", bits], ["tsvector", vectors]]) {
    const query = `select v::${type} from unnest(%s::text[]) v`;
    const [text, binary] = await Promise.all(
      [false, true].map((binary) =>
        conn.execute(query, [values], { binary }).fetchAll()
      ),
    );
    assertEquals(text?.length, values?.length);
    assertEquals(binary, text, message);
  }
});

Deno.test("varchar, character and name: COPY in text and binary, what is no string is a DataError", async () => {
  await using conn = await open();
  await conn.execute(
    "create temp table texts (n serial, a varchar, b character(3), c name, d varchar[])",
  );
  const rows = [
    ["ü", "abc", "name", ["x", null]],
    [null, null, null, null],
  ];
  for (const format of ["text", "binary"]) {
    await conn.copy(
      `copy texts (a, b, c, d) from stdin (format ${format})`,
      async (copy) => {
        copy.setTypes(["varchar", "bpchar", "name", "varchar[]"]);
        for (const row of rows) await copy.writeRow(row);
        for (const value of [5, 5n, true, {}, new Date()]) {
          for (let field = 0; field < 4; field++) {
            const row: unknown[] = [null, null, null, null];
            row[field] = field === 3 ? [value] : value;
            await assertRejects(
              () => copy.writeRow(row),
              DataError,
              `field ${field + 1}`,
            );
          }
        }
      },
    );
  }
  const records = rows.map(([a, b, c, d]) => ({ a, b, c, d }));
  assertEquals(await copyRecords(conn, "texts", records), 2);
  assertExact(
    await conn.execute("select a, b, c, d from texts order by n").fetchAll(),
    [...rows, ...rows, ...rows],
  );
  // In text format each value chooses how it is sent.
  const numbers = [{ a: 5, b: 5n, c: true, d: [5] }];
  await assertRejects(() => copyRecords(conn, "texts", numbers), DataError);
  await copyRecords(conn, "texts", numbers, { binary: false });
  assertExact(
    await conn.execute("select a, b, c, d from texts where a = '5'")
      .fetchOne(),
    ["5", "5  ", "t", ["5"]],
  );
});

Deno.test("bit and character: insertMany() that returns something cuts nothing off", async () => {
  await using conn = await open();
  await conn.execute(
    "create temp table cut (a char(5), b bit(4), c bit(4)[], d char(3)[])",
  );
  const row = { a: "hello", b: "1010", c: ["1010", null], d: ["abc", null] };
  const { rows } = await insertMany(conn, "cut", [row], {
    returning: ["a", "b", "c", "d"],
  });
  assertEquals(rows, [row]);
});

Deno.test("pg_lsn and macaddr: a range and a composite of them", async () => {
  await using conn = await open();
  await conn.execute(
    `create type pg_temp.lsnrange as range (subtype = pg_lsn);
    create type pg_temp.device as (mac macaddr, flags bit(3), words tsvector, ranges pg_temp.lsnrange)`,
  );
  const range = await RangeInfo.fetch(conn, "pg_temp.lsnrange");
  const composite = await CompositeInfo.fetch(conn, "pg_temp.device");
  assert(range !== null && composite !== null);
  registerRange(range, conn);
  registerComposite(composite, conn);
  await assertLoads(
    conn,
    "'[0/1,16/B374D848)'::pg_temp.lsnrange",
    new Range("0/1", "16/B374D848"),
  );
  const device = {
    mac: "08:00:2b:01:02:03",
    flags: "101",
    words: "'a' 'b'",
    ranges: new Range("0/1"),
  };
  await assertLoads(
    conn,
    "row('08002b010203', '101', 'a b', '[0/1,)')::pg_temp.device",
    device,
  );
  const values = Object.values(device);
  for (const kind of ["s", "t"]) {
    const sent = [new Tuple(values, composite)];
    await assertLoads(conn, `%${kind}`, device, sent);
  }
  // In binary as well, but for what only the server can read.
  const binary = [new Tuple([device.mac, "101", null, null], composite)];
  await assertLoads(
    conn,
    "%b",
    { ...device, words: null, ranges: null },
    binary,
  );
  await assertRejects(
    () => conn.execute("select %b", [new Tuple(values, composite)]),
    DataError,
    '"words"',
  );
});
