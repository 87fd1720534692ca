/**
 * inet and cidr on a real server.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Cidr,
  CompositeInfo,
  DataError,
  Inet,
  type IpValue,
  Range,
  RangeInfo,
  registerComposite,
  registerRange,
  sql,
} from "../../mod.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  openScripted,
  rejection,
} from "../connection/support.ts";
import {
  assertExact,
  assertLoads,
  assertTrips,
  everyWay,
  KINDS,
  open,
  Random,
} from "../support/values.ts";

const HOSTS = ["10.1.2.3", "0.0.0.0", "255.255.255.255", "::1", "::", "1::"];
const INTERFACES = ["10.1.2.3/24", "10.1.2.3/0", "2001:db8::1/64", "::/0"];
const NETWORKS = [
  "10.0.0.0/8",
  "0.0.0.0/0",
  "10.1.2.3/32",
  "2001:db8::/32",
  "::/0",
  "::1/128",
];

Deno.test("CT-24 inet of a host is an address, with a prefix an interface, cidr a network: both ways, v4 and v6, arrays with null, mixed networks", async () => {
  await using conn = await open();
  for (const text of HOSTS) {
    const value = new Inet(text);
    assertEquals(value.isHost, true);
    await assertLoads(conn, `'${text}'::inet`, value);
    await assertTrips(conn, value, "inet");
  }
  for (const text of INTERFACES) {
    const value = new Inet(text);
    assertEquals(value.isHost, false);
    await assertLoads(conn, `'${text}'::inet`, value);
    await assertTrips(conn, value, "inet");
  }
  for (const text of NETWORKS) {
    const value = new Cidr(text);
    await assertLoads(conn, `'${text}'::cidr`, value);
    await assertTrips(conn, value, "cidr");
  }
  // Of either family in one array, as they go and as they come.
  const inets = [...HOSTS, ...INTERFACES].map((text) => new Inet(text));
  await assertTrips(conn, [null, ...inets], "inet[]", { arrays: false });
  const networks = NETWORKS.map((text) => new Cidr(text));
  await assertTrips(conn, [null, ...networks], "cidr[]", { arrays: false });
  for (const kind of KINDS) {
    const row = await conn.execute(
      `select pg_typeof(%${kind})::text, pg_typeof(%${kind})::text, pg_typeof(%${kind})::text, %${kind} << %${kind}`,
      [inets[0], networks, inets, new Inet("10.1.2.3"), new Cidr("10.0.0.0/8")],
    ).fetchOne();
    assertEquals(row, ["inet", "cidr[]", "inet[]", true]);
  }
  await assertRejects(
    () => conn.execute("select %s", [[inets[0], networks[0]]]),
    DataError,
    "different types",
  );
});

function randomAddress(random: Random): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(random.pick([4, 16]));
  const byte = random.pick([
    () => random.between(0, 255),
    () => random.pick([0, 0, 0, 1, 255]),
  ]);
  for (let index = 0; index < bytes.length; index++) bytes[index] = byte();
  // Whole groups of zeros, and what ends in an IPv4 address.
  if (bytes.length === 16) {
    for (let index = 0; index < 16; index += 2) {
      if (random.between(0, 2) > 0) bytes.fill(0, index, index + 2);
    }
    const mapped = random.between(0, 5);
    if (mapped === 0) bytes.fill(0, 0, 12);
    if (mapped === 1) {
      bytes.fill(0, 0, 10);
      bytes.fill(255, 10, 12);
    }
  }
  return bytes;
}

Deno.test("Inet and Cidr: random ones are written as the server writes them, and ordered and contained as there", async () => {
  const random = new Random();
  const message = `PGTS_TEST_SEED=${random.seed}`;
  await using conn = await open();
  const values: Inet[] = [];
  for (let count = 0; count < 600; count++) {
    const bytes = randomAddress(random);
    const most = 8 * bytes.length;
    values.push(new Inet(bytes, random.pick([most, random.between(0, most)])));
  }
  const networks = values.map((value) => value.network);
  // The server reads the text that comes from here and writes its own.
  const [shown, hosts, masked] = await conn.execute(
    `select array(select v::text from unnest(%s::text[]::inet[]) with ordinality u(v, n) order by n),
      array(select host(v) from unnest(%s::inet[]) with ordinality u(v, n) order by n),
      array(select network(v) from unnest(%s::inet[]) with ordinality u(v, n) order by n)`,
    [values.map(String), values, values],
  ).fetchOne() ?? [];
  // The cast to text shows the prefix even where that is the whole address.
  assertEquals(
    shown,
    values.map(({ address, prefix }) => `${address}/${prefix}`),
    message,
  );
  assertEquals(hosts, values.map(({ address }) => address), message);
  assertExact(masked, networks, message);

  const ordered = await conn.execute(
    "select array_agg(v order by v) from unnest(%s::inet[]) v",
    [values],
  ).fetchOne();
  const sorted = [...values].sort((a, b) => a.compare(b));
  assertExact(ordered?.[0], sorted, message);

  const pairs: [IpValue, IpValue][] = [];
  for (let count = 0; count < 600; count++) {
    const one = random.pick(values);
    const other = random.pick([random.pick(values), one.network, one]);
    pairs.push(
      random.pick([true, false]) ? [one.network, other] : [other, one],
    );
  }
  const contained = await conn.execute(
    "select array(select a >>= b from unnest(%s::inet[], %s::inet[]) with ordinality u(a, b, n) order by n)",
    [
      pairs.map(([one]) => new Inet(one.address, one.prefix)),
      pairs.map(([, other]) => new Inet(other.address, other.prefix)),
    ],
  ).fetchOne();
  assertEquals(
    contained?.[0],
    pairs.map(([one, other]) => one.contains(other)),
    message,
  );
});

Deno.test("Inet: whatever form of an address it takes, the server reads the same in it", async () => {
  await using conn = await open();
  const forms = [
    "1:0:0:2:0:0:0:3",
    "0:0:0:0:0:0:0:0",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1::2:3:4:5:6:7/64",
    "2001:0DB8::000a/12",
    "::ffff:102:304",
    "::1:2",
    "::0.0.0.5",
    "::0.1.0.0",
    "1:2:3:4:5:6:1.2.3.4/127",
    "64:ff9b::1.2.3.4",
    "10.1.2.3/32",
  ];
  for (const form of forms) {
    const row = await conn.execute("select %s::text::inet", [form]).fetchOne();
    assertExact(row, [new Inet(form)], form);
  }
});

Deno.test("inet and cidr: COPY in text and binary, with values and strings", async () => {
  await using conn = await open();
  await conn.execute(
    "create temp table hosts (n serial, host inet, net cidr, nets cidr[])",
  );
  const rows = [
    [new Inet("10.1.2.3"), new Cidr("10.0.0.0/8"), [new Cidr("::/0"), null]],
    ["2001:db8::1/64", "2001:db8::/32", ["10.0.0.0/8"]],
    [null, null, null],
  ];
  const expected = [
    rows[0],
    [
      new Inet("2001:db8::1/64"),
      new Cidr("2001:db8::/32"),
      [new Cidr("10.0.0.0/8")],
    ],
    rows[2],
  ];
  const types = ["inet", "cidr", "cidr[]"];
  for (const format of ["text", "binary"]) {
    await conn.execute("truncate hosts");
    await conn.copy(
      `copy hosts (host, net, nets) from stdin (format ${format})`,
      async (copy) => {
        copy.setTypes(types);
        for (const row of rows) await copy.writeRow(row);
      },
    );
    const query = "select host, net, nets from hosts order by n";
    assertExact(await conn.execute(query).fetchAll(), expected, format);
    const copied: unknown[] = [];
    await conn.copy(
      `copy (${query}) to stdout (format ${format})`,
      async (copy) => {
        copy.setTypes(types);
        for await (const row of copy.rows()) copied.push(row);
      },
    );
    assertExact(copied, expected, format);
    await assertRejects(
      () =>
        conn.copy(
          `copy hosts (host) from stdin (format ${format})`,
          async (copy) => {
            copy.setTypes(["inet"]);
            await copy.writeRow(["10.1.2"]);
          },
        ),
      DataError,
      "field 1",
    );
  }
});

Deno.test("inet: as strings on request", async () => {
  await using conn = await open();
  conn.adapters.registerLoader("inet", String);
  conn.adapters.registerLoader("cidr", String);
  for (let run = 0; run < 7; run++) {
    assertEquals(
      await conn.execute(
        "select '10.1.2.3/24'::inet, array['::1'::inet], '10/8'::cidr",
      ).fetchOne(),
      ["10.1.2.3/24", ["::1"], "10.0.0.0/8"],
    );
  }
});

Deno.test("inet: a range and a composite of it", async () => {
  await using conn = await open();
  await conn.execute(
    "create type pg_temp.inetrange as range (subtype = inet); create type pg_temp.host as (name text, at inet, net cidr, mac macaddr)",
  );
  const range = await RangeInfo.fetch(conn, "pg_temp.inetrange");
  const composite = await CompositeInfo.fetch(conn, "pg_temp.host");
  assert(range !== null && composite !== null);
  const InetRange = registerRange(range, conn);
  registerComposite(composite, conn);
  const value = new Range(new Inet("10.0.0.1/24"), new Inet("10.0.0.9"), "[]");
  await assertTrips(
    conn,
    new InetRange(value.lower, value.upper, "[]"),
    "pg_temp.inetrange",
    {
      expected: value,
    },
  );
  await assertTrips(conn, value, "pg_temp.inetrange", { expected: value });
  const expected = {
    name: "a",
    at: new Inet("::1"),
    net: new Cidr("10.0.0.0/8"),
    mac: "08:00:2b:01:02:03",
  };
  await assertLoads(
    conn,
    "('a', '::1', '10/8', '08002b010203')::pg_temp.host",
    expected,
  );
  const values = await everyWay(
    conn,
    "select row('::1'::inet, '08002b010203'::macaddr, B'101', 'a b'::tsvector)",
  );
  assertExact(values.get("binary"), [
    expected.at,
    expected.mac,
    "101",
    "'a' 'b'",
  ]);
});

Deno.test("inet and cidr: what the server could not have sent is a DataError that names column and type", async () => {
  const cases: [number, string, string, number[]][] = [
    [869, "inet", "10.1.2", [2, 33, 0, 4, 1, 2, 3, 4]],
    [869, "inet", "::1::", [9, 24, 0, 4, 1, 2, 3, 4]],
    [650, "cidr", "10.1.2.3/8", [2, 8, 1, 4, 10, 1, 2, 3]],
    [650, "cidr", "", [2, 8, 1, 4, 10]],
  ];
  for (const [oid, name, text, bytes] of cases) {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) =>
        answer(
          burst,
          burst.some((message) => "text" in message && message.text === "good")
            ? ONE
            : {
              columns: [{ name: "bad", oid }],
              rows: [[binary ? Uint8Array.from(bytes) : text]],
              tag: "SELECT 1",
            },
        )
      );
    });
    let binary = false;
    await using conn = await openScripted(server);
    for (binary of [false, true]) {
      assertError(
        await rejection(conn.execute("bad", undefined, { binary })),
        {
          class: DataError,
          says: ['column "bad"', `type ${name}: `],
          usable: true,
        },
      );
      assertEquals(await conn.execute("good").fetchAll(), [{ one: 1 }]);
    }
  }
});

Deno.test("Inet: in a template, and in a literal of the template", async () => {
  await using conn = await open();
  const inet = new Inet("192.168.1.0/24");
  const row = await conn.execute(
    sql`select ${inet}, ${sql.literal(inet)}, ${sql.literal([inet, null])}`,
  ).fetchOne();
  assertExact(row, [inet, inet, [inet, null]]);
});
