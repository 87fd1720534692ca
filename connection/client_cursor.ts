/**
 * The cursor that puts values into the text of statements itself.
 *
 * @module
 */

import { NotSupportedError } from "../errors/base.ts";
import type { BoundQuery, Query } from "../sql/bind.ts";
import { interpolateQuery } from "../sql/interpolate.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { Transformer } from "../types/transformer.ts";
import { BaseCursor, type ExecuteOptions } from "./cursor_base.ts";
import { Execution } from "./execution.ts";
import type { DictRow } from "./rows.ts";

/**
 * Runs statements by the simple protocol, with the values put into their text as
 * literals. That allows parameters where the server takes none, as in `CREATE
 * TABLE … DEFAULT %s`, and several statements with parameters. Everything else
 * is better served by {@linkcode Cursor}: nothing is prepared, results come as
 * text.
 *
 * @example
 * ```ts
 * import { ClientCursor, connect } from "@x/pgts";
 *
 * await using conn = await connect({ cursorFactory: ClientCursor });
 * const cursor = conn.cursor();
 * await cursor.execute("create temp table item (price int default %s)", [10]);
 * await cursor.execute("select %s::int as a; select %s::int as b", [1, 2]);
 * console.log(await cursor.fetchOne()); // { a: 1 }
 * ```
 */
export class ClientCursor<Row = DictRow> extends BaseCursor<Row> {
  /** @internal */
  protected override bind(
    query: Query,
    params: QueryParameters | undefined,
    transformer: Transformer,
  ): BoundQuery {
    return { ...interpolateQuery(query, params, transformer), simple: true };
  }

  /**
   * Runs a statement: see {@linkcode BaseCursor.execute}.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode ExecuteOptions}.
   * @returns A promise of this cursor that has the fetch methods too.
   * @throws {NotSupportedError} If rows are asked for in binary.
   */
  override execute(
    query: Query,
    params?: QueryParameters,
    options: ExecuteOptions = {},
  ): Execution<Row, this> {
    if (options.binary ?? this.binary) {
      return Execution.of(Promise.reject(
        new NotSupportedError(
          "Cannot get rows in binary with a ClientCursor: the simple protocol has text only, use a Cursor",
        ),
      ));
    }
    return super.execute(query, params, options);
  }

  /**
   * The text that `execute()` would send.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @returns The text with the values in it.
   * @throws {ProgrammingError} If the placeholders and the parameters do not match.
   */
  mogrify(query: Query, params?: QueryParameters): string {
    return interpolateQuery(query, params, this.transformer).text;
  }
}
