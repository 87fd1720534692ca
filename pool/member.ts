/**
 * A session of a pool: how it is lent, taken back and made clean. When any
 * of that happens is decided in `keeper.ts`.
 *
 * @module
 */

import type { ConnectOptions } from "../connection/connect_options.ts";
import { Connection } from "../connection/connection.ts";
import type { OpenedSession } from "../connection/session_start.ts";
import type { Wire } from "../connection/wire.ts";
import {
  InterfaceError,
  OperationalError,
  type PgError,
} from "../errors/base.ts";
import { type LeaseOwner, PoolConnection } from "./lease.ts";
import {
  type MemberSource,
  type StartedMember,
  startMember,
} from "./member_start.ts";
import type { ConnectionTask } from "./options.ts";
import { resetSession } from "./reset.ts";
import { callbackOver, leftOpen, within } from "./session_work.ts";
import type { PoolSettings } from "./settings.ts";
import { SingleUse } from "./single_use.ts";

/** How long the server may take to clean a session up, in seconds. */
const CLEAN_SECONDS = 10;

/** In which state a session came back. */
export type Returned = "clean" | "used" | "active" | "closed";

/** A session of a pool. */
export class Member<Row> {
  /** When it is too old, in milliseconds of the clock that never jumps. */
  readonly expiresAt: number;
  /** How often the pool had been drained when it was opened. */
  readonly generation: number;
  /** How often it has been lent. */
  uses = 0;
  /** Since when it has been idle; `null` if it is not. */
  idleSince: number | null = null;
  /** Since when it has been lent, if it is. */
  lentSince = 0;
  /** Who has it. */
  lease: PoolConnection<Row> | null = null;
  /** Called when the session ends while nobody has it. */
  onLost: (reason: PgError) => void = () => {};

  readonly #opened: OpenedSession;
  readonly #wire: Wire;
  readonly #isChosen: boolean;
  readonly #options: ConnectOptions<Row>;
  readonly #settings: PoolSettings<Row>;
  /** What leases begin with. Nothing is run on it any more. */
  readonly #origin: Connection<Row>;
  readonly #forgetHandlers: () => void;
  readonly #refs: number;
  readonly #prepareThreshold: number | null;
  readonly #preparedMax: number | null;
  /** Runs the statements that come one by one. */
  #single: PoolConnection<Row> | null = null;
  /** What their cursors are left with. */
  #spent: PoolConnection<Row> | null = null;

  private constructor(
    { settings, generation }: MemberSource<Row>,
    { opened, options, origin }: StartedMember<Row>,
  ) {
    const { maxLifetime } = settings;
    this.generation = generation;
    this.expiresAt = performance.now() +
      maxLifetime * 1000 * (1 - Math.random() / 20);
    this.#settings = settings;
    this.#opened = opened;
    this.#wire = opened.wire;
    const { target_session_attrs: wanted = "any" } = opened.parameters;
    this.#isChosen = wanted !== "any";
    this.#options = options;
    this.#origin = origin;
    this.#prepareThreshold = origin.prepareThreshold;
    this.#preparedMax = origin.preparedMax;
    this.#forgetHandlers = opened.events.remember();
    this.#refs = opened.wire.refs;
    this.#comeHome();
  }

  /**
   * Opens a session and has it configured.
   *
   * @param source See {@linkcode MemberSource}.
   * @returns The session, with no transaction open.
   * @throws Whatever keeps it from being opened; then nothing stays open.
   */
  static async open<Row>(source: MemberSource<Row>): Promise<Member<Row>> {
    return new Member(source, await startMember(source));
  }

  /** Why the session has ended; `null` if it has not. */
  get failure(): PgError | null {
    return this.#opened.wire.engine.failure;
  }

  /** Whether it is to be replaced, sound as it may be. */
  isSpent(generation: number, now: number): boolean {
    return this.generation !== generation ||
      this.uses >= this.#settings.maxUses ||
      now >= this.expiresAt ||
      // A borrower has reset it, and nobody has configured the session since.
      this.#opened.wire !== this.#wire ||
      this.#mismatch !== null;
  }

  /**
   * Lends the session.
   *
   * @param owner Gets it back.
   * @returns What the borrower holds of it.
   */
  lend(owner: LeaseOwner<Row>): PoolConnection<Row> {
    this.#beginUse();
    return this.lease = this.#newLease(owner);
  }

