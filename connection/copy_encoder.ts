/**
 * From values to the data of a COPY FROM: rows are written into a buffer, which
 * goes to a writer whenever it is full.
 *
 * @module
 */

import { DataError, ProgrammingError } from "../errors/base.ts";
import type { TextCodec } from "../protocol/text.ts";
import { WriteBuffer } from "../protocol/write_buffer.ts";
import { NO_SESSION, PlaceholderFormat } from "../types/adapt.ts";
import type { AdaptersMap } from "../types/adapters_map.ts";
import { CopyBinaryWriter } from "../types/copy_binary.ts";
import { type CopyRowWriter, oidsOf } from "../types/copy_rows.ts";
import { CopyTextWriter } from "../types/copy_text.ts";
import { adapters } from "../types/defaults.ts";
import { Transformer } from "../types/transformer.ts";
import { ended } from "./copy_session.ts";
import type { CopyWriter } from "./copy_writers.ts";

/** So many bytes leave together. */
const BATCH = 64 * 1024;
const DONE: Promise<void> = Promise.resolve();

/** What an encoder needs to know of a connection. */
interface EncoderSession {
  /** Where to look for dumpers. */
  readonly transformer: Transformer;
  /** How text is written. */
  readonly codec: TextCodec;
  /** How many columns there are. */
  readonly columns: number;
  /** Whether the COPY has failed. */
  failed(): boolean;
  /** Why it has. */
  failure(): unknown;
}

/** Options of a {@linkcode CopyEncoder}. */
export interface CopyEncoderOptions {
  /** Whether to write the binary format of COPY; text by default. */
  binary?: boolean | undefined;
  /** The dumpers to use; the global ones by default. */
  adapters?: AdaptersMap | undefined;
  /** @internal */
  session?: EncoderSession | undefined;
}

/**
 * Writes rows in the format of COPY to a writer. `conn.copy()` has one of its
 * own; with a {@linkcode StreamWriter} one makes a file without a connection.
 *
 * @example
 * ```ts
 * import { CopyEncoder } from "@x/pgts";
 *
 * const lines: string[] = [];
 * const encoder = new CopyEncoder({
 *   write: async (block) => void lines.push(new TextDecoder().decode(block)),
 *   finish: async () => {},
 * });
 * await encoder.writeRows([[1, "one"], [2, null]]);
 * await encoder.end();
 * console.log(lines); // [ "1\tone\n2\t\\N\n" ]
 * ```
 */
export class CopyEncoder {
  /** Whether the data is in the binary format. */
  readonly binary: boolean;

  readonly #writer: CopyWriter;
  readonly #session: EncoderSession | null;
  readonly #transformer: Transformer;
  readonly #rows: CopyRowWriter;
  #batch = new WriteBuffer(BATCH + 16 * 1024);
  #spare = new WriteBuffer(16);
  #width: number | null;
  #begun: "no" | "rows" | "raw" = "no";
  #sending: Promise<void> | null = null;
  #large: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;
  #ended = false;

