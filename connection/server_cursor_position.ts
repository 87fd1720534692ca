/**
 * Where a cursor on the server stands, as far as its commands tell.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";

/** From where `scroll()` counts. */
export type ScrollMode = "relative" | "absolute";

/** A MOVE to make. */
export interface Move {
  /** Where to, as the command says it. */
  readonly direction: string;
  /** To be called with the number of rows that the command told. */
  done(count: number): void;
}

/** Where a cursor stands. */
export class CursorPosition {
  /** The index of the next row, from 0; `null` if it is not known. */
  index: number | null;
  /** Whether it stands behind the last row, and not on it. */
  #behind = false;

  /** @param index Where it stands, if that is known. */
  constructor(index: number | null = null) {
    this.index = index;
  }

  /**
   * Rows were fetched.
   *
   * @param count How many.
   * @param all Whether more had been asked for.
   */
  fetched(count: number, all: boolean): void {
    this.#behind = all;
    if (this.index !== null) this.index += count;
  }

  /** Something went wrong on the way. */
  lost(): void {
    this.index = null;
  }

  /**
   * Goes elsewhere.
   *
   * @param value How far, or to the row of which index.
   * @param mode Which of the two it is.
   * @returns What is to be done.
   * @throws {ProgrammingError} If it is neither.
   */
  move(value: number, mode: ScrollMode): Move {
    if (!Number.isSafeInteger(value)) {
      throw new ProgrammingError(
        `Cannot scroll: ${String(value)} is no number of rows`,
      );
    }
    if (mode !== "relative" && mode !== "absolute") {
      throw new ProgrammingError(
        `Cannot scroll: the mode is ${
          JSON.stringify(mode)
        }, it must be "relative" or "absolute"`,
      );
    }
    if (mode === "absolute") {
      return {
        direction: `ABSOLUTE ${value}`,
        done: (count) => {
          this.#behind = value > 0 && count === 0;
          this.index = value < 0 || this.#behind ? null : value;
        },
      };
    }
    if (value >= 0) {
      return {
        direction: `FORWARD ${value}`,
        done: (count) => this.fetched(count, count < value),
      };
    }
    // Behind the last row, the first step back is onto it.
    return {
      direction: `BACKWARD ${this.#behind ? 1 - value : -value}`,
      done: () => {
        this.#behind = false;
        if (this.index !== null) this.index = Math.max(0, this.index + value);
      },
    };
  }
}

/**
 * Checks a number of rows to fetch.
 *
 * @param count The number.
 * @param what What it is called.
 * @returns The number.
 * @throws {ProgrammingError} If it is none.
 */
export function checkCount(count: number, what: string): number {
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new ProgrammingError(
    `Cannot fetch: ${what} is ${
      String(count)
    }, it must be a number of rows from 1 on`,
  );
}
