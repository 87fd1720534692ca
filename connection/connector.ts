/**
 * From parameters to an open session: dialling, the start of the protocol, the
 * deadline over all of it.
 *
 * @module
 */

import {
  addCircumstances,
  ConnectionTimeout,
  NotSupportedError,
} from "../errors/base.ts";
import { OperationalError, PgError } from "../errors/base.ts";
import { Authenticator } from "../protocol/auth.ts";
import { inspectFirstBytes, StartupExchange } from "../protocol/startup.ts";
import { type ConnectOptions, DRIVER_KEYS } from "./connect_options.ts";
import type { ConnectedParameters } from "./connection_info.ts";
import { Events, Notify } from "./events.ts";
import { type ResolvedParameters, resolveParameters } from "./options.ts";
import { Session } from "./session.ts";
import { type Address, dial } from "./transport_deno.ts";
import { harmless, type WarningHandler, warnOnConsole } from "./warnings.ts";
import { closedError, Wire } from "./wire.ts";

/** A session that has been opened, and whatever belongs to it. */
export interface OpenedSession {
  /** The connection. */
  readonly wire: Wire;
  /** What the server told. */
  readonly session: Session;
  /** What the server sends unasked. */
  readonly events: Events;
  /** What it was connected with, without the password. */
  readonly parameters: ConnectedParameters;
  /** Gets warnings. */
  readonly warn: WarningHandler;
  /** Called when the connection is lost or closed. */
  onLost: () => void;
}

/**
 * Opens a session.
 *
 * @param conninfo A connection string or URI, if one was given.
 * @param options Parameters and settings; they win over the string.
 * @returns The open session.
 * @throws {ProgrammingError} If a parameter is malformed or unknown.
 * @throws {NotSupportedError} If a parameter asks for what is not there.
 * @throws {ConnectionTimeout} If it took too long.
 * @throws {OperationalError} If it failed, with the server's SQLSTATE where it gave one.
 */
export async function openSession(
  conninfo: string | undefined,
  options: ConnectOptions<never>,
): Promise<OpenedSession> {
  if (options.serverCursorFactory !== undefined) {
    throw new NotSupportedError(
      "Cannot connect with serverCursorFactory: pgts has no server-side cursors yet",
    );
  }
  options.signal?.throwIfAborted();
  const resolved = resolveParameters(conninfo, options, DRIVER_KEYS);
  const deadline = new Deadline(resolved.connectTimeout, options.signal);
  try {
    return await open(resolved, options, deadline.signal);
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    const failure = deadline.passed ? deadline.error(resolved) : error;
    if (failure instanceof PgError) {
      addCircumstances(failure, {
        connectionUsable: false,
        reachedServer: false,
      });
    }
    throw failure;
  } finally {
    deadline.clear();
  }
}

async function open(
  resolved: ResolvedParameters,
  options: ConnectOptions<never>,
  signal: AbortSignal,
): Promise<OpenedSession> {
  const warn = harmless(options.onWarning ?? warnOnConsole);
  const transport = await dial(addressOf(resolved), signal);
  const session = new Session();
  const events = new Events(warn);
  const wire = new Wire(transport, {
    notice: (diag) => events.noticeHandlers.call(diag),
    notification: (fields) => {
      if (events.notifyHandlers.size > 0) {
        events.notifyHandlers.call(new Notify(fields));
      }
    },
    parameter: (name, value) => {
      session.note(name, value);
      if (name === "client_encoding") wire.setCodec(session.codec);
    },
    lost: () => opened.onLost(),
  }, options.maxMessageSize);
  const { parameters } = resolved;
  const opened: OpenedSession = {
    wire,
    session,
    events,
    parameters,
    warn,
    onLost: () => {},
  };
  await start(wire, resolved, options, signal);
  return opened;
}

/** Runs the start of the protocol. If it fails or is aborted, nothing stays open. */
async function start(
  wire: Wire,
  resolved: ResolvedParameters,
  options: ConnectOptions<never>,
  signal: AbortSignal,
): Promise<void> {
  const { parameters, password } = resolved;
  const exchange = new StartupExchange(
    new Authenticator({
      user: parameters.user ?? "",
      password,
      cleartextAllowed: isLocal(wire.transport.hostaddr),
      ...(options.scramMaxIterations === undefined
        ? {}
        : { scramMaxIterations: options.scramMaxIterations }),
    }),
  );
  const { promise: aborted, reject: giveUp } = Promise.withResolvers<never>();
  const abort = () => {
    const error = new OperationalError("Cannot connect: aborted");
    wire.engine.fail(error);
    giveUp(error);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    wire.inspect = () => inspectFirstBytes(wire.engine.input);
    exchange.start(wire.engine, startupParameters(resolved));
    wire.enqueue(exchange);
    wire.start();
    wire.flush();
    // A server that asks for a password and then does without leaves us with who gives it.
    await Promise.race([exchange.finish(), aborted]);
    if (exchange.error !== null) throw exchange.error;
    if (wire.engine.failure !== null) throw wire.engine.failure;
    wire.processId = exchange.processId;
    wire.secretKey = exchange.secretKey;
  } catch (error) {
    wire.engine.fail(error);
    if (error instanceof PgError) {
      addCircumstances(error, {
        connectionUsable: false,
        reachedServer: exchange.sent,
      });
    }
    await wire.close(closedError());
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** What goes into the StartupMessage. */
function startupParameters(
  { parameters, settings }: ResolvedParameters,
): Record<string, string> {
  const {
    user,
    dbname,
    options,
    application_name,
    fallback_application_name,
    client_encoding,
  } = parameters;
  const out: Record<string, string> = { ...settings, user: user ?? "" };
  if (dbname) out.database = dbname;
  out.client_encoding = client_encoding || "UTF8";
  const name = application_name ?? fallback_application_name;
  if (name) out.application_name = name;
  if (options) out.options = options;
  return out;
}

function addressOf({ parameters }: ResolvedParameters): Address {
  const { host = "", hostaddr = "", port = "", keepalives = "" } = parameters;
  const number = Number(port || 5432);
  if (hostaddr === "" && (host.startsWith("/") || host.startsWith("@"))) {
    const path = `${host}/.s.PGSQL.${number}`;
    // An abstract socket has a name that starts with a zero byte.
    return { path: path.startsWith("@") ? `\0${path.slice(1)}` : path };
  }
  return {
    hostname: hostaddr || host,
    port: number,
    keepAlive: keepalives !== "0",
  };
}

/** Whether nobody can listen on the way: a Unix socket, or this machine. */
function isLocal(hostaddr: string | null): boolean {
  return hostaddr === null || hostaddr === "::1" || hostaddr.startsWith("127.");
}

/** The end of a caller's patience: of the timeout, or of the signal. */
class Deadline {
  readonly signal: AbortSignal;
  passed = false;
  readonly #controller = new AbortController();
  readonly #seconds: number | null;
  readonly #timer: ReturnType<typeof setTimeout> | null;

  constructor(seconds: number | null, signal: AbortSignal | undefined) {
    this.#seconds = seconds;
    this.#timer = seconds === null ? null : setTimeout(() => {
      this.passed = true;
      this.#controller.abort();
    }, seconds * 1000);
    this.signal = signal === undefined
      ? this.#controller.signal
      : AbortSignal.any([signal, this.#controller.signal]);
  }

  error({ parameters }: ResolvedParameters): ConnectionTimeout {
    return new ConnectionTimeout(
      `Cannot connect to "${
        parameters.hostaddr || parameters.host
      }": no answer within ${this.#seconds} s, the connect_timeout`,
    );
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
