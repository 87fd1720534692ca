/**
 * What the server told about a session: its parameters and its encoding.
 *
 * @module
 */

import { codecFor } from "../protocol/encodings.ts";
import { type TextCodec, UTF8 } from "../protocol/text.ts";
import type { SessionState } from "../types/adapt.ts";

/** The parameters that the server reports, as they are now. */
export class Session implements SessionState {
  /** The encoding that text is in on the wire. */
  codec: TextCodec = UTF8;

  readonly #parameters = new Map<string, string>();
  #readsDatesAsText = true;

  /** PostgreSQL's name of the client encoding. */
  get encoding(): string {
    return this.codec.encoding;
  }

  /** Whether DateStyle and IntervalStyle are such that text of every value can be read. */
  get readsDatesAsText(): boolean {
    return this.#readsDatesAsText;
  }

  /** A parameter that the server reports, or `null`. */
  parameterStatus(name: string): string | null {
    return this.#parameters.get(name) ?? null;
  }

  /** All parameters that the server reports. */
  get parameterStatuses(): Record<string, string> {
    return Object.fromEntries(this.#parameters);
  }

  /**
   * The server reported a parameter.
   *
   * @throws {NotSupportedError} If it is an encoding that nobody can decode.
   */
  note(name: string, value: string): void {
    this.#parameters.set(name, value);
    if (name === "client_encoding") this.codec = codecFor(value);
    if (name === "DateStyle" || name === "IntervalStyle") {
      const interval = this.#parameters.get("IntervalStyle") ?? "postgres";
      const dates = this.#parameters.get("DateStyle") ?? "ISO";
      this.#readsDatesAsText = dates.startsWith("ISO") &&
        interval === "postgres";
    }
  }
}
