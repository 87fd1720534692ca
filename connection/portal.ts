/**
 * Cursors that the server has, at message level: a cursor that was declared is a
 * portal of its name. See the chapter "Message Flow", section "Extended Query".
 *
 * @module
 */

import type { FieldDescription } from "../protocol/backend.ts";
import { StatementExchange, Step } from "../protocol/extended_query.ts";
import { writeClose, writeDescribe, writeSync } from "../protocol/frontend.ts";
import { Target } from "../protocol/tags.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Executor } from "./executor.ts";

/**
 * Asks for the columns of a cursor.
 *
 * @param executor Runs statements on the connection.
 * @param name The name of the cursor.
 * @returns Its columns.
 * @throws {InvalidCursorName} If there is none of this name.
 */
export async function describePortal(
  executor: Executor,
  name: string,
): Promise<readonly FieldDescription[]> {
  const { fields } = await converse(
    executor,
    { steps: Step.DESCRIBE },
    (output) => writeDescribe(output, Target.PORTAL, name),
  );
  return fields ?? [];
}

/**
 * Has the server close a cursor. Other than the command CLOSE this does nothing
 * if there is none of this name, and can be done in a transaction that failed.
 *
 * @param executor Runs statements on the connection.
 * @param name The name of the cursor.
 */
export async function closePortal(
  executor: Executor,
  name: string,
): Promise<void> {
  await converse(
    executor,
    { steps: 0, closes: 1 },
    (output) => writeClose(output, Target.PORTAL, name),
  );
}

async function converse(
  executor: Executor,
  steps: { readonly steps: number; readonly closes?: number },
  write: (output: WriteBuffer) => void,
): Promise<StatementExchange> {
  const { wire } = executor;
  return await executor.converse(wire.engine, [], () => {
    const { output } = wire.engine;
    const mark = output.length;
    try {
      write(output);
    } catch (error) {
      output.rollback(mark);
      throw error;
    }
    writeSync(output);
    const exchange = new StatementExchange(null, { ...steps, sync: true });
    wire.enqueue(exchange);
    wire.flush();
    return exchange;
  });
}