  /**
   * Makes an encoder.
   *
   * @param writer Who gets the data.
   * @param options See {@linkcode CopyEncoderOptions}.
   */
  constructor(writer: CopyWriter, options: CopyEncoderOptions = {}) {
    const { session } = options;
    this.binary = options.binary ?? false;
    this.#writer = writer;
    this.#session = session ?? null;
    this.#transformer = session?.transformer ??
      new Transformer(options.adapters ?? adapters, NO_SESSION);
    this.#rows = this.binary
      ? new CopyBinaryWriter(this.#transformer)
      : new CopyTextWriter(this.#transformer);
    this.#width = session?.columns ?? null;
    if (session !== undefined) {
      this.#batch.codec = this.#spare.codec = session.codec;
    }
  }

  /**
   * Sets the types of the fields of the rows to come. Values are then sent as
   * these types, whatever they look like; binary data needs that for nearly all
   * numbers.
   *
   * @param types Names or OIDs of types, one for each field.
   * @throws {ProgrammingError} If a type is not known, or nothing dumps it.
   */
  setTypes(types: readonly (string | number)[]): void {
    const format = this.binary
      ? PlaceholderFormat.BINARY
      : PlaceholderFormat.AUTO;
    this.#rows.dumpers = oidsOf(types, this.#transformer)
      .map((oid) => this.#transformer.getDumperByOid(oid, format));
    this.#width = types.length;
  }

  /**
   * Writes data that has the format of COPY already, or that of the statement's
   * own options. It need not consist of whole rows.
   *
   * @param data The data; as text only where the format is text.
   * @returns A promise that settles when more may be written.
   * @throws {TypeError} If text is given for binary data.
   * @throws {DataError} If the text contains a NUL or a lone surrogate.
   */
  write(data: string | Uint8Array): Promise<void> {
    if (this.#large !== null) return this.#after(() => this.write(data));
    try {
      this.#checkUsable();
      checkData(data, this.binary);
      this.#begun = this.#begun === "no" ? "raw" : this.#begun;
      if (data.length > BATCH) {
        const large = this.#large = this.#writeLarge(data);
        const forget = () => {
          if (this.#large === large) this.#large = null;
        };
        large.then(forget, forget);
        return large;
      }
      if (typeof data === "string") this.#batch.text(data);
      else this.#batch.raw(data);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#batch.length < BATCH ? DONE : this.#send();
  }

  /**
   * Writes a row. If that fails nothing of it is sent, and other rows can follow.
   *
   * @param values The values of its fields; `null` is NULL.
   * @returns A promise that settles when more may be written.
   * @throws {DataError} If it has another number of fields than it should, or a
   * type cannot hold a value.
   * @throws {ProgrammingError} If a value is `undefined` or has no dumper.
   */
  writeRow(values: readonly unknown[]): Promise<void> {
    if (this.#large !== null) return this.#after(() => this.writeRow(values));
    try {
      this.#append(values);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#batch.length < BATCH ? DONE : this.#send();
  }

  /**
   * Writes many rows. Faster than one by one, as it waits only when a batch of
   * them is full.
   *
   * @param rows The rows, see {@linkcode CopyEncoder.writeRow}.
   * @throws {DataError} See {@linkcode CopyEncoder.writeRow}; the rows before
   * the one that fails have been written.
   */
  async writeRows(
    rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>,
  ): Promise<void> {
    if (Symbol.asyncIterator in rows) {
      for await (const row of rows) {
        const written = this.writeRow(row);
        if (written !== DONE) await written;
      }
      return;
    }
    if (this.#large !== null) await this.#large;
    for (const row of rows) {
      this.#append(row);
      if (this.#batch.length >= BATCH) await this.#send();
    }
  }

  /**
   * Writes what is left, and ends the data and the writer.
   *
   * @throws What the writer throws.
   */
  async end(): Promise<void> {
    if (this.#ended) return;
    while (this.#large !== null) await this.#large;
    const { binary } = this;
    if (binary && this.#begun !== "raw") {
      if (this.#begun === "no") this.#rows.begin(this.#batch);
      this.#rows.end(this.#batch);
    }
    while (this.#batch.length > 0 || this.#sending !== null) await this.#send();
    this.#ended = true;
    if (this.#failure !== null) throw this.#failure.error;
    await this.#writer.finish();
  }

  /**
   * Gives up: tells the writer that the data is incomplete.
   *
   * @param error Why.
   */
  async abort(error: unknown): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#writer.finish(error);
  }

  #append(values: readonly unknown[]): void {
    this.#checkUsable();
    if (!Array.isArray(values)) {
      throw new TypeError(
        "Cannot write the row: it must be an array of values",
      );
    }
    const width = this.#width;
    if (width !== null && values.length !== width) {
      throw new DataError(
        `Cannot write the row: it has ${values.length} fields instead of ${width}`,
      );
    }
    const out = this.#batch;
    const mark = out.length;
    try {
      if (this.#begun === "no") this.#rows.begin(out);
      this.#rows.row(values, out);
    } catch (error) {
      out.rollback(mark);
      throw error;
    }
    if (this.#begun === "no") this.#begun = "rows";
    this.#width = values.length;
  }

  /** While a batch is on its way, the next one fills; only one is on its way at a time. */
  #send(): Promise<void> {
    return this.#sending ??= this.#sendBatch();
  }

  async #sendBatch(): Promise<void> {
    const full = this.#batch;
    this.#batch = this.#spare;
    try {
      await this.#writer.write(full.written());
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    } finally {
      full.clear();
      this.#spare = full;
      this.#sending = null;
    }
  }

  async #writeLarge(data: string | Uint8Array): Promise<void> {
    if (this.#sending !== null) await this.#sending;
    if (typeof data !== "string") {
      if (this.#batch.length > 0) await this.#send();
      try {
        return await this.#writer.write(data);
      } catch (error) {
        this.#failure ??= { error };
        throw error;
      }
    }
    for (let at = 0; at < data.length;) {
      let to = Math.min(at + BATCH, data.length);
      // Not between the two halves of a pair.
      if (to < data.length && (data.charCodeAt(to) & 0xfc00) === 0xdc00) to--;
      this.#batch.text(data.slice(at, to));
      await this.#send();
      at = to;
    }
  }

  async #after(act: () => Promise<void>): Promise<void> {
    await this.#large;
    await act();
  }

  #checkUsable(): void {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#session?.failed()) throw this.#session.failure();
    if (this.#ended) throw ended();
  }
}

function checkData(data: string | Uint8Array, binary: boolean): void {
  if (typeof data !== "string") {
    if (data instanceof Uint8Array) return;
    throw new TypeError(
      "Cannot write the data: it must be a string or a Uint8Array",
    );
  }
  if (binary) {
    throw new TypeError(
      "Cannot write text: the COPY has the binary format, write a Uint8Array",
    );
  }
  // Checked as a whole: of a long text the beginning would be on its way already.
  if (!data.isWellFormed() || data.includes("\0")) {
    throw new DataError(
      "Cannot write the text: it contains a NUL or a surrogate that is not part of a pair",
    );
  }
}

/** The error for what is done with a COPY of the other direction. */
export function wrongDirection(
  act: string,
  direction: "in" | "out" | null,
): ProgrammingError {
  return new ProgrammingError(
    direction === "in"
      ? `Cannot ${act}: the COPY takes data in, write() it`
      : `Cannot ${act}: the COPY gives data out, read() it`,
  );
}
