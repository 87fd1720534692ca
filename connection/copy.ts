/**
 * What a user holds of a COPY. What goes on beneath: `copy_session.ts` talks to
 * the server, `copy_encoder.ts` writes rows, `copy_decoder.ts` reads them.
 *
 * @module
 */

import type { PgError } from "../errors/base.ts";
import type { Transformer } from "../types/transformer.ts";
import { CopyDecoder } from "./copy_decoder.ts";
import { CopyEncoder, wrongDirection } from "./copy_encoder.ts";
import { CopyReader, failing } from "./copy_reader.ts";
import type { CopySession } from "./copy_session.ts";
import { ConnectionWriter, type CopyWriter } from "./copy_writers.ts";
import { readableOf, writableOf } from "./copy_streams.ts";
import type { CopyResult } from "./result.ts";

/** Options of `copy()`. */
export interface CopyOptions {
  /**
   * Aborts the COPY: reading and writing reject with the signal's reason, and
   * nothing is stored.
   */
  signal?: AbortSignal | undefined;
  /**
   * Puts a writer of one's own before the one that sends to the server, for
   * example a {@linkcode QueuedWriter}.
   *
   * @param server Sends to the server.
   * @returns Gets the data.
   */
  writer?: ((server: CopyWriter) => CopyWriter) | undefined;
}

/**
 * A COPY that is under way: `write()` and `writeRow()` for COPY FROM STDIN,
 * `read()` and `rows()` for COPY TO STDOUT.
 *
 * Until it ends, no other statement runs on the connection: one that is awaited
 * inside the block would wait for the block, and the block for it.
 *
 * @example Rows in and out
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect({ autocommit: true });
 * await conn.execute("create temp table item (id int, name text)");
 * await conn.copy("copy item from stdin", async (copy) => {
 *   await copy.writeRow([1, "hammer"]);
 *   await copy.writeRow([2, null]);
 * });
 * const rows = await conn.copy("copy item to stdout", async (copy) => {
 *   copy.setTypes(["int4", "text"]);
 *   return await Array.fromAsync(copy.rows());
 * });
 * console.log(rows); // [[1, "hammer"], [2, null]]
 * ```
 */
