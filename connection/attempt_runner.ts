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
import { overlap, type Overlapping } from "./overlap.ts";
import { isSessionMismatch } from "./session_attrs.ts";

/** What {@linkcode tryInOrder} needs to know of an attempt under way. */
export interface AttemptProgress {
  /** Ends this attempt: the caller wants that, or another address was faster. */
  readonly signal: AbortSignal;
  /**
   * To be called when the address is connected to, which ends what is under way
   * to others of the host.
   */
  connected(): void;
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
  /** Milliseconds before the next address of a host is dialled beside one. */
  readonly delay?: number | undefined;
}

/** What follows from a failure: the next address, the next host, or the end. */
type Verdict = "address" | "host" | "end";

/** The server is starting, stopping, or a standby that takes no sessions yet. */
const CANNOT_CONNECT_NOW = "57P03";

const failuresOf = new WeakMap<object, readonly AttemptError[]>();

/**
 * Tries one attempt after the other. An address of a host that takes long is
 * overtaken by the host's next one, see `overlap.ts`.
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
  const answered = new Set<Attempt>();
  const connect = async (
    attempt: Attempt,
    { signal, decide }: Overlapping,
  ): Promise<T> => {
    try {
      return await connectOne(attempt, {
        signal,
        connected: decide,
        answered: () => answered.add(attempt),
      });
    } catch (error) {
      if (verdictOn(error, answered.has(attempt)) !== "address") decide();
      throw error;
    }
  };
  signal?.throwIfAborted();
  let left = plan.attempts;
  while (left.length > 0) {
    const group = left[0]?.group;
    const ended = await overlap(
      left.filter((attempt) => attempt.group === group),
      connect,
      options,
    );
    for (const { outcome } of ended) {
      if (outcome.status === "fulfilled") return outcome.value;
    }
    signal?.throwIfAborted();
    const done = new Set(ended.map(({ attempt }) => attempt));
    left = left.filter((attempt) => !done.has(attempt));
    for (const { attempt, outcome } of ended) {
      const { reason } = outcome as PromiseRejectedResult;
      // Anything else is a fault in the code and no matter of hosts.
      if (!(reason instanceof PgError)) throw reason;
      failures.push(failureOf(attempt, reason));
      const verdict = verdictOn(reason, answered.has(attempt));
      if (verdict === "end") {
        throw failureOfAll(failures, reason, left.length === 0);
      }
      if (verdict === "host") left = left.filter((one) => one.group !== group);
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

function verdictOn(error: unknown, hasAnswered: boolean): Verdict {
  if (!(error instanceof PgError)) return "end";
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