  /**
   * Lends the session for one statement in autocommit mode.
   *
   * @param owner Gets it back.
   * @returns What the statement's cursor has in the place of a connection.
   */
  lendOnce(owner: LeaseOwner<Row>): SingleUse<Row> {
    this.#beginUse();
    if (this.#single === null) {
      this.#single = this.#newLease(owner);
      this.#single.autocommit = true;
      this.#spent = this.#newLease(owner);
      this.#spent.retire();
      this.#comeHome();
    }
    return new SingleUse(this.#single, this.#spent!);
  }

  /**
   * Takes the session back: the lease can do nothing with it from now on.
   *
   * @returns What there is to do before it can be lent again.
   */
  takeBack(): Returned {
    const lease = this.lease!;
    const { executor } = lease;
    const active = executor.busy || executor.pipelineDepth > 0;
    lease.retire();
    this.#comeHome();
    if (this.failure !== null) return "closed";
    if (active) return "active";
    if (executor.held || this.#needsCleaning) return "used";
    this.lease = null;
    return "clean";
  }

  /**
   * Takes the session back from a statement that is over.
   *
   * @param use What its cursor has in the place of a connection.
   * @returns What there is to do before it can be lent again.
   */
  takeBackOnce(use: SingleUse<Row>): Returned {
    const { busy } = use.executor;
    use.end();
    if (this.failure !== null) return "closed";
    if (busy) return "active";
    return this.#needsCleaning ? "used" : "clean";
  }

  get #needsCleaning(): boolean {
    return this.#settings.reset !== "off" || this.leftOpen !== null;
  }

  /** The state that the borrower left the transaction in, if it did; else `null`. */
  get leftOpen(): "INTRANS" | "INERROR" | null {
    return leftOpen(this.#opened);
  }

  /**
   * Makes a session clean that was taken back: rolls back, and resets it.
   *
   * @throws If it could not be done in time, or did not help.
   */
  async clean(): Promise<void> {
    await within(this.#opened, CLEAN_SECONDS, "cleaning it up", async () => {
      await this.lease?.executor.unheld();
      this.lease = null;
      this.#single = null; // It may believe that the transaction goes on.
      await this.#use(async (conn) => {
        if (this.leftOpen !== null) {
          await conn.executor.plainCommand("ROLLBACK");
        }
        await resetSession(this.#settings.reset, conn);
      });
    });
    if (this.leftOpen !== null) {
      throw new InterfaceError(
        `the reset function left a transaction open (status ${this.leftOpen}), it must end it`,
      );
    }
  }

  /**
   * Has a function try the session out.
   *
   * @param check The function.
   * @param seconds How long it may take.
   * @param signal Gives up.
   * @throws Whatever the function throws.
   */
  async check(
    check: ConnectionTask<Row>,
    seconds: number,
    signal?: AbortSignal,
  ): Promise<void> {
    await within(this.#opened, seconds, "checking it", async () => {
      await this.#use(check);
      if (this.leftOpen === null) return;
      await this.#use((conn) => conn.executor.plainCommand("ROLLBACK"));
    }, signal);
    const mismatch = this.#mismatch;
    if (mismatch !== null) throw new OperationalError(mismatch);
  }

  /**
   * Closes the session.
   *
   * @param reason What those are told who still use it.
   */
  async close(reason: PgError): Promise<void> {
    this.onLost = () => {};
    this.lease?.retire();
    this.lease?.endCancelling();
    await this.#opened.wire.close(reason);
  }

  /** Why the session is no longer of the kind that `target_session_attrs` asks for; `null` as far as is known. */
  get #mismatch(): string | null {
    return this.#isChosen ? this.#opened.mismatch() : null;
  }

  /** Runs something on the session that is none of a borrower's. */
  async #use(task: ConnectionTask<Row>): Promise<void> {
    const conn = new Connection<Row>(
      this.#opened,
      this.#options,
      this.#origin,
    );
    try {
      await task(conn);
      if (conn.executor.busy || conn.executor.pipelineDepth > 0) {
        throw new InterfaceError(
          "a callback of the pool left a statement running, it must await it",
        );
      }
    } finally {
      conn.executor.retire(callbackOver);
      this.#comeHome();
    }
    if (this.failure !== null) throw this.failure;
  }

  #beginUse(): void {
    this.uses++;
    this.#origin.prepareThreshold = this.#prepareThreshold;
    this.#origin.preparedMax = this.#preparedMax;
  }

  #newLease(owner: LeaseOwner<Row>): PoolConnection<Row> {
    return new PoolConnection<Row>(this.#opened, this.#options, this.#origin)
      .lendTo(owner);
  }

  /** What a borrower, or a callback, has added is taken away again. */
  #comeHome(): void {
    const opened = this.#opened;
    const { wire } = opened;
    this.#forgetHandlers();
    if (wire.refs !== this.#refs) wire.refs = this.#refs;
    wire.tap = null;
    opened.onLost = () => this.onLost(this.failure!);
  }
}
