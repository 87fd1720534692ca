/**
 * What the transactions that a connection opens are like.
 *
 * @module
 */

/** The isolation levels, numbered as psycopg numbers them. */
export const IsolationLevel = {
  /** As READ COMMITTED in PostgreSQL. */
  READ_UNCOMMITTED: 1,
  /** A statement sees what was committed before it began. */
  READ_COMMITTED: 2,
  /** All statements of a transaction see the same snapshot. */
  REPEATABLE_READ: 3,
  /** As if transactions ran one after the other. */
  SERIALIZABLE: 4,
} as const;
/** The isolation levels, numbered as psycopg numbers them. */
export type IsolationLevel =
  (typeof IsolationLevel)[keyof typeof IsolationLevel];

/** Characteristics of a transaction; `null` leaves one to the server's default. */
export interface TransactionCharacteristics {
  /** How much the transaction sees of others. */
  readonly isolationLevel: IsolationLevel | null;
  /** Whether it may only read. */
  readonly readOnly: boolean | null;
  /** Whether a serializable read-only transaction waits until it can run undisturbed. */
  readonly deferrable: boolean | null;
}

/** Everything left to the server. */
export const SERVER_DEFAULTS: TransactionCharacteristics = {
  isolationLevel: null,
  readOnly: null,
  deferrable: null,
};

const LEVELS: ReadonlyMap<unknown, string> = new Map([
  [1, "READ UNCOMMITTED"],
  [2, "READ COMMITTED"],
  [3, "REPEATABLE READ"],
  [4, "SERIALIZABLE"],
]);

/**
 * Checks an isolation level.
 *
 * @param level A number from 1 to 4, or `null`.
 * @returns The level.
 * @throws {RangeError} If there is no such level.
 */
export function checkIsolationLevel(level: unknown): IsolationLevel | null {
  if (level === null || LEVELS.has(level)) {
    return level as IsolationLevel | null;
  }
  throw new RangeError(
    `Cannot set the isolation level to ${
      JSON.stringify(level)
    }: it must be one of IsolationLevel, 1 to 4, or null for the server's default`,
  );
}

/**
 * The statement that opens a transaction.
 *
 * @param characteristics What it is to be like.
 * @returns `BEGIN` with its options.
 */
export function beginStatement(
  characteristics: TransactionCharacteristics,
): string {
  const { isolationLevel, readOnly, deferrable } = characteristics;
  let text = "BEGIN";
  if (isolationLevel !== null) {
    text += ` ISOLATION LEVEL ${LEVELS.get(isolationLevel)}`;
  }
  if (readOnly !== null) text += readOnly ? " READ ONLY" : " READ WRITE";
  if (deferrable !== null) {
    text += deferrable ? " DEFERRABLE" : " NOT DEFERRABLE";
  }
  return text;
}
