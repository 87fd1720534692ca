// deno-lint-ignore-file no-console -- a server writes a log
/**
 * The tables of a database as JSON over HTTP: for Deno Deploy, and for wherever
 * else an application is started, frozen and stopped without being asked.
 *
 *     export DATABASE_URL=postgresql://me@localhost/shop
 *     deno run --allow-net --allow-env=DATABASE_URL examples/deploy.ts
 *     curl "http://localhost:8000/tables?schema=public"
 *
 * Where the server's certificate comes from an authority of its own, that goes as
 * PEM text into the variable DATABASE_CA (grant `--allow-env=DATABASE_URL,DATABASE_CA`),
 * or percent-encoded into DATABASE_URL, as its parameter `sslrootcert`.
 */

import { OperationalError, registerDateLoader, sql } from "@x/pgts";
import { ConnectionPool } from "@x/pgts/pool";

/** Deno Deploy gives an application five seconds to end, so no request takes longer. */
const LIMIT = 3;

let opened: Promise<ConnectionPool> | undefined;

/** The pool, which the first request opens: an application should start fast. */
function openPool(): Promise<ConnectionPool> {
  const url = variable("DATABASE_URL");
  if (url === undefined) {
    throw new Error("DATABASE_URL is not set, or must not be read");
  }
  // Some consoles take no line breaks, so PEM comes with "\n" for each.
  const ca = variable("DATABASE_CA")?.replaceAll("\\n", "\n");
  return new ConnectionPool({
    conninfo: url,
    connectOptions: {
      connectTimeout: LIMIT,
      cancelTimeout: 1,
      ...(ca === undefined ? {} : { sslMode: "verify-full", sslRootCert: ca }),
    },
    // In JSON it is the same text, and not everywhere is there Temporal.
    configure: (conn) => registerDateLoader(conn.adapters),
    // There may be many instances of this application, each with a pool.
    minSize: 0,
    maxSize: 4,
    maxIdle: 60,
    timeout: LIMIT,
    // Whoever was frozen has sockets that are dead and do not show it. One round
    // trip tells, before anything is sent that must not be sent twice.
    check: ConnectionPool.checkConnection,
  }).open();
}

/** A variable, if it is set and may be read. For what may not, Deno would ask. */
function variable(name: string): string | undefined {
  try {
    const asked = { name: "env", variable: name } as const;
    // Not everywhere can permissions be asked for.
    if (Deno.permissions?.querySync(asked).state === "prompt") return undefined;
    return Deno.env.get(name);
  } catch {
    return undefined;
  }
}

async function listTables(schema: string): Promise<Response> {
  const pool = await (opened ??= openPool());
  const rows = await pool.execute(
    sql`select c.relname as name, pg_total_relation_size(c.oid) as bytes,
        statement_timestamp() as at
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${schema} and c.relkind in ('r', 'p')
      order by c.relname`,
    undefined,
    { signal: AbortSignal.timeout(LIMIT * 1000) },
  ).fetchAll();
  return json(rows);
}

/** JSON has no bigint that everybody reads exactly, so it goes as text. */
function json(
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Response {
  const text = JSON.stringify(
    value,
    (_key, each) => typeof each === "bigint" ? String(each) : each,
  );
  return new Response(text, {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** What went wrong is for the log; the messages of pgts hold no password. */
function failed(error: unknown): Response {
  console.error(error);
  const passes = error instanceof OperationalError ||
    error instanceof DOMException && error.name === "TimeoutError";
  return passes
    ? json({ error: "The database is not available" }, 503, {
      "retry-after": "1",
    })
    : json({ error: "Something went wrong" }, 500);
}

async function handle(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== "/tables") return json({ error: "Nothing is here" }, 404);
  try {
    return await listTables(searchParams.get("schema") ?? "public");
  } catch (error) {
    return failed(error);
  }
}

// Deno Deploy stops an application by SIGINT, most others by SIGTERM.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  try {
    Deno.addSignalListener(signal, () => server.shutdown());
  } catch {
    // Not everywhere are there signals.
  }
}

const server = Deno.serve(handle);
// What was asked is answered, then no session is left behind.
await server.finished;
await (await opened)?.close();
