/**
 * From parameters to an open session: where to try, in which order, with which
 * password, how long.
 *
 * @module
 */

import {
  addCircumstances,
  ConnectionTimeout,
  PgError,
} from "../errors/base.ts";
import { tryInOrder } from "./attempt_runner.ts";
import { type Attempt, connectionAttempts } from "./attempts.ts";
import { checkAllowed } from "./allowed_parameters.ts";
import { checkTimeout } from "./cancel.ts";
import { type ConnectOptions, DRIVER_KEYS } from "./connect_options.ts";
import { usesUnixSocket } from "./conninfo_check.ts";
import { Events } from "./events.ts";
import { checkBound } from "./notify_queue.ts";
import {
  explicitService,
  type ResolvedParameters,
  resolveParameters,
} from "./options.ts";
import { openPasswordFile } from "./pgpass.ts";
import { serviceParameters } from "./service.ts";
import type { DeriveScramKeys } from "../protocol/auth_scram.ts";
import {
  type AttemptOptions,
  openAttempt,
  type OpenedSession,
  snapshotOf,
} from "./session_start.ts";
import { loadTls, type TlsSettings } from "./tls_material.ts";
import { planTls } from "./tls_options.ts";
import { lookupAddresses } from "./transport_dns.ts";
import { harmless, warnOnConsole } from "./warnings.ts";

/** What is not for users to say when a session is opened. */
export interface SessionDefaults {
  /** Looks up the addresses of a host. */
  readonly resolve?: typeof lookupAddresses;
  /** Derives the keys of SCRAM from a password. */
  readonly deriveScramKeys?: DeriveScramKeys;
  /** The most seconds that connecting may take where nothing says so. */
  readonly connectTimeout?: number;
}

/**
 * Opens a session.
 *
 * @param conninfo A connection string or URI, if one was given.
 * @param options Parameters and settings; they win over the string.
 * @param defaults See {@linkcode SessionDefaults}.
 * @returns The open session.
 * @throws {ProgrammingError} If a parameter is malformed or unknown.
 * @throws {NotSupportedError} If a parameter asks for what is not there.
 * @throws {ConnectionTimeout} If it took too long.
 * @throws {OperationalError} If it failed, with the server's SQLSTATE where it gave one.
 */
export async function openSession(
  conninfo: string | undefined,
  options: ConnectOptions<never>,
  { resolve = lookupAddresses, deriveScramKeys, connectTimeout }:
    SessionDefaults = {},
): Promise<OpenedSession> {
  const { signal, allowedParameters } = options;
  signal?.throwIfAborted();
  checkTimeout(
    options.cancelTimeout ?? Infinity,
    'Cannot connect: the option "cancelTimeout"',
  );
  const ambient = allowedParameters === undefined;
  if (!ambient) checkAllowed(conninfo, allowedParameters);
  const serviceName = explicitService(conninfo, options);
  const resolved = resolveParameters(conninfo, options, DRIVER_KEYS, {
    ambient,
    service: ambient || serviceName !== undefined
      ? await serviceParameters(serviceName)
      : {},
  });
  const warn = harmless(options.onWarning ?? warnOnConsole);
  const { scramMaxIterations, maxMessageSize } = options;
  const isGiven = resolved.parameters.connect_timeout !== undefined;
  return await openResolved({
    resolved: connectTimeout === undefined || isGiven
      ? resolved
      : { ...resolved, connectTimeout },
    deriveScramKeys,
    ambient,
    resolve,
    warn,
    events: new Events(
      warn,
      checkBound(options.maxPendingNotifies, "maxPendingNotifies"),
    ),
    scramMaxIterations,
    maxMessageSize,
  }, signal);
}

/** What sessions are opened with, the first one and those that follow it. */
interface SessionRequest extends
  Pick<
    AttemptOptions,
    | "warn"
    | "events"
    | "deriveScramKeys"
    | "scramMaxIterations"
    | "maxMessageSize"
  > {
  readonly resolved: ResolvedParameters;
  /** Whether the password file in the home directory counts. */
  readonly ambient: boolean;
  /** Looks up the addresses of a host. */
  readonly resolve: typeof lookupAddresses;
}

