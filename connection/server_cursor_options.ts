/**
 * The options of cursors on the server.
 *
 * @module
 */

import type { CursorOptions } from "./cursor_core.ts";

/** Options of a cursor on the server. */
export interface ServerCursorOptions<Row> extends CursorOptions<Row> {
  /**
   * Whether `scroll()` may go backwards. By default the server decides, by
   * whether that costs nothing.
   */
  readonly scrollable?: boolean | undefined;
  /**
   * Whether the rows stay there when the transaction is committed.
   *
   * @default {false}
   */
  readonly withhold?: boolean | undefined;
  /**
   * How many rows iterating fetches at once.
   *
   * @default {100}
   */
  readonly itersize?: number | undefined;
}

/** Options of running a statement with a cursor on the server. */
export interface ServerExecuteOptions {
  /** Whether rows are asked for in binary or in text; as the cursor does by default. */
  readonly binary?: boolean | undefined;
  /** Aborts it; see `ExecuteOptions`. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of asking the server for rows. */
export interface FetchOptions {
  /**
   * Aborts it: it is cancelled on the server, which fails the transaction, and
   * the call rejects with the signal's reason.
   */
  readonly signal?: AbortSignal | undefined;
}
