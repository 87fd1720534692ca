// deno-lint-ignore-file no-console -- it shows what it does
/**
 * A first look at pgts. Give it a connection string:
 *
 *     deno run --allow-net=localhost:5432 examples/quickstart.ts "host=localhost user=me dbname=test"
 */

import { connect, PgError, sql } from "@x/pgts";

const conninfo = Deno.args[0] ?? "";

console.log("Connecting …");
await using conn = await connect(conninfo, { autocommit: true });
console.log(
  `Connected to PostgreSQL ${conn.info.parameterStatus("server_version")}`,
);

console.log("\nA table, filled in one pipeline:");
await conn.execute(`
  create temp table city (
    id integer generated always as identity,
    name text not null,
    founded date,
    people bigint check (people >= 0),
    tags text[] default '{}'
  )`);
const cities = [
  {
    name: "Lisbon",
    founded: Temporal.PlainDate.from("1147-10-25"),
    people: 545_923n,
    tags: ["sea"],
  },
  {
    name: "Kyoto",
    founded: Temporal.PlainDate.from("0794-11-22"),
    people: 1_463_723n,
    tags: [],
  },
  { name: "Zürich", founded: null, people: 427_721n, tags: ["lake", "trams"] },
];
await conn.pipeline((p) =>
  Promise.all(cities.map((city) =>
    p.execute(
      "insert into city (name, founded, people, tags) values (%(name)s, %(founded)s, %(people)s, %(tags)s)",
      city,
    )
  ))
);

console.log("\nRows are objects, one by one:");
const atLeast = 500_000;
for await (
  const row of conn.execute(
    sql`select name, founded, people, tags from city where people >= ${atLeast} order by name`,
  )
) {
  console.log(row);
}

console.log(
  "\nA transaction that fails is rolled back, and its error says why:",
);
try {
  await conn.transaction(async (tx) => {
    await tx.execute("update city set people = people - %s", [1_000_000]);
  });
} catch (error) {
  if (!(error instanceof PgError)) throw error;
  console.log(`${error.name} (${error.sqlstate}): ${error.message}`);
}

console.log("\nNothing was lost:");
console.log(
  await conn.execute("select sum(people)::int8 as people from city").fetchOne(),
);
