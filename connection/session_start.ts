/**
 * One attempt to open a session: dialling, TLS, the start of the protocol, and
 * whether the session is of the kind that is wanted.
 *
 * @module
 */

import { addCircumstances, OperationalError, PgError } from "../errors/base.ts";
import { PgConnSnapshot } from "../errors/pgconn_snapshot.ts";
import { Authenticator } from "../protocol/auth.ts";
import type { PasswordSource } from "../protocol/auth_password.ts";
import type { DeriveScramKeys, ScramSecret } from "../protocol/auth_scram.ts";
import type { ChannelBindingMode } from "../protocol/auth_sasl.ts";
import { inspectFirstBytes, StartupExchange } from "../protocol/startup.ts";
import { askValue } from "./ask.ts";
import type { Attempt } from "./attempts.ts";
import { protocolVersions, usesUnixSocket } from "./conninfo_check.ts";
import type { ConnectedParameters } from "./connection_info.ts";
import type { Events } from "./events.ts";
import { listsCleartext, parseRequireAuth } from "./require_auth.ts";
import { checkPeer } from "./requirepeer.ts";
import { Session } from "./session.ts";
import {
  checkSession,
  laterMismatch,
  type ServerState,
} from "./session_attrs.ts";
import type { TlsDetails } from "./tls_details.ts";
import type { TlsSettings } from "./tls_material.ts";
import { isHandshakeFailure } from "./tls_verdict.ts";
import type { Transport } from "./transport.ts";
import { type Address, dial } from "./transport_deno.ts";
import { dialTls } from "./transport_tls.ts";
import type { WarningHandler } from "./warnings.ts";
import { closedError, Wire } from "./wire.ts";

/** A session that has been opened, and whatever belongs to it. */
export interface OpenedSession {
  /** The connection. This and what differs from session to session is replaced by a reset. */
  wire: Wire;
  /** Its TLS, or `null`. */
  tls: TlsDetails | null;
  /** What the server told. */
  readonly session: Session;
  /** What the server sends unasked. */
  readonly events: Events;
  /** What it was connected with, without the password. */
  parameters: ConnectedParameters;
  /** The password where it was given as text; what a function gives is not kept. */
  readonly password: string | null;
  /** Whether the server asked for a password, and got one. */
  usedPassword: boolean;
  /** Why it is no longer of the kind that it was chosen for; `null` as far as is known. */
  mismatch: () => string | null;
  /** Gets warnings. */
  readonly warn: WarningHandler;
  /** Opens another session with the same parameters, which tells the same handlers. */
  readonly reopen: (signal?: AbortSignal) => Promise<OpenedSession>;
  /** Called when the connection is lost or closed. */
  onLost: () => void;
}

/** What an attempt is made with. */
export interface AttemptOptions {
  /** Where, and for what kind of session. */
  readonly attempt: Attempt;
  /** The parameters, with the one host that is tried. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Settings of the server for the session. */
  readonly settings: Readonly<Record<string, string>>;
  /** The password. */
  readonly password: PasswordSource;
  /** The keys that SCRAM uses instead of the password. */
  readonly scramKeys: ScramSecret | null;
  /** Derives those keys where they are not given; afresh each time by default. */
  readonly deriveScramKeys: DeriveScramKeys | undefined;
  /** How TLS is done; `null` for not at all. */
  readonly tls: TlsSettings | null;
  /** The most SCRAM iterations that the server may ask for. */
  readonly scramMaxIterations: number | undefined;
  /** The most bytes that a message from the server may have. */
  readonly maxMessageSize: number | undefined;
  /** Gets warnings. */
  readonly warn: WarningHandler;
  /** Get what the server sends unasked. */
  readonly events: Events;
  /** See {@linkcode OpenedSession.reopen}. */
  readonly reopen: OpenedSession["reopen"];
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** Called when the address is connected to. */
  readonly connected: () => void;
  /** Called when the server has begun to talk. */
  readonly answered: () => void;
}

/** What a server says that takes no connections of this kind from this client. */
const INVALID_AUTHORIZATION = "28000";

