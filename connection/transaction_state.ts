/**
 * Whether, and how, the connection opens transactions by itself, and which
 * blocks of `transaction()` are open.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { Status } from "../protocol/tags.ts";
import {
  beginStatement,
  SERVER_DEFAULTS,
  type TransactionCharacteristics,
} from "./settings.ts";

/** Commands that change nothing that a rollback would lose. */
const HARMLESS =
  /^(?:SELECT|SHOW|EXPLAIN|FETCH|SET|RESET|LISTEN|DECLARE|MOVE|CLOSE|BEGIN|START|SAVEPOINT|RELEASE|ROLLBACK|COMMIT)\b/;

/** A block of `transaction()` or `begin()`, as the others on its connection see it. */
export interface Block {
  /** One around it has ended, and everything was rolled back. */
  abandon(): void;
}

/** A transaction that `tpcBegin()` opened, until one of its siblings ends it. */
export interface TwoPhase {
  /** The text by which the server knows it. */
  readonly id: string;
  /** Whether it is prepared. */
  prepared: boolean;
  /** {@linkcode TransactionState.ends} while it is open. */
  ends: number;
}

/** The side of transactions that the driver takes care of. */
export class TransactionState {
  /** Whether each statement is a transaction of its own. */
  autocommit: boolean;
  /** What the transactions that are opened are like. */
  characteristics: TransactionCharacteristics = SERVER_DEFAULTS;
  /** The blocks that are open, outermost first. */
  readonly blocks: Block[] = [];
  /** The two-phase transaction, or `null` if there is none. */
  twoPhase: TwoPhase | null = null;
  /** Whether a warning has told that the connection was lost before a rollback. */
  lossTold = false;
  /** Whether the open transaction has changed something. */
  dirty = false;
  /** How often the server has been ready without a transaction: one that was open has ended. */
  ends = 0;

  #status: number = Status.IDLE;
  #wanted: string | null = null;
  #begun = 0;
  #answered = 0;

  /** @param autocommit See {@linkcode TransactionState.autocommit}. */
  constructor(autocommit: boolean) {
    this.autocommit = autocommit;
  }

  /** Whether a transaction is open on the server, or its BEGIN is on its way there. */
  get open(): boolean {
    return this.#status !== Status.IDLE || this.#begun !== this.#answered;
  }

  /** Whether an open block still waits for its first statement, and the BEGIN with it. */
  get waiting(): boolean {
    return this.#wanted !== null;
  }

  /** Has a transaction opened with the next statement. */
  openWithNext(characteristics: TransactionCharacteristics): void {
    this.#wanted = beginStatement(characteristics);
  }

  /** Has a transaction opened with the next statement by a BEGIN that was rolled back. */
  openAgain(begin: string | null): void {
    this.#wanted = begin;
  }

  /** Takes {@linkcode TransactionState.openWithNext} back. */
  openNone(): void {
    this.#wanted = null;
  }

  /**
   * The BEGIN that must go before the next statement, or `null`.
   *
   * @throws {ProgrammingError} If no statement may come before a two-phase
   * transaction is ended.
   */
  get nextBegin(): string | null {
    if (this.open) return null;
    this.checkTwoPhase();
    if (this.#wanted !== null) return this.#wanted;
    return this.autocommit ? null : beginStatement(this.characteristics);
  }

  /** @throws {ProgrammingError} If there is a two-phase transaction that is prepared, or over. */
  checkTwoPhase(): void {
    if (this.twoPhase === null) return;
    const { prepared, ends } = this.twoPhase;
    if (!prepared && ends === this.ends) return;
    throw new ProgrammingError(
      prepared
        ? "Cannot run a statement: the two-phase transaction is prepared, end it with tpcCommit() or tpcRollback() first"
        : "Cannot run a statement: the two-phase transaction is over and nothing of it is open, leave it with tpcRollback() first",
      { connectionUsable: true, reachedServer: false },
    );
  }

  /** A BEGIN has been written. */
  noteBegin(): void {
    this.#begun++;
  }

  /** How many BEGINs have been written. */
  get begun(): number {
    return this.#begun;
  }

  /** A command ran: did it change something? */
  noteTag(tag: string): void {
    if (tag === "COMMIT") this.dirty = false; // It may have begun another by AND CHAIN.
    else if (this.open && !HARMLESS.test(tag)) this.dirty = true;
  }

  /** Another session has taken the place of the one that all this was about. */
  restart(status: number): void {
    this.#wanted = null;
    this.twoPhase = null;
    this.dirty = false;
    this.noteReady(status);
  }

  /**
   * The server is ready, with this transaction status.
   *
   * @param begun How many BEGINs it has seen: in a pipeline one may be on its way.
   */
  noteReady(status: number, begun: number = this.#begun): void {
    this.#status = status;
    this.#answered = begun;
    if (status === Status.IDLE) {
      this.dirty = false;
      this.ends++;
    } else this.#wanted = null;
  }
}
