/**
 * What can be set on a connection: its transactions and its prepared statements.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { checkIsolationLevel, type IsolationLevel } from "./settings.ts";
import { StatementCache } from "./statement_cache.ts";
import { TransactionState } from "./transaction_state.ts";

const DEFAULT_THRESHOLD = 5;
const DEFAULT_MAX = 100;

/** The settings that a connection begins with. */
export interface InitialSettings {
  /** Whether each statement is a transaction of its own. */
  readonly autocommit?: boolean | undefined;
  /** How often a statement runs before it is prepared; `null`: it never is. */
  readonly prepareThreshold?: number | null | undefined;
  /** How many statements are kept prepared; `null`: all of them. */
  readonly preparedMax?: number | null | undefined;
}

/** The part of a connection that can be set. */
export abstract class ConnectionSettings {
  /**
   * What is remembered of statements.
   *
   * @internal
   */
  protected readonly statements: StatementCache;
  /**
   * Whether, and how, transactions are opened.
   *
   * @internal
   */
  protected readonly transactions: TransactionState;

  /** @internal */
  constructor(
    {
      autocommit = false,
      prepareThreshold = DEFAULT_THRESHOLD,
      preparedMax = DEFAULT_MAX,
    }: InitialSettings,
    origin: ConnectionSettings | null = null,
  ) {
    this.statements = origin?.statements ??
      new StatementCache(prepareThreshold, preparedMax);
    this.transactions = new TransactionState(
      origin?.autocommit ?? Boolean(autocommit),
    );
    if (origin !== null) {
      this.transactions.characteristics = origin.transactions.characteristics;
    }
  }

  /**
   * Throws if the connection is closed.
   *
   * @internal
   */
  protected abstract checkOpen(): void;

  /** Whether each statement is a transaction of its own. */
  get autocommit(): boolean {
    return this.transactions.autocommit;
  }

  /** @throws {ProgrammingError} If a transaction is open. */
  set autocommit(value: boolean) {
    this.#checkNoTransaction("autocommit");
    this.transactions.autocommit = Boolean(value);
  }

  /** How much the transactions to come see of others; `null`: as the server's default. */
  get isolationLevel(): IsolationLevel | null {
    return this.transactions.characteristics.isolationLevel;
  }

  /** @throws {ProgrammingError} If a transaction is open. */
  set isolationLevel(level: IsolationLevel | null) {
    const isolationLevel = checkIsolationLevel(level);
    this.#checkNoTransaction("isolationLevel");
    this.#characterize({ isolationLevel });
  }

  /** Whether the transactions to come may only read; `null`: as the server's default. */
  get readOnly(): boolean | null {
    return this.transactions.characteristics.readOnly;
  }

  /** @throws {ProgrammingError} If a transaction is open. */
  set readOnly(value: boolean | null) {
    this.#checkNoTransaction("readOnly");
    this.#characterize({ readOnly: value === null ? null : Boolean(value) });
  }

  /** Whether the transactions to come may wait; `null`: as the server's default. */
  get deferrable(): boolean | null {
    return this.transactions.characteristics.deferrable;
  }

  /** @throws {ProgrammingError} If a transaction is open. */
  set deferrable(value: boolean | null) {
    this.#checkNoTransaction("deferrable");
    this.#characterize({ deferrable: value === null ? null : Boolean(value) });
  }

  /** The same as setting {@linkcode Connection.autocommit}. */
  // deno-lint-ignore require-await -- rejects rather than throws
  async setAutocommit(value: boolean): Promise<void> {
    this.autocommit = value;
  }

  /** The same as setting {@linkcode Connection.isolationLevel}. */
  // deno-lint-ignore require-await -- rejects rather than throws
  async setIsolationLevel(level: IsolationLevel | null): Promise<void> {
    this.isolationLevel = level;
  }

  /** The same as setting {@linkcode Connection.readOnly}. */
  // deno-lint-ignore require-await -- rejects rather than throws
  async setReadOnly(value: boolean | null): Promise<void> {
    this.readOnly = value;
  }

  /** The same as setting {@linkcode Connection.deferrable}. */
  // deno-lint-ignore require-await -- rejects rather than throws
  async setDeferrable(value: boolean | null): Promise<void> {
    this.deferrable = value;
  }

  /** How often a statement runs before it is prepared; `null`: it never is. */
  get prepareThreshold(): number | null {
    return this.statements.threshold;
  }

  /** How often a statement is to run before it is prepared; `null`: it never is. */
  set prepareThreshold(value: number | null) {
    this.statements.threshold = value;
  }

  /** How many statements are kept prepared; `null`: all of them. */
  get preparedMax(): number | null {
    return this.statements.max;
  }

  /** How many statements are to be kept prepared; `null`: all of them. */
  set preparedMax(value: number | null) {
    this.statements.max = value;
  }

  #checkNoTransaction(what: string): void {
    this.checkOpen();
    const { open, blocks, twoPhase } = this.transactions;
    if (open || blocks.length > 0 || twoPhase !== null) {
      throw new ProgrammingError(
        `Cannot set ${what}: a transaction is open, commit or roll back first`,
      );
    }
  }

  #characterize(change: Partial<TransactionState["characteristics"]>): void {
    this.transactions.characteristics = {
      ...this.transactions.characteristics,
      ...change,
    };
  }
}
