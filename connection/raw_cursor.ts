/**
 * The cursor for PostgreSQL's own placeholders.
 *
 * @module
 */

import { bindRawQuery, type BoundQuery, type Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { Transformer } from "../types/transformer.ts";
import { BaseCursor } from "./cursor_base.ts";
import type { DictRow } from "./rows.ts";

/**
 * Runs statements with PostgreSQL's own placeholders, `$1` and so on. Percent
 * signs mean nothing to it, and its parameters are an array.
 *
 * @example
 * ```ts
 * import { connect, RawCursor } from "@x/pgts";
 *
 * await using conn = await connect({ cursorFactory: RawCursor });
 * const row = await conn.execute("select $1::int % 3 as rest", [7]).fetchOne();
 * console.log(row); // { rest: 1 }
 * ```
 */
export class RawCursor<Row = DictRow> extends BaseCursor<Row> {
  /** @internal */
  protected override bind(
    query: Query,
    params: QueryParameters | undefined,
    transformer: Transformer,
  ): BoundQuery {
    return bindRawQuery(query, params, transformer);
  }
}
