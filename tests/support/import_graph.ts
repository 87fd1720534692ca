/**
 * Reads which file of the package imports which, type-only imports included.
 *
 * @module
 */

/** An import: the importing file and what it names, both from the root. */
export interface Edge {
  /** The file that imports. */
  from: string;
  /** The imported file, or a specifier that is not a path. */
  to: string;
}

const ROOT = new URL("../..", import.meta.url);

/** The folders whose files are published as code. */
export const SOURCE_FOLDERS: readonly string[] = [
  "errors",
  "protocol",
  "types",
  "sql",
  "connection",
  "pool",
];

/** For each folder, what its files may import beside each other. */
const MAY_IMPORT: Record<string, RegExp> = {
  errors: /^$/,
  protocol: /^errors\//,
  types: /^(errors\/|protocol\/(read_buffer|text|write_buffer)\.ts$)/,
  sql: /^(errors|types)\//,
  connection: /^(errors|protocol|types|sql)\//,
  pool: /^(errors|protocol|sql|connection)\//,
};

/** The files that may name `Deno`, `process`, `Buffer` or a `node:` module. */
const RUNTIME_FILES =
  /^(connection\/(transport_\w+|tls_\w+|environment|files|timers)|protocol\/(text|auth_\w+))\.ts$/;

/** What is not ours and may be imported. */
const PACKAGES = /^@std\/(bytes|encoding|crypto)\//;

/**
 * What is wrong with an import, if anything.
 *
 * @param edge the import
 * @returns a sentence, or undefined
 */
export function wrongEdge({ from, to }: Edge): string | undefined {
  if (to.startsWith("node:")) {
    return RUNTIME_FILES.test(from)
      ? undefined
      : `${from} may not import ${to}: it is not a runtime file`;
  }
  if (PACKAGES.test(to)) return undefined;
  const isBarrel = from.endsWith("mod.ts");
  if (to.endsWith("mod.ts") && !isBarrel) {
    return `${from} imports the barrel ${to}: import the file itself`;
  }
  const target = to.split("/")[0] ?? "";
  if (!SOURCE_FOLDERS.includes(target)) return `${from} may not import ${to}`;
  const folder = from.split("/")[0] ?? "";
  if (from === "mod.ts" || folder === target) return undefined;
  if (MAY_IMPORT[folder]?.test(to)) return undefined;
  return `${from} may not import ${to}: wrong direction`;
}

/**
 * The use of a runtime's globals in a file that may not use them.
 *
 * @param path the file, from the root
 * @param source its text
 * @returns the lines in question
 */
export function wrongGlobals(path: string, source: string): string[] {
  if (RUNTIME_FILES.test(path)) return [];
  const code = source.split("\n")
    .map((line) => /^\s*(\*|\/\*|\/\/)/.test(line) ? "" : line)
    .map((line) => line.replace(/\s\/\/.*$/, ""));
  return code.flatMap((line, index) =>
    /(?<!["'`])\bDeno\s*[.[?]|"node:|\bprocess\.\w|\bBuffer\.\w/.test(line)
      ? [`${path}:${index + 1}: ${line.trim()}`]
      : []
  );
}

/**
 * The imports in a file's text. A statement begins in the first column, which
 * those in the examples of doc comments never do, and has no comment inside.
 *
 * @param path the file, from the root
 * @param source its text
 * @returns its imports and re-exports
 */
export function importsIn(path: string, source: string): Edge[] {
  const statement =
    /^(?:import|export)\b(?:[\w\s{},*$]*?\bfrom)?\s*"([^"]+)"/gm;
  const dynamic = /^(?! *(?:\*|\/)).*?\bimport\(\s*"([^"]+)"/gm;
  return [...source.matchAll(statement), ...source.matchAll(dynamic)]
    .map(([, specifier = ""]) => ({
      from: path,
      to: fromRoot(specifier, new URL(path, ROOT)),
    }));
}

function fromRoot(specifier: string, base: URL): string {
  const isPath = /^(\.{0,2}\/|file:)/.test(specifier);
  if (!isPath) return specifier;
  return new URL(specifier, base).href.replace(ROOT.href, "");
}

/**
 * The files of the package's code.
 *
 * @returns their texts by their paths from the root
 */
export async function sourceFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const read = async (path: string) => {
    files.set(path, await Deno.readTextFile(new URL(path, ROOT)));
  };
  await read("mod.ts");
  for (const folder of SOURCE_FOLDERS) {
    try {
      for await (const { name } of Deno.readDir(new URL(folder, ROOT))) {
        if (name.endsWith(".ts")) await read(`${folder}/${name}`);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files;
}

/**
 * The imports that Deno itself finds, from an entry point on.
 *
 * @param entry the entry point
 * @returns the imports of our own files
 */
export async function importsByDeno(entry: string): Promise<Edge[]> {
  return (await dependencies(entry)).map(({ from, to }) => ({ from, to }));
}

/**
 * The imports that Deno follows when the code runs: those of types are left out.
 *
 * @param entry the entry point
 * @returns the imports of our own files
 */
export async function codeImports(entry: string): Promise<Edge[]> {
  return (await dependencies(entry)).filter(({ isCode }) => isCode)
    .map(({ from, to }) => ({ from, to }));
}

async function dependencies(
  entry: string,
): Promise<(Edge & { isCode: boolean })[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: ROOT.pathname,
    stderr: "null",
  }).output();
  interface Module {
    specifier: string;
    dependencies?: { specifier: string; code?: unknown }[];
  }
  const { modules }: { modules: Module[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const edges: (Edge & { isCode: boolean })[] = [];
  for (const { specifier, dependencies = [] } of modules) {
    const from = specifier.replace(ROOT.href, "");
    if (from === specifier || from.startsWith("links/")) continue;
    for (const { specifier: to, code } of dependencies) {
      const isCode = code !== undefined;
      edges.push({ from, to: fromRoot(to, new URL(specifier)), isCode });
    }
  }
  return edges;
}

/**
 * A cycle among imports.
 *
 * @param edges the imports
 * @returns the files of one cycle in order, or undefined
 */
export function findCycle(edges: Edge[]): string[] | undefined {
  const targets = Map.groupBy(edges, (edge) => edge.from);
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | undefined => {
    if (done.has(file)) return undefined;
    const start = path.indexOf(file);
    if (start >= 0) return [...path.slice(start), file];
    path.push(file);
    for (const { to } of targets.get(file) ?? []) {
      const cycle = visit(to);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of targets.keys()) {
    const cycle = visit(file);
    if (cycle) return cycle;
  }
  return undefined;
}
