/**
 * What `execute()` returns in a pipeline: a promise that knows whether anybody
 * awaits it. An error that nobody awaits is told by the next `sync()`, or at the
 * end of the pipeline, rather than by ending the process.
 *
 * @module
 */

import { Execution, type Fetchable } from "./execution.ts";

/** A failure of a statement in a pipeline. */
export interface Failure {
  /** The error. */
  readonly error: unknown;
  /** Whether somebody awaits it, and so is told of the error. */
  readonly heeded: boolean;
}

/**
 * Has a kind of promise note that it is looked at. Whatever looks at a promise,
 * be it `await`, `then()` or `Promise.all()`, asks for its constructor first;
 * that is the only trace which an `await` leaves.
 */
function noteLooks<P extends object>(
  prototype: P,
  look: (promise: P) => void,
): void {
  Object.defineProperty(prototype, "constructor", {
    get(this: P): PromiseConstructor {
      look(this);
      return Promise; // As in Execution: what else it says costs each await two turns.
    },
  });
}

/** Keeps a rejection from being reported as unhandled. */
function hush(promise: Promise<unknown>): void {
  Promise.prototype.then.call(promise, undefined, () => {});
}

/** The promise of rows that were asked for before their statement was answered. */
class Fetching<T, C> extends Promise<T> {
  readonly #fetch: (cursor: C) => Promise<T>;
  readonly #resolve: (value: Promise<T>) => void;
  readonly #reject: (error: unknown) => void;
  #looked = false;

  static {
    noteLooks(this.prototype, (promise) => {
      if (#looked in promise) promise.#looked = true;
    });
  }

  constructor(fetch: (cursor: C) => Promise<T>) {
    let resolve!: (value: Promise<T>) => void;
    let reject!: (error: unknown) => void;
    super((res, rej) => {
      resolve = res;
      reject = rej;
    });
    this.#fetch = fetch;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get looked(): boolean {
    return this.#looked;
  }

  complete(cursor: C): void {
    this.#resolve(this.#fetch(cursor));
  }

  fail(error: unknown): void {
    this.#reject(error);
    if (this.#looked) return;
    hush(this);
    this.#looked = false;
  }
}

/** The promise of a cursor whose statement is in a pipeline. */
export class PipelinedExecution<
  Row,
  C extends Fetchable<Row> = Fetchable<Row>,
> extends Execution<Row, C> implements Failure {
  readonly #resolve: (cursor: C) => void;
  readonly #reject: (error: unknown) => void;
  readonly #fetchings: Pick<
    Fetching<unknown, C>,
    "looked" | "complete" | "fail"
  >[] = [];
  #settled = false;
  #looked = false;
  #error: unknown = null;

  static {
    noteLooks(this.prototype, (promise) => {
      if (#looked in promise) promise.#looked = true;
    });
  }

  /** Makes a promise that is settled by {@linkcode complete} or {@linkcode fail}. */
  constructor() {
    let resolve!: (cursor: C) => void;
    let reject!: (error: unknown) => void;
    super((res, rej) => {
      resolve = res;
      reject = rej;
    });
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Why it failed, or `null`. */
  get error(): unknown {
    return this.#error;
  }

  /** Whether somebody awaits it, or rows that were asked of it. */
  get heeded(): boolean {
    return this.#looked || this.#fetchings.some(({ looked }) => looked);
  }

  /** The statement ended well. */
  complete(cursor: C): void {
    this.#settled = true;
    this.#resolve(cursor);
    for (const fetching of this.#fetchings) fetching.complete(cursor);
  }

  /** The statement failed. Who does not heed it by now is not told by the runtime. */
  fail(error: unknown): void {
    this.#settled = true;
    this.#error = error;
    this.#reject(error);
    for (const fetching of this.#fetchings) fetching.fail(error);
    if (this.#looked) return;
    hush(this);
    this.#looked = false;
  }

  override fetchOne(): Promise<Row | null> {
    return this.#fetch((cursor) => cursor.fetchOne());
  }

  override fetchMany(size?: number): Promise<Row[]> {
    return this.#fetch((cursor) => cursor.fetchMany(size));
  }

  override fetchAll(): Promise<Row[]> {
    return this.#fetch((cursor) => cursor.fetchAll());
  }

  #fetch<T>(fetch: (cursor: C) => Promise<T>): Promise<T> {
    if (this.#settled) return this.then(fetch);
    const fetching = new Fetching<T, C>(fetch);
    this.#fetchings.push(fetching);
    return fetching;
  }
}
