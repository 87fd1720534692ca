/**
 * The cursor that is used unless another is asked for.
 *
 * @module
 */

import { bindQuery, type BoundQuery, type Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { Transformer } from "../types/transformer.ts";
import { BaseCursor } from "./cursor_base.ts";
import type { DictRow } from "./rows.ts";

/**
 * Runs statements with the placeholders `%s`, `%(name)s`, `%b` and `%t`, or
 * templates of the `sql` tag, and holds their results.
 *
 * @example
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * const cursor = conn.cursor();
 * await cursor.execute("select %s::int + %s as sum", [1, 2]);
 * console.log(await cursor.fetchOne()); // { sum: 3 }
 * await cursor.execute("select %(name)s::text as name", { name: "Ada" });
 * console.log(await cursor.fetchOne()); // { name: "Ada" }
 * ```
 */
export class Cursor<Row = DictRow> extends BaseCursor<Row> {
  /** @internal */
  protected override bind(
    query: Query,
    params: QueryParameters | undefined,
    transformer: Transformer,
  ): BoundQuery {
    return bindQuery(query, params, transformer);
  }
}
