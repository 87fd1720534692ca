/**
 * One statement: how its parameters are sent, by which protocol it goes, and its
 * messages.
 *
 * @module
 */

import { NotSupportedError, PgError } from "../errors/base.ts";
import type { Exchange } from "../protocol/exchange.ts";
import { StatementExchange, Step } from "../protocol/extended_query.ts";
import {
  ParameterFailure,
  writeBind,
  writeClose,
  writeDescribe,
} from "../protocol/frontend.ts";
import {
  type ValueWriter,
  writeExecute,
  writeParse,
} from "../protocol/frontend.ts";
import { writeQuery, writeSync } from "../protocol/frontend.ts";
import { SimpleQueryExchange } from "../protocol/simple_query.ts";
import { Target } from "../protocol/tags.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { BoundQuery } from "../sql/bind.ts";
import type { Dumper } from "../types/adapt.ts";
import { ResultCollector, type RowTarget } from "./result.ts";
import { describedFields, resultFormats } from "./result_formats.ts";
import type { Statement, StatementCache } from "./statement_cache.ts";

/** A statement to run, and what is to become of its rows. */
export interface Request extends RowTarget, BoundQuery {
  /** Whether to prepare it: always, never, or (`undefined`) when it pays. */
  readonly prepare: boolean | undefined;
  /** Aborts it. */
  readonly signal: AbortSignal | undefined;
  /** What is known of it, where it is not for the connection to remember. */
  readonly statement?: Statement;
}

/** The parameters of a request: what writes each, and the types they make it. */
export interface Parameters {
  /** What writes each value; `null` where the value is NULL. */
  readonly dumpers: readonly (Dumper | null)[];
  /** The OID of each; 0 where the server decides. */
  readonly oids: readonly number[];
}

/** A statement that has been written. */
export interface Written {
  /** Its answers. */
  readonly exchange: Exchange;
  /** Its results. */
  readonly collector: ResultCollector;
  /** The name it was prepared under just now, or `null`. */
  readonly newName: string | null;
}

const NONE: Parameters = { dumpers: [], oids: [] };

/**
 * Finds what writes the parameters of a request.
 *
 * @param request The request.
 * @returns Its dumpers and the types they give the parameters.
 * @throws {ProgrammingError} If there is none for a value.
 */
export function planParameters(
  { values, formats, transformer }: Request,
): Parameters {
  if (values === null || values.length === 0) return NONE;
  const dumpers: (Dumper | null)[] = [];
  const oids: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null) {
      dumpers.push(null);
      oids.push(0);
      continue;
    }
    let dumper: Dumper;
    try {
      dumper = transformer.getDumper(value, formats[i]!);
    } catch (error) {
      throw parameterError(i, error);
    }
    dumpers.push(dumper);
    oids.push(dumper.oid);
  }
  return { dumpers, oids };
}

/**
 * Whether a statement goes by the simple protocol: if it has no parameters, and
 * nothing would be gained by the extended one.
 *
 * @param request The request.
 * @param statement What is known of it.
 * @param statements Decides about preparing.
 * @returns Whether it does.
 */
export function goesSimple(
  request: Request,
  statement: Statement,
  statements: StatementCache,
): boolean {
  if (request.values !== null || request.binary === true) return false;
  if (statement.multiple || request.simple) return true;
  return (statement.fields === null || statement.fields.length === 0) &&
    statement.name === null &&
    !statements.shouldPrepare(statement, request.prepare);
}

/**
 * Appends a text of statements by the simple protocol.
 *
 * @param output Where to.
 * @param request The request; it has no parameters.
 * @returns What was written.
 */
export function writeSimple(output: WriteBuffer, request: Request): Written {
  const collector = new ResultCollector(request, null);
  writeQuery(output, request.text);
  return {
    exchange: new SimpleQueryExchange(collector, request.text),
    collector,
    newName: null,
  };
}

/**
 * Appends a statement by the extended protocol: Parse unless it is prepared,
 * Bind, Describe unless its columns are known, Execute.
 *
 * @param output Where to.
 * @param request The request.
 * @param statement What is known of it.
 * @param parameters What writes its parameters.
 * @param statements Decides about preparing, and names statements to close.
 * @param sync Whether a Sync of its own follows.
 * @returns What was written.
 * @throws Whatever a dumper throws. The output must then be rolled back.
 */