/** How far an attempt on one transport has come, for what to try after it. */
interface Stage {
  tls: TlsDetails | null;
  authenticated: boolean;
  authenticator: Authenticator | null;
}

/**
 * Makes an attempt. If it fails, nothing stays open.
 *
 * @param options What it is made with.
 * @returns The open session.
 * @throws {PgError} If it failed.
 */
export async function openAttempt(
  options: AttemptOptions,
): Promise<OpenedSession> {
  const { parameters, signal } = options;
  const address = addressOf(parameters);
  const isUnix = "path" in address;
  if (isUnix && parameters.requirepeer) {
    await checkPeer(address.path, parameters.requirepeer);
  }
  const tls = isUnix ? null : options.tls;
  const steps = tls?.plan.steps ?? ["plain"];
  const once = { ...options, password: askedOnce(options.password) };
  let refusal: PgError | null = null;
  for (const [index, step] of steps.entries()) {
    const stage: Stage = {
      tls: null,
      authenticated: false,
      authenticator: null,
    };
    try {
      if (step === "plain" || tls === null) {
        const transport = await dial(address, signal, options.connected);
        return await openOn(transport, once, stage);
      }
      const dialled = await dialTls(address, {
        settings: tls,
        host: parameters.host ?? "",
        plainAllowed: steps.includes("plain"),
        connected: options.connected,
        answered: options.answered,
      }, signal);
      stage.tls = dialled.tls;
      return await openOn(dialled.transport, once, stage);
    } catch (error) {
      if (signal.aborted || !(error instanceof PgError)) throw error;
      addCircumstances(error, {
        connectionUsable: false,
        reachedServer: false,
        pgconn: snapshotOf(parameters, error, stage.authenticator),
      });
      const isLast = index === steps.length - 1;
      if (isLast || !mayGoOn(step, error, stage, tls)) {
        throw refusal === null ? error : tellingOf(refusal, error);
      }
      refusal = error;
    }
  }
  throw new TypeError("No way to connect was planned");
}

/**
 * What is left of an attempt that failed.
 *
 * @param parameters The parameters, with the one host that was tried.
 * @param error Why it failed.
 * @param authentication What became of the password.
 * @returns What may be told of it.
 */
export function snapshotOf(
  parameters: Readonly<Record<string, string>>,
  error: Error,
  authentication:
    | Pick<Authenticator, "needsPassword" | "usedPassword">
    | null,
): PgConnSnapshot {
  const { host = "", hostaddr = "", port, dbname = "", user = "" } = parameters;
  return new PgConnSnapshot({
    host: host || hostaddr,
    hostaddr,
    port: Number(port || 5432),
    db: dbname,
    user,
    needsPassword: authentication?.needsPassword ?? false,
    usedPassword: authentication?.usedPassword ?? false,
    errorMessage: error.message,
  });
}

/** Asks for the password once, although both ways of connecting may want it. */
function askedOnce(source: PasswordSource): PasswordSource {
  if (typeof source !== "function") return source;
  let given: string | Promise<string> | undefined;
  return () => given ??= source();
}

/**
 * Which of the failures of both ways tells why there is no session: not the one
 * that only says that this way is not allowed or not there.
 */
function tellingOf(first: PgError, second: PgError): PgError {
  const isMerelyRefused = first.sqlstate === null ||
    first.sqlstate === INVALID_AUTHORIZATION;
  return isMerelyRefused && second.sqlstate !== null ? second : first;
}

/**
 * Whether the other way, TLS or clear text, is tried after a failure: if the
 * server has refused this one. See the chapter "SSL Support" of libpq.
 */
function mayGoOn(
  step: "plain" | "tls",
  error: PgError,
  { tls, authenticated }: Stage,
  settings: TlsSettings | null,
): boolean {
  if (authenticated) return false;
  const isRefusal = error.diag.sqlstate !== null;
  if (step === "plain") return isRefusal;
  if (isHandshakeFailure(error)) {
    return settings?.plan.plainAfterFailure ?? false;
  }
  return tls !== null && isRefusal;
}

