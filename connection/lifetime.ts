/**
 * Whether a connection is open, closed on purpose, or lost, and how it gets
 * another session in the place of the one it has.
 *
 * @module
 */

import { OperationalError, ProgrammingError } from "../errors/base.ts";
import type { CancelRequests } from "./cancel.ts";
import type { Executor } from "./executor.ts";
import type { OpenedSession } from "./session_start.ts";
import { closedError, type Wire } from "./wire.ts";

/** The way of a connection through its sessions, of which it has one at a time. */
export class Lifetime {
  readonly #opened: OpenedSession;
  readonly #executor: Executor;
  #closing: Promise<void> | null = null;
  #resetting: Promise<void> | null = null;
  /** Why the session ends that is ending, if it is no failure. */
  #intent: "close" | "reset" | null = null;
  /** Ends a reset that is under way. */
  #giveUpReset: AbortController | null = null;
  #broken: boolean;
  #resetFailure: Error | null = null;
  #end: PromiseWithResolvers<Error | null> | null = null;

  /**
   * @param opened The session, which is replaced in place by a reset.
   * @param executor Runs the statements.
   * @param cancelRequests Those under way end with the session.
   */
  constructor(
    opened: OpenedSession,
    executor: Executor,
    cancelRequests: CancelRequests,
  ) {
    this.#opened = opened;
    this.#executor = executor;
    this.#broken = opened.wire.engine.failure !== null;
    opened.onLost = () => {
      this.#broken = this.#intent === null;
      cancelRequests.end();
      opened.events.notifies.reader?.wake();
      if (this.#intent !== "reset") this.#tellEnd();
    };
    executor.onRetired = () => {
      opened.events.notifies.abandon();
      this.#tellEnd();
    };
  }

  /** Whether the connection is closed, on purpose or by a failure. */
  get closed(): boolean {
    return this.#closing !== null || this.#executor.closed;
  }

  /** Whether it was closed by a failure. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Why it is broken; `""` if it is not. */
  get failure(): string {
    return this.#loss?.message ?? "";
  }

  /** Settles when the connection is closed: with why it is broken, or `null`. */
  get closedPromise(): Promise<Error | null> {
    if (this.closed && this.#resetting === null) {
      return Promise.resolve(this.#loss);
    }
    return (this.#end ??= Promise.withResolvers()).promise;
  }

  get #loss(): Error | null {
    if (!this.#broken) return null;
    return this.#resetFailure ?? this.#opened.wire.engine.failure;
  }

  #tellEnd(): void {
    this.#end?.resolve(this.#loss);
    this.#end = null;
  }

  /** Closes the connection for good. */
  close(): Promise<void> {
    if (this.#executor.retired) return Promise.resolve();
    if (this.#closing === null) {
      this.#warnOfLoss();
      this.#intent = "close";
      this.#giveUpReset?.abort();
      this.#closing = this.#resetting === null
        ? this.#opened.wire.close(closedError())
        // It closes what it opens.
        : this.#resetting.catch(() => {}).then(() => this.#tellEnd());
    }
    return this.#closing;
  }

  /**
   * Closes the session and opens another with the same parameters.
   *
   * @param signal Gives up.
   * @throws {ProgrammingError} If a block of `transaction()`, `pipeline()` or
   * `copy()` is open.
   * @throws {OperationalError} If the connection was closed, or connecting failed.
   */
  // deno-lint-ignore require-await -- rejects rather than throws
  async reset(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closing !== null) throw closedError();
    if (this.#executor.retired) this.#executor.checkOpen();
    this.#checkNoBlock();
    this.#resetting ??= this.#reset(signal).finally(() => {
      this.#resetting = null;
    });
    return this.#resetting;
  }

  async #reset(signal: AbortSignal | undefined): Promise<void> {
    const opened = this.#opened;
    const old = opened.wire;
    this.#warnOfLoss();
    this.#broken = false;
    this.#intent = "reset";
    const closed = this.#giveUpReset = new AbortController();
    try {
      await old.close(
        new OperationalError(
          "Cannot use the connection: reset() has ended its session",
        ),
      );
      const giveUp = signal === undefined
        ? closed.signal
        : AbortSignal.any([signal, closed.signal]);
      await this.#executor.replaceSession(async () => {
        const fresh = await opened.reopen(giveUp);
        if (this.#intent === "close") {
          await fresh.wire.close(closedError());
          throw closedError();
        }
        return this.#takeOver(old, fresh);
      });
      this.#resetFailure = null;
    } catch (error) {
      if (this.#closing !== null) throw closedError();
      this.#intent = null;
      this.#broken = true;
      this.#resetFailure = error instanceof Error ? error : null;
      this.#tellEnd();
      throw error;
    }
  }

  /** Whoever knows the old session by `opened` has the fresh one from now on. */
  #takeOver(old: Wire, fresh: OpenedSession): Wire {
    const opened = this.#opened;
    const { wire, tls, session, parameters, usedPassword, mismatch } = fresh;
    opened.session.become(session);
    wire.follow(old);
    Object.assign(opened, { wire, tls, parameters, usedPassword, mismatch });
    fresh.onLost = () => opened.onLost();
    this.#intent = null;
    this.#broken = wire.engine.failure !== null;
    if (this.#broken) this.#tellEnd();
    return wire;
  }

  #checkNoBlock(): void {
    const { transactions, pipelineDepth, copyDepth } = this.#executor;
    const block = transactions.blocks.length > 0
      ? "transaction()"
      : pipelineDepth > 0
      ? "pipeline()"
      : copyDepth > 0
      ? "copy()"
      : null;
    if (block === null) return;
    throw new ProgrammingError(
      `Cannot reset the connection: a block of ${block} is open, leave it first`,
    );
  }

  #warnOfLoss(): void {
    const { transactions } = this.#executor;
    if (this.closed || !transactions.open || !transactions.dirty) return;
    this.#opened.warn(
      "the connection is closed while a transaction is open that has changed something, so its changes are lost: end it with commit(), use transaction(), or connect with autocommit: true",
    );
  }
}