export function writeExtended(
  output: WriteBuffer,
  request: Request,
  statement: Statement,
  { dumpers, oids }: Parameters,
  statements: StatementCache,
  sync: boolean,
): Written {
  const collector = new ResultCollector(request, statement);
  const formats = resultFormats(statement, request.transformer, request.binary);
  const described = statement.name !== null && statement.fields !== null;
  let { name } = statement;
  let newName: string | null = null;
  let steps = Step.BIND | Step.EXECUTE;
  const closes = writeCloses(output, statements.namesToClose);
  if (name === null) {
    if (statements.shouldPrepare(statement, request.prepare)) {
      name = newName = statements.newName();
    }
    writeParse(output, name ?? "", statement.text, oids);
    steps |= Step.PARSE;
  }
  try {
    const writers = dumpers as readonly (ValueWriter | null)[];
    writeBind(output, name ?? "", writers, request.values ?? [], formats);
  } catch (error) {
    throw error instanceof ParameterFailure
      ? parameterError(error.index, error.reason)
      : error;
  }
  if (!described) {
    writeDescribe(output, Target.PORTAL, "");
    steps |= Step.DESCRIBE;
  }
  writeExecute(output, 0);
  const hasRows = described && statement.fields!.length > 0;
  if (hasRows) collector.expect(describedFields(statement, formats));
  if (sync) writeSync(output);
  statements.noteClosed(closes);
  const { text } = statement;
  const options = { steps, closes, sync, described: hasRows, queryText: text };
  return {
    exchange: new StatementExchange(collector, options),
    collector,
    newName,
  };
}

function writeCloses(output: WriteBuffer, names: readonly string[]): number {
  for (const name of names) writeClose(output, Target.STATEMENT, name);
  return names.length;
}

/**
 * Appends a command that has neither parameters nor rows, such as BEGIN, by the
 * extended protocol.
 *
 * @param output Where to.
 * @param text The command.
 * @param sync Whether a Sync of its own follows.
 * @returns Its answers.
 */
export function writeCommand(
  output: WriteBuffer,
  text: string,
  sync: boolean,
): StatementExchange {
  writeParse(output, "", text, []);
  writeBind(output, "", [], [], 0);
  writeExecute(output, 0);
  if (sync) writeSync(output);
  const steps = Step.PARSE | Step.BIND | Step.EXECUTE;
  return new StatementExchange(null, { steps, sync, queryText: text });
}

/**
 * Appends what asks for the columns of a statement.
 *
 * @param output Where to.
 * @param statement The statement.
 * @returns The answers; their `fields` are the columns.
 */
export function writeDescription(
  output: WriteBuffer,
  statement: Statement,
): StatementExchange {
  writeParse(output, "", statement.text, statement.oids);
  writeDescribe(output, Target.STATEMENT, "");
  writeSync(output);
  const steps = Step.PARSE | Step.PARAMETERS | Step.DESCRIBE;
  return new StatementExchange(null, {
    steps,
    sync: true,
    queryText: statement.text,
  });
}

const COPY_DATA = /^\s*copy\b[^]*\b(?:stdin|stdout)\b/i;

/**
 * Refuses a COPY among statements that are sent without waiting: the server
 * would take what follows it for its data. What is not recognised here costs
 * the connection.
 *
 * @param request The statement.
 * @param statement What is known of it.
 * @throws {NotSupportedError} If it is a COPY from or to the client.
 */
export function refuseCopy(request: Request, statement: Statement): void {
  if (statement.count > 0 || !COPY_DATA.test(request.text)) return;
  throw new NotSupportedError(
    "Cannot run COPY in a pipeline or with executeMany(): the server would take the statements behind it for its data, run it by itself",
    { connectionUsable: true, reachedServer: false },
  );
}

/** The error for a parameter that cannot be sent: says which, and keeps the class. */
function parameterError(index: number, reason: unknown): unknown {
  if (!(reason instanceof PgError)) return reason;
  return new (reason.constructor as typeof PgError)(
    `Parameter $${index + 1}: ${reason.message}`,
    {
      cause: reason,
    },
  );
}
