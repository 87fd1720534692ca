/**
 * The cursor on the server for PostgreSQL's own placeholders.
 *
 * @module
 */

import { bindRawQuery, type BoundQuery, type Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { Transformer } from "../types/transformer.ts";
import type { DictRow } from "./rows.ts";
import { ServerCursor } from "./server_cursor.ts";

/**
 * A {@linkcode ServerCursor} with PostgreSQL's own placeholders, `$1` and so on.
 *
 * @example
 * ```ts
 * import { connect, RawServerCursor } from "@x/pgts";
 *
 * await using conn = await connect({ serverCursorFactory: RawServerCursor });
 * await using cursor = conn.cursor("numbers");
 * await cursor.execute("select n from generate_series(1, $1) as n", [3]);
 * console.log(await cursor.fetchAll()); // [{ n: 1 }, { n: 2 }, { n: 3 }]
 * ```
 */
export class RawServerCursor<Row = DictRow> extends ServerCursor<Row> {
  /** @internal */
  protected override bind(
    query: Query,
    params: QueryParameters | undefined,
    transformer: Transformer,
  ): BoundQuery {
    return bindRawQuery(query, params, transformer);
  }
}