async function openOn(
  transport: Transport,
  options: AttemptOptions,
  stage: Stage,
): Promise<OpenedSession> {
  const { attempt, parameters, warn, events, reopen } = options;
  const session = new Session();
  const wire = new Wire(transport, {
    notice: (diag) => events.noticeHandlers.call(diag),
    notification: (fields) => events.notified(fields),
    parameter: (name, value) => {
      session.note(name, value);
      if (name === "client_encoding") wire.setCodec(session.codec);
    },
    lost: () => opened?.onLost(),
  }, options.maxMessageSize);
  let opened: OpenedSession | null = null;
  const usedPassword = await start(wire, options, stage);
  const { signal } = options;
  // A server may fall silent here too.
  const abort = () =>
    wire.engine.fail(new OperationalError("Cannot connect: aborted"));
  signal.addEventListener("abort", abort, { once: true });
  const { targetSessionAttrs } = attempt;
  const state: ServerState = {
    get defaultTransactionReadOnly(): string | null {
      return session.parameterStatus("default_transaction_read_only");
    },
    get inHotStandby(): string | null {
      return session.parameterStatus("in_hot_standby");
    },
  };
  try {
    signal.throwIfAborted();
    const ask = (query: string) => askValue(wire, query);
    await checkSession(targetSessionAttrs, state, ask);
  } catch (error) {
    await wire.close(closedError());
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
  return opened = {
    wire,
    tls: stage.tls,
    session,
    events,
    parameters,
    password: typeof options.password === "string" ? options.password : null,
    usedPassword,
    mismatch: () =>
      laterMismatch(targetSessionAttrs, state, wire.engine.refusedWrite),
    warn,
    reopen,
    onLost: () => {},
  };
}

/** Runs the start of the protocol. If it fails or is aborted, nothing stays open. */
async function start(
  wire: Wire,
  options: AttemptOptions,
  stage: Stage,
): Promise<boolean> {
  const { parameters, signal, answered } = options;
  const { tls } = stage;
  const requireAuth = parameters.require_auth ?? "";
  const authenticator = new Authenticator({
    user: parameters.user ?? "",
    password: options.password,
    scramKeys: options.scramKeys,
    deriveScramKeys: options.deriveScramKeys,
    cleartextAllowed: isLocal(wire.transport.hostaddr) || tls !== null ||
      listsCleartext(requireAuth),
    allowedMethods: parseRequireAuth(requireAuth),
    get channelBinding() {
      return tls?.channelBinding ?? null;
    },
    channelBindingMode:
      (parameters.channel_binding ?? "prefer") as ChannelBindingMode,
    ...(options.scramMaxIterations === undefined
      ? {}
      : { scramMaxIterations: options.scramMaxIterations }),
  });
  stage.authenticator = authenticator;
  const exchange = new StartupExchange(
    authenticator,
    protocolVersions(parameters),
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
    wire.inspect = () => {
      answered();
      return inspectFirstBytes(wire.engine.input);
    };
    exchange.start(wire.engine, startupParameters(options));
    wire.enqueue(exchange);
    wire.start();
    wire.flush();
    // Now, because the server is at work: most logins need it next.
    void tls?.channelBinding;
    // A server that asks for a password and then does without leaves us with who gives it.
    await Promise.race([exchange.finish(), aborted]);
    if (exchange.error !== null) throw exchange.error;
    if (wire.engine.failure !== null) throw wire.engine.failure;
    stage.authenticated = true;
    wire.protocolVersion = exchange.version;
    wire.processId = exchange.processId;
    wire.secretKey = exchange.secretKey;
    return authenticator.usedPassword;
  } catch (error) {
    stage.authenticated = exchange.authenticated;
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
  { parameters, settings }: AttemptOptions,
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

function addressOf(parameters: AttemptOptions["parameters"]): Address {
  const { host = "", hostaddr = "", port = "", keepalives = "" } = parameters;
  const number = Number(port || 5432);
  if (usesUnixSocket({ host, hostaddr })) {
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