export class Copy
  implements AsyncDisposable, AsyncIterable<Uint8Array<ArrayBuffer>> {
  /** Whether the data goes in to the server or comes out of it. */
  readonly direction: "in" | "out";
  /** Whether the data is in the binary format. */
  readonly binary: boolean;

  readonly #session: CopySession;
  readonly #result: CopyResult;
  readonly #encoder: CopyEncoder | null;
  readonly #reader: CopyReader | null;
  readonly #onEnd: () => void;
  #ending: Promise<void> | null = null;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
  #writable: WritableStream<Uint8Array> | null = null;

  /** @internal */
  constructor(
    session: CopySession,
    transformer: Transformer,
    result: CopyResult,
    options: CopyOptions,
    onEnd: () => void,
  ) {
    const { direction, formats } = session.exchange;
    const { codec } = session.wire.engine.output;
    this.#session = session;
    this.#result = result;
    this.#onEnd = onEnd;
    this.direction = direction!;
    this.binary = formats!.format === 1;
    if (direction === "in") {
      const server = new ConnectionWriter(session);
      this.#encoder = new CopyEncoder(options.writer?.(server) ?? server, {
        binary: this.binary,
        session: {
          transformer,
          codec,
          columns: formats!.columns.length,
          failed: () => session.failed,
          failure: () => session.failure,
        },
      });
      this.#reader = null;
    } else {
      this.#encoder = null;
      this.#reader = new CopyReader(
        session,
        new CopyDecoder(this.binary, transformer, codec),
      );
    }
  }

  /** How many rows were copied; -1 until the COPY has ended well. */
  get rowCount(): number {
    return this.#result.rowCount;
  }

  /**
   * Sets the types of the fields. Rows are then written as these types, and read
   * as them; without that text is read as strings and binary data as bytes.
   *
   * @param types Names or OIDs of types, one for each field.
   * @throws {ProgrammingError} If a type is not known, or nothing dumps it.
   */
  setTypes(types: readonly (string | number)[]): void {
    (this.#encoder ?? this.#reader!).setTypes(types);
  }

  /**
   * Writes data that has the format of the COPY already. It need not consist of
   * whole rows.
   *
   * @param data The data; as text only where the format is not binary.
   * @returns A promise that settles when more may be written.
   * @throws {TypeError} If text is given for binary data.
   * @throws {DataError} If the text contains a NUL or a lone surrogate.
   * @throws {ProgrammingError} If the COPY gives data out.
   * @throws {DatabaseError} What the server says of data written before.
   */
  write(data: string | Uint8Array): Promise<void> {
    return this.#encoder?.write(data) ?? this.#refuse("write");
  }

  /**
   * Writes a row in the default format of COPY, text or binary: not as CSV. If
   * that fails nothing of it is sent, and other rows can follow.
   *
   * @param values The values of its fields; `null` is NULL.
   * @returns A promise that settles when more may be written.
   * @throws {DataError} If it has another number of fields than it should, or a
   * type cannot hold a value.
   * @throws {ProgrammingError} If a value is `undefined` or has no dumper, or if
   * the COPY gives data out.
   * @throws {DatabaseError} What the server says of data written before.
   */
  writeRow(values: readonly unknown[]): Promise<void> {
    return this.#encoder?.writeRow(values) ?? this.#refuse("write");
  }

  /**
   * Writes many rows. Faster than one by one, as it waits only when a batch of
   * them is full.
   *
   * @param rows The rows, see {@linkcode Copy.writeRow}.
   * @throws Whatever {@linkcode Copy.writeRow} throws; the rows before the one
   * that fails have been written.
   */
  async writeRows(
    rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>,
  ): Promise<void> {
    await (this.#encoder?.writeRows(rows) ?? this.#refuse("write"));
  }

  /**
   * Reads the next block, as the server sent it: with servers up to now each is a
   * row, the first one of binary data with the header before it.
   *
   * @returns The block; an empty one when there are no more.
   * @throws {ProgrammingError} If the COPY takes data in.
   * @throws {DatabaseError} If the server fails half-way.
   */
  read(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#reader?.block() ?? this.#refuse("read");
  }

  /**
   * Reads the next row of data in the default format of COPY: not of CSV.
   *
   * @returns The values of its fields, or `null` when there are no more.
   * @throws {ProgrammingError} If the COPY takes data in, or if the row has
   * another number of fields than types were set.
   * @throws {DataError} If a value cannot be read as its type.
   * @throws {DatabaseError} If the server fails half-way.
   */
  readRow(): Promise<unknown[] | null> {
    return this.#reader?.row() ?? this.#refuse("read");
  }

  /**
   * Reads the rows that are left, see {@linkcode Copy.readRow}.
   *
   * @returns The rows, one by one.
   */
  rows(): AsyncIterableIterator<unknown[], undefined> {
    return this.#reader?.rows() ?? failing(this.#wrongDirection("read"));
  }

  /** The blocks that are left, see {@linkcode Copy.read}. */
  [Symbol.asyncIterator](): AsyncIterableIterator<
    Uint8Array<ArrayBuffer>,
    undefined
  > {
    return this.#reader?.blocks() ?? failing(this.#wrongDirection("read"));
  }

  /**
   * The data as a stream, in pieces of many rows. Cancelling it gives the COPY up.
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOf(
      () => this.#reader?.chunk() ?? this.#refuse("read"),
      (reason) => this.abort(reason),
    );
  }

  /** Takes data as a stream. Closing it ends the COPY, aborting it gives it up. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableOf(this);
  }

  /**
   * Ends the COPY. What was written is stored once this resolves. A COPY that
   * gives data out and has not been read to its end is cancelled on the server,
   * and the transaction with it.
   *
   * @throws {DatabaseError} What the server says of the data.
   */
  end(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  /**
   * Gives the COPY up: what was written is not stored, what was not read is
   * dropped. Does nothing if it has ended.
   *
   * @param reason Why; the server's log gets no more than its class.
   */
  async abort(reason?: unknown): Promise<void> {
    if (this.#ending !== null) return await this.#ending.catch(() => {});
    this.#ending = this.#giveUp(reason ?? "abort");
    await this.#ending;
  }

  /** Gives the COPY up unless {@linkcode Copy.end} was called. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  async #end(): Promise<void> {
    try {
      if (this.#encoder !== null) {
        await this.#encoder.end();
        await this.#session.finish(); // Whatever a writer of the user did.
      } else if (this.#reader!.over) await this.#session.finish();
      else return await this.#giveUp("end");
      this.#result.commandTag = this.#session.exchange.commandTag;
    } catch (error) {
      await this.#giveUp(error);
      throw error;
    } finally {
      this.#onEnd();
    }
  }

  async #giveUp(reason: unknown): Promise<void> {
    try {
      await this.#encoder?.abort(reason);
    } catch {
      // Why it was given up counts.
    }
    await this.#session.giveUp("the program gave up");
    this.#onEnd();
  }

  #refuse(act: string): Promise<never> {
    return Promise.reject(this.#wrongDirection(act));
  }

  #wrongDirection(act: string): PgError {
    return wrongDirection(act, this.direction);
  }
}
