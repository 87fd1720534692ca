/**
 * Imports point one way: errors, protocol, types, sql, connection, pool.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import {
  findCycle,
  importsByDeno,
  importsIn,
  sourceFiles,
  wrongEdge,
  wrongGlobals,
} from "./support/import_graph.ts";

const files = await sourceFiles();
const written = [...files].flatMap(([path, text]) => importsIn(path, text));

Deno.test("import graph: no file imports the wrong way", () => {
  const wrong = written.map(wrongEdge).filter((each) => each !== undefined);
  assertEquals(wrong, []);
});

Deno.test("import graph: there is no cycle, type-only imports included", () => {
  assertEquals(findCycle(written), undefined);
});

Deno.test("import graph: runtime globals stay in the files meant for them", () => {
  const wrong = [...files].flatMap(([path, text]) => wrongGlobals(path, text));
  assertEquals(wrong, []);
});

Deno.test("import graph: Deno finds no import that the test overlooks", async () => {
  const known = new Set(written.map(({ from, to }) => `${from} ${to}`));
  for (const entry of Object.values(config.exports)) {
    const found = await importsByDeno(entry);
    assert(found.length > 0, entry);
    const overlooked = found.filter(({ from, to }) =>
      !known.has(`${from} ${to}`)
    );
    assertEquals(overlooked, [], entry);
  }
});

Deno.test("wrongEdge: tells right from wrong", () => {
  const isWrong = (from: string, to: string) =>
    wrongEdge({ from, to }) !== undefined;
  assert(isWrong("errors/base.ts", "protocol/tags.ts"));
  assert(isWrong("types/text.ts", "protocol/engine.ts"));
  assert(isWrong("protocol/engine.ts", "connection/wire.ts"));
  assert(isWrong("sql/query.ts", "errors/mod.ts"));
  assert(isWrong("types/text.ts", "node:buffer"));
  assert(isWrong("connection/wire.ts", "tests/support/database.ts"));
  assert(isWrong("connection/wire.ts", "npm:left-pad"));
  assert(!isWrong("connection/wire.ts", "types/text.ts"));
  assert(!isWrong("types/text.ts", "protocol/read_buffer.ts"));
  assert(!isWrong("connection/transport_node.ts", "node:tls"));
});

Deno.test("importsIn: reads every form, and not those in comments", () => {
  const source = [
    'import { a } from "./a.ts";',
    "import type {",
    "  B,",
    '} from "../types/b.ts";',
    'export { c } from "./c.ts";',
    'import "./d.ts";',
    'const e = await import("./e.ts");',
    ' * import { f } from "./f.ts";',
  ].join("\n");
  assertEquals(importsIn("sql/x.ts", source).map(({ to }) => to), [
    "sql/a.ts",
    "types/b.ts",
    "sql/c.ts",
    "sql/d.ts",
    "sql/e.ts",
  ]);
});

Deno.test("findCycle: finds one of several files", () => {
  const edges = [
    { from: "a", to: "b" },
    { from: "b", to: "c" },
    { from: "c", to: "b" },
  ];
  assertEquals(findCycle(edges), ["b", "c", "b"]);
  assertEquals(findCycle(edges.slice(0, 2)), undefined);
});

Deno.test("wrongGlobals: sees code and not comments", () => {
  const source = "/** Deno.connect */\n// Deno.env\nDeno.env.get('X');\n" +
    'Symbol.for("Deno.customInspect");\n';
  assertEquals(wrongGlobals("types/x.ts", source).length, 1);
  assertEquals(wrongGlobals("connection/files.ts", source), []);
});
