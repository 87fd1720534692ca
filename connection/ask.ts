/**
 * Questions that the driver has to a server before the session is in use: one
 * statement, one value.
 *
 * @module
 */

import { writeQuery } from "../protocol/frontend.ts";
import { SimpleQueryExchange } from "../protocol/simple_query.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { Wire } from "./wire.ts";

/**
 * Runs a statement by the simple protocol and gives the text of its only value.
 *
 * @param wire The connection, on which nothing else is under way.
 * @param query The statement.
 * @returns The value; `null` if it is NULL or there is not exactly one row.
 * @throws {PgError} If the statement or the connection fails.
 */
export async function askValue(
  wire: Wire,
  query: string,
): Promise<string | null> {
  const values: (string | null)[] = [];
  const exchange = new SimpleQueryExchange({
    describe: () => {},
    row: (source) => values.push(firstValue(source)),
    complete: () => {},
    empty: () => {},
  }, query);
  writeQuery(wire.engine.output, query);
  wire.enqueue(exchange);
  wire.flush();
  await exchange.done;
  if (exchange.error !== null) throw exchange.error;
  const [value = null] = values;
  return values.length === 1 ? value : null;
}

/** The first value of the DataRow that a buffer stands at. */
function firstValue(source: ReadBuffer): string | null {
  const { view, start, end } = source;
  const from = start + 6;
  // A row without columns ends before the length of a value.
  const size = from > end ? -1 : view.getInt32(start + 2);
  return size < 0 || size > end - from ? null : source.text(from, from + size);
}
