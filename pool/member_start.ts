/**
 * How a session of a pool begins: with parameters that may be asked for each
 * time, and what `configure` makes of it.
 *
 * @module
 */

import { connectArguments } from "../connection/connect_arguments.ts";
import type { ConnectOptions } from "../connection/connect_options.ts";
import { Connection } from "../connection/connection.ts";
import { openSession, type SessionDefaults } from "../connection/connector.ts";
import type { OpenedSession } from "../connection/session_start.ts";
import { InterfaceError } from "../errors/base.ts";
import type { ScramMemory } from "../protocol/auth_scram_memory.ts";
import type { Given } from "./options.ts";
import { callbackOver, leftOpen, within } from "./session_work.ts";
import type { PoolSettings } from "./settings.ts";

/** How long connecting may take where no connect_timeout is given, in seconds. */
const CONNECT_SECONDS = 30;
/** How long the function may take that configures a connection. */
const CONFIGURE_SECONDS = 30;
/** The greatest process ID of any system that PostgreSQL runs on. */
const MAX_PROCESS_ID = 2 ** 22;

/** What a member is opened with. */
export interface MemberSource<Row> {
  /** The settings of the pool. */
  readonly settings: PoolSettings<Row>;
  /** The keys that the pool has derived. */
  readonly scramMemory: ScramMemory;
  /** How often the pool had been drained when it was opened. */
  readonly generation: number;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Looks up the addresses of a host; asks the system by default. */
  readonly resolve?: SessionDefaults["resolve"];
}

/** A session that has begun. */
export interface StartedMember<Row> {
  /** The session. */
  readonly opened: OpenedSession;
  /** What it was opened with. */
  readonly options: ConnectOptions<Row>;
  /** What `configure` had. Nothing is run on it any more. */
  readonly origin: Connection<Row>;
}

/**
 * Opens a session and has it configured.
 *
 * @param source See {@linkcode MemberSource}.
 * @returns The session, with no transaction open.
 * @throws Whatever keeps it from being opened; then nothing stays open.
 */
export async function startMember<Row>(
  source: MemberSource<Row>,
): Promise<StartedMember<Row>> {
  const { settings, scramMemory, signal, resolve } = source;
  const conninfo = await askFor(settings.conninfo);
  const { onWarning, ...rest } = await askFor(settings.connectOptions);
  signal.throwIfAborted();
  const given = connectArguments(conninfo, {
    ...rest,
    onWarning: onWarning ?? settings.warn,
  });
  const { options } = given;
  const opened = await openSession(
    given.conninfo,
    {
      ...options as ConnectOptions<never>,
      signal: options.signal === undefined
        ? signal
        : AbortSignal.any([signal, options.signal]),
    },
    {
      connectTimeout: CONNECT_SECONDS,
      deriveScramKeys: scramMemory.derive.bind(scramMemory),
      ...(resolve === undefined ? {} : { resolve }),
    },
  );
  if (isPooledPerTransaction(settings, opened)) {
    options.prepareThreshold ??= null;
  }
  const origin = new Connection<Row>(opened, options);
  try {
    await configure(source, opened, origin);
  } catch (error) {
    await origin.close();
    throw error;
  }
  return { opened, options, origin };
}

/** Asks for what may be given anew each time. */
function askFor<T>(given: Given<T>): T | Promise<T> {
  return typeof given === "function" ? (given as () => T)() : given;
}

/** Whether consecutive transactions may run in different sessions of the server. */
function isPooledPerTransaction<Row>(
  { pooler }: PoolSettings<Row>,
  { wire: { processId } }: OpenedSession,
): boolean {
  if (pooler !== null) return pooler === "transaction";
  return processId !== null && (processId <= 0 || processId > MAX_PROCESS_ID);
}

async function configure<Row>(
  { settings, signal }: MemberSource<Row>,
  opened: OpenedSession,
  conn: Connection<Row>,
): Promise<void> {
  const { configure } = settings;
  if (configure !== null) {
    const run = () => configure(conn);
    await within(opened, CONFIGURE_SECONDS, "configuring it", run, signal);
    conn.executor.checkOpen();
    const status = conn.executor.busy ? "ACTIVE" : leftOpen(opened);
    if (status !== null) {
      throw new InterfaceError(
        `Cannot configure the connection: the function left it in the status ${status}, it must end its transaction and await what it runs`,
      );
    }
  }
  conn.executor.retire(callbackOver);
}
