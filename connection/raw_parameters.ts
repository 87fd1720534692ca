/**
 * Parameters of the low level: text and bytes that go out as they are.
 *
 * @module
 */

import { PgError, ProgrammingError } from "../errors/base.ts";
import {
  ParameterFailure,
  type ValueWriter,
  writeBind,
  writeDescribe,
  writeExecute,
} from "../protocol/frontend.ts";
import { Target } from "../protocol/tags.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";

/** A value of a parameter: text, bytes, or `null` for NULL. */
export type RawParameter = Uint8Array | string | null;

/** How a prepared statement is run at the low level. */
export interface ExecPreparedOptions {
  /**
   * The formats that the parameters are in, 0 for text and 1 for binary, one
   * for each. Text if left out, also where a value is given as bytes.
   */
  readonly formats?: readonly (0 | 1)[];
  /** The format that the rows are asked for in: 0 for text, the default, or 1 for binary. */
  readonly resultFormat?: 0 | 1;
}

/** How a statement with parameters is run at the low level. */
export interface ExecParamsOptions extends ExecPreparedOptions {
  /** The OIDs of the types of the parameters; 0, or left out, where the server decides. */
  readonly types?: readonly number[];
}

const TEXT: ValueWriter = {
  format: 0,
  dump: (value: RawParameter, out: WriteBuffer) => append(value, out),
};
const BINARY: ValueWriter = {
  format: 1,
  dump: (value: RawParameter, out: WriteBuffer) => append(value, out),
};

/**
 * Appends Bind, Describe and Execute of the unnamed portal.
 *
 * @param output Where to.
 * @param name The name of the statement.
 * @param params The values of its parameters.
 * @param options Their formats, and that of the rows.
 * @throws {ProgrammingError} If they are not what they must be.
 */
export function bindAndExecute(
  output: WriteBuffer,
  name: string,
  params: readonly RawParameter[],
  { formats, resultFormat = 0 }: ExecPreparedOptions,
): void {
  if (formats !== undefined && formats.length !== params.length) {
    throw new ProgrammingError(
      `Cannot run the statement: ${formats.length} formats are given for ${params.length} parameters`,
    );
  }
  for (const format of [...formats ?? [], resultFormat]) {
    if (format === 0 || format === 1) continue;
    throw new ProgrammingError(
      `Cannot run the statement: there is no format ${format}, pass 0 for text or 1 for binary`,
    );
  }
  const writers = Array.from(
    params,
    (_, i) => formats?.[i] === 1 ? BINARY : TEXT,
  );
  try {
    writeBind(output, name, writers, params, resultFormat);
  } catch (error) {
    if (!(error instanceof ParameterFailure)) throw error;
    const { index, reason } = error;
    if (!(reason instanceof PgError)) throw reason;
    throw new (reason.constructor as typeof PgError)(
      `Parameter $${index + 1}: ${reason.message}`,
      { cause: reason },
    );
  }
  writeDescribe(output, Target.PORTAL, "");
  writeExecute(output, 0);
}

function append(value: RawParameter, out: WriteBuffer): void | null {
  if (value === null) return null;
  if (typeof value === "string") out.text(value);
  else if (value instanceof Uint8Array) out.raw(value);
  else {
    throw new ProgrammingError(
      `Cannot send a value of type ${typeof value} as it is: pass text, a Uint8Array, or null`,
    );
  }
}
