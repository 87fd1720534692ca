/**
 * A server that plays a script: it listens on a free port of 127.0.0.1, decodes
 * what clients send, and sends them exactly the bytes that the script says. For
 * tests of what no real server does, or does at no predictable time.
 *
 * Nothing is read before the script asks for it, so that a script decides about
 * back-pressure too. When a script has ended, the rest of what the client sends
 * is read and kept in {@linkcode ScriptedSession.received}.
 *
 * @example A server that answers every statement with one row
 * ```ts
 * import * as b from "./backend.ts";
 * import { ScriptedServer } from "./scripted_server.ts";
 *
 * await using server = new ScriptedServer(async (session) => {
 *   await session.startup();
 *   await session.serve(() => [
 *     b.rowDescription([{ name: "n", oid: 23 }]),
 *     b.dataRow(["42"]),
 *     b.commandComplete("SELECT 1"),
 *     b.readyForQuery("I"),
 *   ]);
 * });
 * // connect to server.dsn
 * ```
 *
 * @module
 */

import type { MessageOf } from "./frontend_reader.ts";
import { ScriptedSession } from "./scripted_session.ts";

/** Plays one connection. What it throws is thrown when the server is disposed of. */
export type Script = (session: ScriptedSession) => Promise<void> | void;

/** Options of {@linkcode ScriptedServer}. */
export interface ScriptedServerOptions {
  /**
   * Whether the script starts when the connection is accepted, instead of when
   * the first message has come. A CancelRequest then comes to the script too.
   *
   * @default {false}
   */
  immediate?: boolean;
  /** Plays a connection that brought a CancelRequest, which is closed afterwards. */
  onCancel?: (
    session: ScriptedSession,
    request: MessageOf<"cancel">,
  ) => Promise<void> | void;
}

const GRACE_MS = 1000;

/**
 * A server on a port of its own. `await using` stops it, and throws what its
 * scripts threw.
 */
export class ScriptedServer implements AsyncDisposable {
  /** The sessions, in the order of their connections; those of CancelRequests are left out. */
  readonly sessions: ScriptedSession[] = [];
  /** The CancelRequests that came. */
  readonly cancelRequests: MessageOf<"cancel">[] = [];
  /** What scripts have thrown so far. */
  readonly failures: unknown[] = [];

  readonly #listener: Deno.TcpListener;
  readonly #script: Script | readonly Script[];
  readonly #options: ScriptedServerOptions;
  readonly #open = new Set<ScriptedSession>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #running = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  #accepted = 0;

  /**
   * Starts to listen.
   *
   * @param script What plays every connection, or a list: one for each
   * connection in turn, and the last for all that follow.
   * @param options When scripts start, and what plays cancel requests.
   */
  constructor(
    script: Script | readonly Script[],
    options: ScriptedServerOptions = {},
  ) {
    this.#script = script;
    this.#options = options;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  /** The port. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** A connection string for this server. */
  get dsn(): string {
    return `host=127.0.0.1 port=${this.port} user=tester dbname=test`;
  }

  /** Refuses further connections; those that are there go on. */
  stopListening(): void {
    try {
      this.#listener.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  /**
   * Waits a second for scripts that still run, then closes all connections.
   *
   * @throws What a script threw; an AggregateError if several did.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopListening();
    await this.#accepting;
    await settled(this.#running);
    for (const session of this.#open) session.close();
    if (!await settled(this.#tasks)) {
      this.failures.push(
        new Error(
          "A script did not end with its connection: wait in it with session.silence()",
        ),
      );
    }
    if (this.failures.length === 1) throw this.failures[0];
    if (this.failures.length > 1) {
      throw new AggregateError(this.failures, "Several scripts failed");
    }
  }

  async #accept(): Promise<void> {
    for (;;) {
      let conn: Deno.TcpConn;
      try {
        conn = await this.#listener.accept();
      } catch {
        return; // the listener is closed
      }
      conn.setNoDelay(true);
      this.#track(this.#tasks, this.#play(conn));
    }
  }

  #track(tasks: Set<Promise<void>>, task: Promise<void>): void {
    tasks.add(task);
    task.finally(() => tasks.delete(task));
  }

  async #play(conn: Deno.TcpConn): Promise<void> {
    const session = new ScriptedSession(conn, this.#accepted++);
    this.#open.add(session);
    try {
      const run = this.#run(session);
      this.#track(this.#running, run.catch(() => {}));
      await run;
      await session.silence();
    } catch (error) {
      this.failures.push(error);
    } finally {
      session.close();
      this.#open.delete(session);
    }
  }

  async #run(session: ScriptedSession): Promise<void> {
    if (!this.#options.immediate) {
      const first = await session.peek();
      if (first === null) return;
      if (first.tag === "cancel") {
        this.cancelRequests.push(first);
        await this.#options.onCancel?.(session, first);
        session.close();
        return;
      }
    }
    await this.#scriptFor(this.sessions.push(session) - 1)(session);
  }

  #scriptFor(index: number): Script {
    if (typeof this.#script === "function") return this.#script;
    const script = this.#script[Math.min(index, this.#script.length - 1)];
    if (script === undefined) throw new Error("There is no script");
    return script;
  }
}

/** Waits for all of them, for a second at most. Returns whether they are over. */
async function settled(tasks: ReadonlySet<Promise<void>>): Promise<boolean> {
  if (tasks.size === 0) return true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, GRACE_MS, false);
  });
  const over = await Promise.race([
    Promise.all(tasks).then(() => true),
    late,
  ]);
  clearTimeout(timer);
  return over;
}
