/**
 * Trying one attempt after the other until one succeeds, and the one error that
 * tells of all that failed.
 *
 * @module
 */

import {
  ConnectionTimeout,
  InterfaceError,
  OperationalError,
  PgError,
  type PgErrorOptions,
  ProtocolError,
} from "../errors/base.ts";
import { PgConnSnapshot } from "../errors/pgconn_snapshot.ts";
import type { Attempt, AttemptError, AttemptPlan } from "./attempts.ts";
import { isSessionMismatch } from "./session_attrs.ts";

/** What {@linkcode tryInOrder} needs to know of the attempt under way. */
export interface AttemptProgress {
  /**
   * To be called when the server has begun to talk. A failure before that tells
   * of an address that cannot be reached, and the next one is tried; a failure
   * after that is the server's decision, and the others are not asked.
   */
  answered(): void;
}

/** How attempts are made. */
export interface TryOptions {
  /** Ends the attempts. */
  readonly signal?: AbortSignal | undefined;
}

/** What follows from a failure: the next address, the next host, or the end. */
type Verdict = "address" | "host" | "end";

/** The server is starting, stopping, or a standby that takes no sessions yet. */
const CANNOT_CONNECT_NOW = "57P03";

const failuresOf = new WeakMap<object, readonly AttemptError[]>();

/**
 * Tries one attempt after the other.
 *
 * As in libpq, a server that refuses the session decides for all hosts: the
 * others are not asked whether they would take a password that one has refused.
 * A server that cannot take sessions now, or none of the kind that is wanted,
 * makes room for the next host.
 *
 * @param plan The attempts.
 * @param connectOne Makes one attempt. It closes what it opened if it fails.
 * @param options How.
 * @returns What the first attempt that succeeded gave.
 * @throws {PgError} If none did: the error of the attempt if only one failed.
 * If several did, an error with a line for each and all of them in `errors`; it
 * is of the class of the one that decided or of them all, with its SQLSTATE,
 * else an OperationalError.
 */
export async function tryInOrder<T>(
  plan: AttemptPlan,
  connectOne: (attempt: Attempt, progress: AttemptProgress) => Promise<T>,
  options: TryOptions = {},
): Promise<T> {
  const { signal } = options;
  const failures: AttemptError[] = [...plan.unresolved];
  let skipped = -1;
  signal?.throwIfAborted();
  for (const [index, attempt] of plan.attempts.entries()) {
    if (attempt.group === skipped) continue;
    let hasAnswered = false;
    try {
      return await connectOne(attempt, { answered: () => hasAnswered = true });
    } catch (error) {
      signal?.throwIfAborted();
      // Anything else is a fault in the code and no matter of hosts.
      if (!(error instanceof PgError)) throw error;
      failures.push(failureOf(attempt, error));
      const verdict = judge(error, hasAnswered);
      if (verdict === "end") {
        throw failureOfAll(failures, error, index + 1 === plan.attempts.length);
      }
      if (verdict === "host") skipped = attempt.group;
    }
  }
  throw failureOfAll(failures, null, true);
}

/**
 * The attempts that an error of {@linkcode tryInOrder} stands for.
 *
 * @param error The error.
 * @returns The attempts; none if it stands for a single one.
 */
export function attemptErrors(error: unknown): readonly AttemptError[] {
  return typeof error === "object" && error !== null
    ? failuresOf.get(error) ?? []
    : [];
}

function judge(error: PgError, hasAnswered: boolean): Verdict {
  if (isSessionMismatch(error)) return "host";
  const { sqlstate } = error.diag;
  if (sqlstate !== null) {
    return sqlstate === CANNOT_CONNECT_NOW ? "host" : "end";
  }
  if (error instanceof ConnectionTimeout) return "address";
  if (hasAnswered || error instanceof ProtocolError) return "end";
  return error instanceof OperationalError || error instanceof InterfaceError
    ? "address"
    : "end";
}

function failureOf(attempt: Attempt, error: Error): AttemptError {
  const { host, hostaddr, port } = attempt;
  return { host, hostaddr, port, reason: error.message, error };
}

/** Without those that the second pass over the hosts repeats. */
function distinct(failures: readonly AttemptError[]): AttemptError[] {
  const seen = new Set<string>();
  return failures.filter((failure) => {
    const line = lineOf(failure);
    return !seen.has(line) && seen.add(line);
  });
}

/** The error for all: `decided` is the failure that ruled out all further attempts. */
function failureOfAll(
  all: readonly AttemptError[],
  decided: PgError | null,
  isComplete: boolean,
): Error {
  const failures = distinct(all);
  const last = failures.at(-1)?.error;
  if (last === undefined) {
    return new OperationalError("Cannot connect: there is no host to try");
  }
  if (failures.length === 1) return last;
  const heading = isComplete
    ? `Cannot connect: all ${failures.length} attempts failed`
    : `Cannot connect: ${failures.length} attempts failed, and after the last one no other is made`;
  const message = [heading, ...failures.map(lineOf)].join("\n");
  const out = errorLike(decided ?? commonError(failures), message, {
    cause: last,
    pgconn: last instanceof PgError && last.pgconn !== null
      ? new PgConnSnapshot({ ...last.pgconn, errorMessage: message })
      : null,
    connectionUsable: false,
    reachedServer: failures.some(({ error }) =>
      error instanceof PgError && error.reachedServer === true
    ),
  });
  failuresOf.set(out, failures);
  return Object.defineProperty(out, "errors", {
    value: failures,
    configurable: true,
  });
}

/** The last error, if its class is that of all, or if it is the server's own. */
function commonError(failures: readonly AttemptError[]): PgError | null {
  const last = failures.at(-1)?.error;
  if (!(last instanceof PgError)) return null;
  const isCommon = failures.every(({ error }) =>
    error.constructor === last.constructor
  );
  return isCommon || last.diag.sqlstate !== null ? last : null;
}

function errorLike(
  model: PgError | null,
  message: string,
  options: PgErrorOptions,
): PgError {
  if (model === null) return new OperationalError(message, options);
  const ErrorClass = model.constructor as new (
    message: string,
    options: PgErrorOptions,
  ) => PgError;
  const { diag, sqlstate } = model;
  return new ErrorClass(message, { ...options, diag, sqlstate });
}

/** One line, whatever the server put into its message. */
function lineOf({ host, hostaddr, port, reason }: AttemptError): string {
  const isNamed = host !== "" && hostaddr !== null && hostaddr !== host;
  const where = isNamed ? `"${host}" (${hostaddr})` : `"${host || hostaddr}"`;
  return `- ${where}, port ${port}: ${reason.replace(/\s*[\r\n]+\s*/g, " ")}`;
}
