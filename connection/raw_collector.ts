/**
 * Rows as they come off the wire: copied, checked, and not decoded.
 *
 * @module
 */

import { ProtocolError } from "../errors/base.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FieldDescription } from "../protocol/backend.ts";
import type { ResultSink } from "../protocol/exchange.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import { ExecStatus } from "./pg_constants.ts";

/**
 * What a result is made of.
 *
 * @internal
 */
export interface ResultParts {
  /** What kind of result it is. */
  readonly status: ExecStatus;
  /** The columns. */
  readonly fields?: readonly FieldDescription[];
  /** The bodies of the DataRow messages. */
  readonly rows?: readonly Uint8Array<ArrayBuffer>[];
  /** How many rows there were, where they were decoded instead of kept. */
  readonly decoded?: number;
  /** The OIDs of the parameters. */
  readonly parameterOids?: readonly number[];
  /** The command tag. */
  readonly tag?: string | null;
  /** The error. */
  readonly diag?: Diagnostic;
}

/**
 * Collects results as they come: a copy of each row, and nothing decoded.
 *
 * @internal
 */
export class RawCollector implements ResultSink {
  /** The results that are complete. */
  readonly results: ResultParts[] = [];
  /** The tags of the commands that ended well. */
  readonly tags: string[] = [];

  #fields: readonly FieldDescription[] | null = null;
  #rows: Uint8Array<ArrayBuffer>[] = [];

  /** The columns of the rows to come. */
  describe(fields: readonly FieldDescription[]): void {
    this.#fields = fields;
  }

  /** A row: copied, as what is behind it gets overwritten. */
  row(source: ReadBuffer): void {
    const body = source.bytes.slice(source.start, source.end);
    checkRow(body, this.#fields?.length ?? 0);
    this.#rows.push(body);
  }

  /** A statement ended well. */
  complete(tag: string): void {
    const fields = this.#fields;
    const status = fields === null
      ? ExecStatus.COMMAND_OK
      : ExecStatus.TUPLES_OK;
    this.tags.push(tag);
    this.#add({ status, fields: fields ?? [], rows: this.#rows, tag });
  }

  /** A statement was empty. */
  empty(): void {
    this.#add({ status: ExecStatus.EMPTY_QUERY });
  }

  #add(parts: ResultParts): void {
    this.results.push(parts);
    this.#fields = null;
    this.#rows = [];
  }
}

/** @throws {ProtocolError} If a row does not consist of as many values as it should. */
function checkRow(body: Uint8Array<ArrayBuffer>, columns: number): void {
  const count = body.length < 2 ? -1 : (body[0]! << 8) | body[1]!;
  let at = 2;
  let whole = count === columns;
  for (let i = 0; whole && i < columns; i++) {
    whole = body.length - at >= 4 && sizeAt(body, at) >= -1;
    if (whole) at += 4 + Math.max(0, sizeAt(body, at));
  }
  if (!whole || at !== body.length) {
    throw new ProtocolError(
      `Cannot read a row: it is not made of ${columns} values, as was announced`,
    );
  }
}

/**
 * The size of a value in the body of a DataRow.
 *
 * @param body The body.
 * @param at Where its size is.
 * @returns Its size in bytes; negative for NULL.
 */
export function sizeAt(body: Uint8Array<ArrayBuffer>, at: number): number {
  return new DataView(body.buffer, body.byteOffset).getInt32(at);
}
