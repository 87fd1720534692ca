/**
 * Making a cursor by what was given for it: a class, or a function.
 *
 * @module
 */

import type {
  CursorClass,
  CursorFactory,
  ServerCursorClass,
  ServerCursorFactory,
} from "./connect_options.ts";
import type { BaseCursor } from "./cursor_base.ts";
import {
  type CursorConnection,
  CursorCore,
  type CursorOptions,
} from "./cursor_core.ts";
import type { ServerCursor } from "./server_cursor.ts";
import type { ServerCursorOptions } from "./server_cursor_options.ts";

/**
 * Makes a cursor.
 *
 * @param factory The class, or the function.
 * @param connection What it runs statements on.
 * @param options See {@linkcode CursorOptions}.
 * @returns The cursor.
 */
export function makeCursor<Row>(
  factory: CursorFactory,
  connection: CursorConnection,
  options?: CursorOptions<Row>,
): BaseCursor<Row> {
  return isClass<CursorClass>(factory)
    ? new factory<Row>(connection, options)
    : factory<Row>(connection, options);
}

/**
 * Makes a cursor on the server.
 *
 * @param factory The class, or the function.
 * @param connection What it runs statements on.
 * @param name Its name.
 * @param options See {@linkcode ServerCursorOptions}.
 * @returns The cursor.
 */
export function makeServerCursor<Row>(
  factory: ServerCursorFactory,
  connection: CursorConnection,
  name: string,
  options?: ServerCursorOptions<Row>,
): ServerCursor<Row> {
  return isClass<ServerCursorClass>(factory)
    ? new factory<Row>(connection, name, options)
    : factory<Row>(connection, name, options);
}

function isClass<Class>(factory: object): factory is Class & object {
  const { prototype } = factory as { readonly prototype?: unknown };
  return prototype instanceof CursorCore;
}
