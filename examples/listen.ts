// deno-lint-ignore-file no-console -- it shows what it does
/**
 * Work that is announced by NOTIFY, and not missed when a connection gets lost.
 * Give it a connection string:
 *
 *     deno run --allow-net=localhost:5432 examples/listen.ts "host=localhost user=me dbname=test"
 */

import { connect, Listener } from "@x/pgts";

const conninfo = Deno.args[0] ?? "";

await using conn = await connect(conninfo, { autocommit: true });
await conn.execute(
  "create temp table job (id integer generated always as identity, name text, done boolean default false)",
);

/** The table says what there is to do. A notification only says when to look. */
async function workOff(): Promise<void> {
  const cursor = conn.execute(
    "update job set done = true where not done returning name",
  );
  for await (const { name } of cursor) console.log(`  done: ${name}`);
}

/** A notification is sent when its statement is committed, and not before. */
async function add(name: string): Promise<void> {
  await conn.execute(
    "with added as (insert into job (name) values (%s) returning id) select pg_notify('jobs', id::text) from added",
    [name],
  );
}

await add("before anybody listened");

// From here on nothing is missed, so that one look covers what was before.
await using listener = await Listener.connect(conninfo, {
  channels: ["jobs"],
  onWarning: (message) => console.log(`Warning: ${message}`),
});
console.log("Listening. At the start:");
await workOff();

await add("announced");
let items = 0;
for await (const item of listener) {
  if (item.kind === "gap") {
    console.log(`A gap, ${item.error?.message}. To be sure:`);
  } else {
    console.log(`Job ${item.payload} was announced:`);
  }
  await workOff();
  items++;
  if (items === 1) {
    // An administrator ends the session. What is added now is announced to nobody.
    await conn.execute("select pg_terminate_backend(%s, 5000)", [
      listener.backendPid,
    ]);
    await add("while nobody listened");
  } else if (items === 2) {
    await add("after all that");
  } else if (items === 3) break;
}
console.log("Over: leaving the loop has closed the listener.");
