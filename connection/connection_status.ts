/**
 * The states of a connection, by libpq's numbers.
 *
 * @module
 */

/** Whether a connection works, numbered as libpq numbers it. */
export const ConnStatus = {
  /** It works. */
  OK: 0,
  /** It is closed or lost. */
  BAD: 1,
} as const;
/** Whether a connection works, numbered as libpq numbers it. */
export type ConnStatus = (typeof ConnStatus)[keyof typeof ConnStatus];

/** The state of a connection's transaction, numbered as libpq numbers it. */
export const TransactionStatus = {
  /** No transaction is open. */
  IDLE: 0,
  /** A statement is being run. */
  ACTIVE: 1,
  /** A transaction is open. */
  INTRANS: 2,
  /** A transaction is open, and a statement in it has failed. */
  INERROR: 3,
  /** The connection is closed or lost. */
  UNKNOWN: 4,
} as const;
/** The state of a connection's transaction, numbered as libpq numbers it. */
export type TransactionStatus =
  (typeof TransactionStatus)[keyof typeof TransactionStatus];

/** Whether a connection is in a pipeline, numbered as libpq numbers it. */
export const PipelineStatus = {
  /** It is not. */
  OFF: 0,
  /** It is. */
  ON: 1,
  /** It is, and the server skips what comes because a statement has failed. */
  ABORTED: 2,
} as const;
/** Whether a connection is in a pipeline, numbered as libpq numbers it. */
export type PipelineStatus =
  (typeof PipelineStatus)[keyof typeof PipelineStatus];
