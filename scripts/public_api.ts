/**
 * Lists the public API: every exported symbol of every entry point with the
 * declarations of its members, so that a change of it shows in a review.
 *
 *     deno run -A scripts/public_api.ts > public_api.txt
 *
 * @module
 */

const ROOT = new URL("..", import.meta.url);

/** A piece of `deno doc --json`, as far as it is used here. */
interface Documented {
  readonly name: string;
  readonly jsDoc?: { readonly tags?: readonly { readonly kind: string }[] };
  readonly location: { readonly filename: string; readonly byteIndex: number };
  readonly accessibility?: string;
}

interface Declaration extends Documented {
  readonly kind: string;
  readonly declarationKind: string;
  readonly def?: Readonly<Record<string, unknown>>;
}

interface Symbols {
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly Declaration[];
  }[];
}

const sources = new Map<string, Uint8Array>();

/** The text of a declaration, without its body and without its value. */
function signature(
  { location: { filename, byteIndex } }: Documented,
  whole = false,
): string {
  let bytes = sources.get(filename);
  if (bytes === undefined) {
    bytes = Deno.readFileSync(new URL(filename));
    sources.set(filename, bytes);
  }
  const text = new TextDecoder().decode(
    bytes.subarray(byteIndex, byteIndex + 4000),
  );
  let depth = 0;
  let at = 0;
  for (; at < text.length; at++) {
    const char = text[at]!;
    const before = text[at - 1];
    if (depth === 0 && char === ";") break;
    if (!whole && depth === 0 && char === "=" && text[at + 1] !== ">") break;
    // A brace after a colon or a bar is a type, any other one starts a body.
    if (depth === 0 && char === "{" && !/[:|&=<]\s*$/.test(text.slice(0, at))) {
      break;
    }
    if ("({[<".includes(char)) depth++;
    else if (")}]".includes(char) || (char === ">" && before !== "=")) depth--;
    if (depth < 0) break;
  }
  return text.slice(0, at).replaceAll(/\s+/g, " ").replaceAll(
    /,? ([)}\]>])/g,
    "$1",
  )
    .trim();
}

function isPublic({ jsDoc, accessibility }: Documented): boolean {
  return accessibility !== "private" &&
    !(jsDoc?.tags ?? []).some(({ kind }) => kind === "internal");
}

function members(def: Readonly<Record<string, unknown>>): Documented[] {
  return ["constructors", "properties", "methods", "callSignatures"]
    .flatMap((key) => (def[key] ?? []) as Documented[])
    .filter(isPublic);
}

async function listEntry(path: string): Promise<string[]> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", path],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`deno doc ${path} failed`);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    nodes: Record<string, Symbols>;
  };
  const lines: string[] = [];
  for (const { symbols } of Object.values(nodes)) {
    for (const { name, declarations } of symbols) {
      for (const each of declarations) {
        if (each.declarationKind !== "export" || !isPublic(each)) continue;
        lines.push(
          `  ${name}: ${
            signature(each, each.kind === "typeAlias").replace(/^export /, "")
          }`,
        );
        if (each.kind === "class" || each.kind === "interface") {
          for (const member of members(each.def ?? {})) {
            lines.push(`    ${signature(member)}`);
          }
        }
      }
    }
  }
  return lines;
}

/**
 * The whole listing.
 *
 * @returns The text of `public_api.txt`.
 */
export async function publicApi(): Promise<string> {
  const config = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  ) as { exports: Record<string, string> };
  let text = "";
  for (const [entry, path] of Object.entries(config.exports)) {
    text += `${entry}\n${(await listEntry(path)).join("\n")}\n\n`;
  }
  return text;
}

if (import.meta.main) {
  await Deno.stdout.write(new TextEncoder().encode(await publicApi()));
}
