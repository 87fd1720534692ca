/**
 * What the server told about a session: its parameters and its encoding.
 *
 * @module
 */

import { codecFor } from "../protocol/encodings.ts";
import { type TextCodec, UTF8 } from "../protocol/text.ts";
import type { SessionState } from "../types/adapt.ts";

/** What is known of a session. */
interface State {
  readonly parameters: Map<string, string>;
  codec: TextCodec;
  readsDatesAsText: boolean;
}

/** The parameters that the server reports, as they are now. */
export class Session implements SessionState {
  #state: State = {
    parameters: new Map(),
    codec: UTF8,
    readsDatesAsText: true,
  };

  /** The encoding that text is in on the wire. */
  get codec(): TextCodec {
    return this.#state.codec;
  }

  /** PostgreSQL's name of the client encoding. */
  get encoding(): string {
    return this.codec.encoding;
  }

  /** Whether DateStyle and IntervalStyle are such that text of every value can be read. */
  get readsDatesAsText(): boolean {
    return this.#state.readsDatesAsText;
  }

  /** A parameter that the server reports, or `null`. */
  parameterStatus(name: string): string | null {
    return this.#state.parameters.get(name) ?? null;
  }

  /** All parameters that the server reports. */
  get parameterStatuses(): Record<string, string> {
    return Object.fromEntries(this.#state.parameters);
  }

  /**
   * Tells from now on of the session that another one tells of, for those who
   * hold this one: the connection was reset.
   */
  become(other: Session): void {
    this.#state = other.#state;
  }

  /**
   * The server reported a parameter.
   *
   * @throws {NotSupportedError} If it is an encoding that nobody can decode.
   */
  note(name: string, value: string): void {
    const state = this.#state;
    const { parameters } = state;
    parameters.set(name, value);
    if (name === "client_encoding") state.codec = codecFor(value);
    if (name === "DateStyle" || name === "IntervalStyle") {
      const interval = parameters.get("IntervalStyle") ?? "postgres";
      const dates = parameters.get("DateStyle") ?? "ISO";
      state.readsDatesAsText = dates.startsWith("ISO") &&
        interval === "postgres";
    }
  }
}
