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
 * `%s` takes the parameters in their order and `%(name)s` by name; a `b` or `t` in
 * place of the `s` sends the value in binary or as text. Where parameters are
 * given, `%%` is a percent sign, and placeholders count wherever they stand, in
 * strings and comments too: SQL is not parsed. Without parameters the text goes
 * out as it is.
 *
 * The cursors of a connection share its transaction. A cursor holds the results of
 * what it ran last, so tasks that go on at the same time need one each.
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
