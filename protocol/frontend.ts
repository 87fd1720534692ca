/**
 * One function for each message from the client, after the chapter "Message
 * Formats". They append to a buffer and do nothing else.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { CANCEL_REQUEST, Frontend, PROTOCOL_3_0 } from "./tags.ts";
import type { WriteBuffer } from "./write_buffer.ts";

const MAX_PARAMETERS = 0xffff;

/** Appends parameter values: what a message of type Bind needs of a dumper. */
export interface ValueWriter {
  /** 0 for text, 1 for binary. */
  readonly format: 0 | 1;
  /** Appends a value, or returns `null` for NULL. */
  dump(value: never, out: WriteBuffer): void | null;
}

/** The formats that result columns are asked for in: one for all, or one each. */
export type ResultFormats = 0 | 1 | readonly (0 | 1)[];

/** The parameters of a StartupMessage, such as `user` and `database`. */
export type StartupParameters = Readonly<Record<string, string>>;

/** Appends a StartupMessage. */
export function writeStartup(
  out: WriteBuffer,
  parameters: StartupParameters,
  version: number = PROTOCOL_3_0,
): void {
  out.beginUntaggedMessage();
  out.int32(version);
  for (const name in parameters) {
    out.cstring(name);
    out.cstring(parameters[name] ?? "");
  }
  out.uint8(0);
  out.endMessage();
}

/** Appends a CancelRequest, the only message on its connection. */
export function writeCancelRequest(
  out: WriteBuffer,
  processId: number,
  key: Uint8Array,
): void {
  out.beginUntaggedMessage();
  out.int32(CANCEL_REQUEST);
  out.int32(processId);
  out.raw(key);
  out.endMessage();
}

/** Appends the answer to an authentication request: a password or SASL data. */
export function writeAuthentication(out: WriteBuffer, body: Uint8Array): void {
  out.beginMessage(Frontend.PASSWORD);
  out.raw(body);
  out.endMessage();
}

/** Appends Query: the simple protocol. */
export function writeQuery(out: WriteBuffer, text: string): void {
  out.beginMessage(Frontend.QUERY);
  out.cstring(text);
  out.endMessage();
}

/** Appends Parse. An empty name means the unnamed statement. */
export function writeParse(
  out: WriteBuffer,
  name: string,
  text: string,
  oids: readonly number[],
): void {
  checkCount(oids.length);
  out.beginMessage(Frontend.PARSE);
  out.cstring(name);
  out.cstring(text);
  out.int16(oids.length);
  for (let i = 0; i < oids.length; i++) out.int32(oids[i]!);
  out.endMessage();
}

/**
 * Appends Bind to the unnamed portal.
 *
 * @param writers What appends each value; `null` where the value is NULL.
 * @throws Whatever a writer throws. The message is then incomplete: roll back.
 */
export function writeBind(
  out: WriteBuffer,
  statement: string,
  writers: readonly (ValueWriter | null)[],
  values: readonly unknown[],
  formats: ResultFormats,
): void {
  const count = writers.length;
  checkCount(count);
  out.beginMessage(Frontend.BIND);
  out.uint8(0);
  out.cstring(statement);
  out.int16(count);
  for (let i = 0; i < count; i++) out.int16(writers[i]?.format ?? 0);
  out.int16(count);
  for (let i = 0; i < count; i++) {
    const writer = writers[i]!;
    if (writer === null) {
      out.int32(-1);
      continue;
    }
    const at = out.beginValue();
    try {
      if (writer.dump(values[i] as never, out) === null) out.nullValue(at);
      else out.endValue(at);
    } catch (error) {
      throw new ParameterFailure(i, error);
    }
  }
  if (typeof formats === "number") {
    out.int16(1);
    out.int16(formats);
  } else {
    out.int16(formats.length);
    for (let i = 0; i < formats.length; i++) out.int16(formats[i]!);
  }
  out.endMessage();
}

/** A writer threw: says for which parameter. */
export class ParameterFailure {
  /** The index of the parameter, from 0. */
  readonly index: number;
  /** What was thrown. */
  readonly reason: unknown;

  /** @internal */
  constructor(index: number, reason: unknown) {
    this.index = index;
    this.reason = reason;
  }
}

/** Appends Describe of a statement or of a portal. */
export function writeDescribe(
  out: WriteBuffer,
  target: number,
  name: string,
): void {
  out.beginMessage(Frontend.DESCRIBE);
  out.uint8(target);
  out.cstring(name);
  out.endMessage();
}

/** Appends Execute of the unnamed portal. `maxRows` 0 means all. */
export function writeExecute(out: WriteBuffer, maxRows: number): void {
  out.beginMessage(Frontend.EXECUTE);
  out.uint8(0);
  out.int32(maxRows);
  out.endMessage();
}

/** Appends Close of a statement or of a portal. */
export function writeClose(
  out: WriteBuffer,
  target: number,
  name: string,
): void {
  out.beginMessage(Frontend.CLOSE);
  out.uint8(target);
  out.cstring(name);
  out.endMessage();
}

const SYNC = Uint8Array.of(Frontend.SYNC, 0, 0, 0, 4);
const FLUSH = Uint8Array.of(Frontend.FLUSH, 0, 0, 0, 4);
const TERMINATE = Uint8Array.of(Frontend.TERMINATE, 0, 0, 0, 4);
const COPY_DONE = Uint8Array.of(Frontend.COPY_DONE, 0, 0, 0, 4);

/** Appends Sync. */
export function writeSync(out: WriteBuffer): void {
  out.raw(SYNC);
}

/** Appends Flush. */
export function writeFlush(out: WriteBuffer): void {
  out.raw(FLUSH);
}

/** Appends Terminate. */
export function writeTerminate(out: WriteBuffer): void {
  out.raw(TERMINATE);
}

/** Appends CopyData. */
export function writeCopyData(out: WriteBuffer, data: Uint8Array): void {
  out.beginMessage(Frontend.COPY_DATA);
  out.raw(data);
  out.endMessage();
}

/** Appends CopyDone. */
export function writeCopyDone(out: WriteBuffer): void {
  out.raw(COPY_DONE);
}

/** Appends CopyFail. */
export function writeCopyFail(out: WriteBuffer, message: string): void {
  out.beginMessage(Frontend.COPY_FAIL);
  out.cstring(message);
  out.endMessage();
}

function checkCount(count: number): void {
  if (count > MAX_PARAMETERS) {
    throw new ProgrammingError(
      `Cannot send ${count} parameters with one statement: the protocol allows ${MAX_PARAMETERS}, pass arrays and use unnest() or COPY instead`,
    );
  }
}
