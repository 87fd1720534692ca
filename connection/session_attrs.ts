/**
 * The parameter `target_session_attrs`: whether a session that has been opened
 * is of the kind that is wanted.
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";

/** The values of `target_session_attrs`. */
export type TargetSessionAttrs =
  | "any"
  | "read-write"
  | "read-only"
  | "primary"
  | "standby"
  | "prefer-standby";

/** What a server has told of itself while the session was opened. */
export interface ServerState {
  /** The parameter `default_transaction_read_only`, which servers report since 14. */
  readonly defaultTransactionReadOnly: string | null;
  /** The parameter `in_hot_standby`, which servers report since 14. */
  readonly inHotStandby: string | null;
}

/** Runs a query and gives the text of its only value. */
export type AskServer = (query: string) => Promise<string | null>;

const READ_ONLY = "SHOW transaction_read_only";
const IN_RECOVERY = "SELECT pg_catalog.pg_is_in_recovery()";

const mismatches = new WeakSet<object>();

/**
 * What has to be asked before a session can be judged.
 *
 * @param wanted The kind of session.
 * @param state What the server has told.
 * @returns A query with one value, or `null` if enough is known. Servers before
 * 14 and some poolers do not tell by themselves.
 */
export function sessionQuestion(
  wanted: TargetSessionAttrs,
  state: ServerState,
): string | null {
  const { defaultTransactionReadOnly, inHotStandby } = state;
  switch (wanted) {
    case "any":
      return null;
    case "read-write":
    case "read-only":
      return defaultTransactionReadOnly === null || inHotStandby === null
        ? READ_ONLY
        : null;
    default:
      return inHotStandby === null ? IN_RECOVERY : null;
  }
}

/**
 * Judges a session.
 *
 * @param wanted The kind of session.
 * @param state What the server has told.
 * @param answer The answer to what {@linkcode sessionQuestion} wants to know.
 * @returns What is wrong with the session, or `null` if it is as wanted.
 */
export function judgeSession(
  wanted: TargetSessionAttrs,
  state: ServerState,
  answer: string | null = null,
): string | null {
  if (wanted === "any") return null;
  const { defaultTransactionReadOnly, inHotStandby } = state;
  const asked = sessionQuestion(wanted, state) !== null;
  if (wanted === "read-write" || wanted === "read-only") {
    const isReadOnly = asked
      ? answer === "on"
      : defaultTransactionReadOnly === "on" || inHotStandby === "on";
    if (isReadOnly === (wanted === "read-only")) return null;
    return isReadOnly
      ? "the session is read-only"
      : "the session is not read-only";
  }
  const isStandby = asked ? answer === "t" : inHotStandby === "on";
  if (isStandby === (wanted !== "primary")) return null;
  return isStandby
    ? "the server is in hot standby mode"
    : "the server is not in hot standby mode";
}

/**
 * Judges a session that was as wanted when it was opened, by what it has told
 * since: its server may have become another's standby, or read-only.
 *
 * @param wanted The kind of session.
 * @param state What the server has told.
 * @param refusedWrite Whether a statement was refused because it writes.
 * @returns What is wrong with the session, or `null` as far as is known.
 */
export function laterMismatch(
  wanted: TargetSessionAttrs,
  state: ServerState,
  refusedWrite: boolean,
): string | null {
  const isKnown = sessionQuestion(wanted, state) === null;
  const wrong = isKnown ? judgeSession(wanted, state) : null;
  const mayWrite = wanted === "read-write" || wanted === "primary";
  if (wrong !== null || !mayWrite || !refusedWrite) return wrong;
  return "the server has refused a statement because it writes";
}

/**
 * Checks that a session is as wanted, asking the server where that is needed.
 *
 * @param wanted The kind of session.
 * @param state What the server has told.
 * @param ask Asks the server.
 * @throws {OperationalError} If the session is of another kind, or the server
 * gives no answer that would tell. The next host is to be tried then.
 */
export async function checkSession(
  wanted: TargetSessionAttrs,
  state: ServerState,
  ask: AskServer,
): Promise<void> {
  const question = sessionQuestion(wanted, state);
  const answer = question === null ? null : await askServer(question, ask);
  const wrong = judgeSession(wanted, state, answer);
  if (wrong !== null) {
    throw mismatch(
      `Cannot use the session: ${wrong}, and target_session_attrs asks for "${wanted}"`,
    );
  }
}

async function askServer(question: string, ask: AskServer): Promise<string> {
  let cause: unknown;
  try {
    const answer = await ask(question);
    if (answer !== null) return answer;
  } catch (error) {
    cause = error;
  }
  throw mismatch(
    `Cannot tell the kind of the session: the server gives no answer to "${question}"`,
    cause,
  );
}

function mismatch(message: string, cause?: unknown): OperationalError {
  const error = new OperationalError(
    message,
    cause === undefined ? {} : { cause },
  );
  mismatches.add(error);
  return error;
}

/**
 * Whether an error comes from {@linkcode checkSession}: the server is there, and
 * another host may have what is wanted.
 *
 * @param error The error.
 * @returns Whether the next host should be tried.
 */
export function isSessionMismatch(error: unknown): boolean {
  return typeof error === "object" && error !== null && mismatches.has(error);
}