async function openResolved(
  request: SessionRequest,
  signal: AbortSignal | undefined,
): Promise<OpenedSession> {
  const { resolved, ambient, resolve, warn } = request;
  const reopen = (signal?: AbortSignal) => openResolved(request, signal);
  const tls = await loadSecurity(resolved, signal);
  const plan = await connectionAttempts(resolved.parameters, {
    resolve: (host, port) =>
      within(
        {
          ...resolved,
          parameters: {
            ...resolved.parameters,
            host,
            hostaddr: "",
            port: String(port),
          },
        },
        signal,
        (inTime) => resolve(host, port, inTime),
      ),
  });
  const mayLookUp = ambient || resolved.passwordFile.explicit;
  const findPassword = resolved.password === null && mayLookUp
    ? await openPasswordFile({ ...resolved.passwordFile, warn })
    : null;
  return await tryInOrder(plan, (attempt, progress) => {
    const { host, hostaddr, port } = attempt;
    const { dbname = "", user = "" } = resolved.parameters;
    const { passfile } = resolved.passwordFile;
    const parameters = {
      ...atAttempt(resolved.parameters, attempt),
      ...(passfile ? { passfile } : {}),
    };
    const { connected, answered } = progress;
    return within(
      { ...resolved, parameters },
      progress.signal,
      (inTime) =>
        openAttempt({
          attempt,
          parameters,
          settings: resolved.settings,
          password: findPassword === null
            ? resolved.password
            : findPassword({ host, hostaddr, port, dbname, user }),
          scramKeys: resolved.scramKeys,
          deriveScramKeys: request.deriveScramKeys,
          tls,
          scramMaxIterations: request.scramMaxIterations,
          maxMessageSize: request.maxMessageSize,
          events: request.events,
          warn,
          reopen,
          signal: inTime,
          connected,
          answered,
        }),
    );
  }, { signal });
}

/** Reads what TLS needs, once for all attempts. */
async function loadSecurity(
  { parameters, given, sslPassword }: ResolvedParameters,
  signal: AbortSignal | undefined,
): Promise<TlsSettings | null> {
  const hosts = (parameters.host ?? "").split(",");
  const unixSocket = hosts.every((host) =>
    usesUnixSocket({ host, hostaddr: parameters.hostaddr ?? "" })
  );
  const loaded = await loadTls(planTls(given, { sslPassword, unixSocket }));
  signal?.throwIfAborted();
  return loaded;
}

/** The parameters with the one host, address and port that are tried. */
function atAttempt(
  parameters: Readonly<Record<string, string>>,
  { host, hostaddr, port }: Attempt,
): Record<string, string> {
  const { host: _hosts, hostaddr: _addresses, ...rest } = parameters;
  const out: Record<string, string> = { ...rest, port: String(port) };
  if (host !== "") out.host = host;
  if (hostaddr !== null && hostaddr !== host) out.hostaddr = hostaddr;
  return out;
}

/** Runs a part of connecting, within the time that it may take. */
async function within<T>(
  resolved: ResolvedParameters,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new Deadline(resolved.connectTimeout, signal);
  try {
    return await run(deadline.signal);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const failure = deadline.passed ? deadline.error(resolved) : error;
    if (failure instanceof PgError) {
      addCircumstances(failure, {
        connectionUsable: false,
        reachedServer: false,
        pgconn: snapshotOf(resolved.parameters, failure, null),
      });
    }
    throw failure;
  } finally {
    deadline.clear();
  }
}

/** The end of a caller's patience: of the timeout, or of the signal. */
class Deadline {
  readonly signal: AbortSignal;
  passed = false;
  readonly #controller = new AbortController();
  readonly #seconds: number | null;
  readonly #timer: ReturnType<typeof setTimeout> | null;
  readonly #outer: AbortSignal | undefined;
  readonly #abort = () => this.#controller.abort(this.#outer?.reason);

  constructor(seconds: number | null, signal: AbortSignal | undefined) {
    this.#seconds = seconds;
    this.#outer = signal;
    this.signal = this.#controller.signal;
    this.#timer = seconds === null ? null : setTimeout(() => {
      this.passed = true;
      this.#controller.abort();
    }, seconds * 1000);
    if (signal?.aborted) this.#abort();
    else signal?.addEventListener("abort", this.#abort, { once: true });
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
    this.#outer?.removeEventListener("abort", this.#abort);
  }
}
