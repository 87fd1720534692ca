/**
 * The identifier of a two-phase transaction.
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { findTemporal, missingTemporal } from "../types/datetime_parts.ts";

const MAX_FORMAT = 0x7fff_ffff;
const MAX_LENGTH = 64;
const ENCODED = /^(\d+)_([A-Za-z\d+/=]*)_([A-Za-z\d+/=]*)$/;

/** What the server tells of a transaction that is prepared. */
export interface RecoveredXid {
  /** The identifier as the server has it. */
  readonly gid: string;
  /** When it was prepared, in microseconds since 1970. */
  readonly micros: bigint;
  /** The role that prepared it. */
  readonly owner: string;
  /** The database that it is in. */
  readonly database: string;
}

/**
 * Makes what `tpcRecover()` gives.
 *
 * @internal
 */
export let recoveredXid: (recovered: RecoveredXid) => Xid;

/**
 * The identifier of a two-phase transaction: the three parts that the XA standard
 * has, or, where `formatId` is `null`, a text of any form in `gtrid`.
 *
 * The server knows a transaction by one text. Three parts are written as
 * `42_Z3RyaWQ=_YnF1YWw=`, as JDBC writes them; a text stays what it is. The
 * server takes up to 199 bytes.
 *
 * @example
 * ```ts
 * import { Xid } from "@x/pgts";
 *
 * const xid = new Xid(42, "gtrid", "bqual");
 * console.log(String(xid)); // 42_Z3RyaWQ=_YnF1YWw=
 * const [formatId, gtrid, bqual] = Xid.fromString("42_Z3RyaWQ=_YnF1YWw=");
 * console.log(formatId, gtrid, bqual); // 42 gtrid bqual
 * ```
 */
export class Xid implements Iterable<number | string | null> {
  /** The number of the format, or `null` for a text that has no parts. */
  readonly formatId: number | null;
  /** The transaction as a whole; or the text. */
  readonly gtrid: string;
  /** The branch of the transaction, or `null` for a text that has no parts. */
  readonly bqual: string | null;
  #recovered: RecoveredXid | null = null;

  static {
    recoveredXid = (recovered) => {
      const xid = Xid.fromString(recovered.gid);
      xid.#recovered = recovered;
      return xid;
    };
  }

  /**
   * Makes an identifier.
   *
   * @param formatId The number of the format, from 0 to 2³¹−1; `null` for a text
   * without parts.
   * @param gtrid The transaction as a whole, up to 64 characters; or the text.
   * @param bqual The branch of the transaction, up to 64 characters.
   * @throws {RangeError} If a part is out of range.
   * @throws {TypeError} If there is a format and no branch, or the other way around.
   */
  constructor(
    formatId: number | null,
    gtrid: string,
    bqual: string | null = formatId === null ? null : "",
  ) {
    if (formatId === null) checkText(gtrid, bqual);
    else checkParts(formatId, gtrid, bqual);
    this.formatId = formatId;
    this.gtrid = gtrid;
    this.bqual = bqual;
  }

  /**
   * Reads the text by which a server knows a transaction.
   *
   * @param text The text.
   * @returns Its three parts; or, where it is not made of three, the text itself
   * in `gtrid`. In either case `toString()` gives the same text again.
   */
  static fromString(text: string): Xid {
    const [, formatId, gtrid, bqual] = ENCODED.exec(text) ?? [];
    if (formatId !== undefined) {
      try {
        const xid = new Xid(Number(formatId), decode(gtrid!), decode(bqual!));
        if (xid.toString() === text) return xid;
      } catch {
        // It only looks as if it had parts.
      }
    }
    return new Xid(null, text);
  }

  /**
   * When the transaction was prepared, if `tpcRecover()` found it.
   *
   * @throws {NotSupportedError} Without Temporal.
   */
  get prepared(): Temporal.Instant | null {
    if (this.#recovered === null) return null;
    const temporal = findTemporal();
    if (temporal === undefined) throw missingTemporal("timestamptz");
    return new temporal.Instant(this.#recovered.micros * 1000n);
  }

  /** The role that prepared the transaction, if `tpcRecover()` found it. */
  get owner(): string | null {
    return this.#recovered?.owner ?? null;
  }

  /**
   * The database that the transaction is in, if `tpcRecover()` found it. Only a
   * connection to that one can end it.
   */
  get database(): string | null {
    return this.#recovered?.database ?? null;
  }

  /** The text by which the server knows the transaction. */
  toString(): string {
    const { formatId, gtrid, bqual } = this;
    if (formatId === null || bqual === null) return gtrid;
    return `${formatId}_${encodeBase64(gtrid)}_${encodeBase64(bqual)}`;
  }

  /** The three parts. */
  *[Symbol.iterator](): Generator<number | string | null, void, undefined> {
    yield this.formatId;
    yield this.gtrid;
    yield this.bqual;
  }
}

function decode(base64: string): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
    .decode(decodeBase64(base64));
}

function checkText(gtrid: string, bqual: string | null): void {
  if (typeof gtrid !== "string") throw notText("gtrid");
  if (bqual === null) return;
  throw new TypeError(
    "Cannot make a transaction identifier: bqual is given without a formatId, which it belongs to",
  );
}

function checkParts(
  formatId: number,
  gtrid: string,
  bqual: string | null,
): void {
  if (
    !Number.isInteger(formatId) || formatId < 0 || formatId > MAX_FORMAT
  ) {
    throw new RangeError(
      `Cannot make a transaction identifier: formatId is ${formatId}, it must be an integer from 0 to ${MAX_FORMAT}`,
    );
  }
  if (bqual === null) {
    throw new TypeError(
      "Cannot make a transaction identifier: formatId is given without bqual, pass one, which may be empty",
    );
  }
  for (const [name, part] of Object.entries({ gtrid, bqual })) {
    if (typeof part !== "string") throw notText(name);
    const length = [...part].length;
    if (length <= MAX_LENGTH) continue;
    throw new RangeError(
      `Cannot make a transaction identifier: ${name} has ${length} characters, ${MAX_LENGTH} are allowed`,
    );
  }
}

function notText(name: string): TypeError {
  return new TypeError(
    `Cannot make a transaction identifier: ${name} is no string`,
  );
}
