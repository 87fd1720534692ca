/**
 * The options of `connect()`: parameters of the connection as libpq knows them,
 * and settings of the driver.
 *
 * @module
 */

import type { ConnectionParameters, DriverSettings } from "./options.ts";
import type { BaseCursor } from "./cursor_base.ts";
import type { CursorConnection, CursorOptions } from "./cursor_core.ts";
import type { RowFactory } from "./rows.ts";
import type { ServerCursor } from "./server_cursor.ts";
import type { ServerCursorOptions } from "./server_cursor_options.ts";

/** A class of cursors, such as `Cursor` or `RawCursor`. */
export type CursorClass = new <Row>(
  connection: CursorConnection,
  options?: CursorOptions<Row>,
) => BaseCursor<Row>;

/** A class of named cursors, such as `ServerCursor` or `RawServerCursor`. */
export type ServerCursorClass = new <Row>(
  connection: CursorConnection,
  name: string,
  options?: ServerCursorOptions<Row>,
) => ServerCursor<Row>;

/**
 * The options of `connect()`. Parameters of libpq are taken in camelCase and in
 * libpq's own spelling; what `null` or `undefined` stands for is not set.
 */
export interface ConnectOptions<Row>
  extends ConnectionParameters, DriverSettings {
  /** What becomes of rows. */
  rowFactory?: RowFactory<Row> | undefined;
  /** The class of cursors. */
  cursorFactory?: CursorClass | undefined;
  /** The class of named cursors. */
  serverCursorFactory?: ServerCursorClass | undefined;
  /**
   * Whether the BEGIN of a transaction goes out in the same write as its first
   * statement. Switch it off for a pooler that does not take that.
   *
   * @default {true}
   */
  joinBegin?: boolean | undefined;
}

/** The names of the options that are settings of the driver. */
export const DRIVER_KEYS: ReadonlySet<string> = new Set(
  [
    "autocommit",
    "prepareThreshold",
    "preparedMax",
    "context",
    "rowFactory",
    "cursorFactory",
    "serverCursorFactory",
    "int8",
    "signal",
    "onWarning",
    "cancelTimeout",
    "maxMessageSize",
    "maxRows",
    "maxResultBytes",
    "maxPendingNotifies",
    "scramMaxIterations",
    "allowedParameters",
    "joinBegin",
  ] satisfies (keyof ConnectOptions<unknown>)[],
);
