/**
 * One statement with many sets of parameters: sent without waiting for the
 * answers one by one, in bounded memory, with one Sync at the end.
 *
 * @module
 */

import type { Exchange } from "../protocol/exchange.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { Result } from "./result.ts";
import type { Runner } from "./runner.ts";
import { unsent } from "./staleness.ts";
import { planParameters, type Request } from "./statement_writer.ts";

/** What is appended is sent when it has so many bytes, at the latest. */
export const FLUSH_FROM: number = 64 * 1024;
const MOST_SETS = 1000;
const MOST_BYTES = 1024 * 1024;

/** Where sets of parameters come from. */
export type ParameterSets =
  | Iterable<QueryParameters>
  | AsyncIterable<QueryParameters>;

/** Gives a batch its statements, one by one, and gets each back when it has ended well. */
export interface BatchSource {
  /** The statements. */
  readonly requests: Iterable<Request>;
  /** One has ended well, and has its results. */
  done(request: Request): void;
}

/**
 * A run of many statements on a connection that nobody else uses meanwhile. Two
 * groups are under way at most: while the server works on one, the next is
 * written.
 */
export class Batch {
  readonly #runner: Runner;
  readonly #signal: AbortSignal | undefined;
  #failure: { readonly error: unknown } | null = null;

  /**
   * @param runner Sends the statements.
   * @param signal Aborts the run.
   */
  constructor(runner: Runner, signal: AbortSignal | undefined) {
    this.#runner = runner;
    this.#signal = signal;
  }

  /**
   * Runs it. All of it is one transaction: if a statement fails, or cannot even
   * be sent, none has an effect, or the open transaction has failed.
   *
   * @param source Gives the statements.
   * @throws What the first statement failed with, whatever the source throws, or
   * the reason of the signal.
   */
  async run(source: BatchSource): Promise<void> {
    const runner = this.#runner;
    const { transactions } = runner;
    const alone = !transactions.open && transactions.nextBegin === null;
    try {
      await this.#appendAll(source);
    } catch (error) {
      this.#failure ??= { error };
    }
    if (!runner.closed) {
      // What failed here and not on the server would be committed by the Sync. Where it
      // failed there, this is skipped.
      if (this.#failure !== null && alone) runner.rollBackAppended();
      const sync = runner.sync();
      const { error } = await this.#over(sync);
      if (error !== null) this.#failure ??= { error: runner.told(sync) };
    }
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #appendAll({ requests, done }: BatchSource): Promise<void> {
    const runner = this.#runner;
    const reject = (error: unknown) => void (this.#failure ??= { error });
    let before: Exchange | null = null;
    for (const request of requests) {
      this.#signal?.throwIfAborted();
      const parameters = unsent(() => planParameters(request));
      const last = runner.append(
        request,
        runner.statementOf(request, parameters.oids),
        parameters,
        () => done(request),
        reject,
      );
      if (this.#failure !== null) return;
      if (runner.groupSize < FLUSH_FROM) continue;
      runner.flush();
      if (before !== null) await this.#over(before);
      if (this.#failure !== null) return;
      before = last;
    }
  }

  /** Waits for an exchange. An abort meanwhile cancels what is running. */
  async #over(exchange: Exchange): Promise<Exchange> {
    try {
      await this.#runner.finished(exchange, this.#signal);
    } catch (error) {
      // The statement that was cancelled has failed with what the server says of it.
      this.#failure = { error };
    }
    return exchange;
  }
}

/** What came of many runs of a statement. */
export class Tally {
  /** How many rows the commands concerned, all together. */
  rowCount = 0;
  /** The command tag of the last of them. */
  commandTag: string | null = null;
  /** The result of each, where they are asked for. */
  readonly results: Result[] = [];
  readonly #returning: boolean;

  /** @param returning Whether to keep the results. */
  constructor(returning: boolean) {
    this.#returning = returning;
  }

  /** Counts a run that ended well. */
  add({ results }: Request): void {
    for (const result of results) {
      this.rowCount += Math.max(result.rowCount, 0);
      this.commandTag = result.commandTag;
      if (this.#returning) this.results.push(result);
    }
  }
}

/**
 * Gathers what a source gives by and by, so much as is worth sending at once.
 *
 * @param sets The source.
 * @param signal Gives up waiting for it.
 * @returns Sets of parameters that are to be sent together.
 * @throws Whatever the source throws, or the reason of the signal.
 */
export async function* gather(
  sets: AsyncIterable<QueryParameters>,
  signal: AbortSignal | undefined,
): AsyncGenerator<QueryParameters[]> {
  const iterator = sets[Symbol.asyncIterator]();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  aborted.promise.catch(() => {}); // Nobody may be waiting when it happens.
  signal?.addEventListener("abort", abort, { once: true });
  let ended = false;
  let gathered: QueryParameters[] = [];
  let bytes = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const next = await Promise.race([iterator.next(), aborted.promise]);
      if (next.done) break;
      gathered.push(next.value);
      bytes += sizeOf(next.value);
      if (gathered.length < MOST_SETS && bytes < MOST_BYTES) continue;
      yield gathered;
      gathered = [];
      bytes = 0;
    }
    ended = true;
    if (gathered.length > 0) yield gathered;
  } finally {
    signal?.removeEventListener("abort", abort);
    // Not awaited after an abort: the source may be waiting for something itself.
    const returned = ended ? undefined : iterator.return?.();
    if (signal?.aborted) returned?.catch(() => {});
    else await returned;
  }
}

/** About how many bytes a set of parameters has, those of its long values at least. */
function sizeOf(set: QueryParameters): number {
  let bytes = 0;
  for (const value of Object.values(set ?? {})) {
    if (typeof value === "string") bytes += value.length;
    else if (value instanceof Uint8Array) bytes += value.byteLength;
    else bytes += 16;
  }
  return bytes;
}
