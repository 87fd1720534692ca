/**
 * One function for each message from the server that has a body, after the
 * chapter "Message Formats". They read the current message of a buffer to its
 * end, and throw a ProtocolError where it is not what its type promises.
 *
 * @module
 */

import { ProtocolError } from "../errors/base.ts";
import { Diagnostic, type DiagnosticFields } from "../errors/diagnostic.ts";
import { printTag, type ReadBuffer } from "./read_buffer.ts";
import { Status } from "./tags.ts";

/** What RowDescription says of a column. */
export interface FieldDescription {
  /** The name of the column. */
  readonly name: string;
  /** The OID of the table it comes from, or 0. */
  readonly tableOid: number;
  /** The number of the column in its table, or 0. */
  readonly columnNumber: number;
  /** The OID of its type. */
  readonly typeOid: number;
  /** The size of the type in bytes; negative for types of variable width. */
  readonly typeSize: number;
  /** The type modifier; its meaning depends on the type. */
  readonly typeModifier: number;
  /** 0 for text, 1 for binary. */
  readonly format: 0 | 1;
}

/** A notification, as NOTIFY sent it. */
export interface NotificationFields {
  /** The process ID of the session that notified. */
  readonly pid: number;
  /** The channel. */
  readonly channel: string;
  /** The payload, or `""`. */
  readonly payload: string;
}

/** What the start of a COPY says. */
export interface CopyFormats {
  /** 0 for text, 1 for binary. */
  readonly format: 0 | 1;
  /** The format of each column. */
  readonly columns: readonly (0 | 1)[];
}

/** Reads RowDescription. */
export function readRowDescription(buffer: ReadBuffer): FieldDescription[] {
  const count = readCount(buffer, 19);
  const fields: FieldDescription[] = [];
  for (let i = 0; i < count; i++) {
    fields.push({
      name: buffer.cstring(),
      tableOid: buffer.uint32(),
      columnNumber: buffer.int16(),
      typeOid: buffer.uint32(),
      typeSize: buffer.int16(),
      typeModifier: buffer.int32(),
      format: readFormat(buffer),
    });
  }
  buffer.expectEnd();
  return fields;
}

/** Reads ParameterDescription: the OIDs of a statement's parameters. */
export function readParameterDescription(buffer: ReadBuffer): number[] {
  const count = buffer.int16() & 0xffff;
  if (count * 4 !== buffer.left) {
    malformed(buffer, `it announces ${count} parameters`);
  }
  const oids: number[] = [];
  for (let i = 0; i < count; i++) oids.push(buffer.uint32());
  return oids;
}

/** Reads CommandComplete: the command tag. */
export function readCommandComplete(buffer: ReadBuffer): string {
  const tag = buffer.cstring();
  buffer.expectEnd();
  return tag;
}

/** Reads ErrorResponse or NoticeResponse. Of a repeated field the first counts. */
export function readDiagnostic(buffer: ReadBuffer): Diagnostic {
  const fields: Record<string, string> = Object.create(null);
  for (;;) {
    const letter = buffer.uint8();
    if (letter === 0) break;
    const text = buffer.messageText();
    fields[String.fromCharCode(letter)] ??= text;
  }
  buffer.expectEnd();
  return new Diagnostic(fields satisfies DiagnosticFields);
}

/** Reads NotificationResponse. */
export function readNotification(buffer: ReadBuffer): NotificationFields {
  const notification = {
    pid: buffer.int32(),
    channel: buffer.cstring(),
    payload: buffer.cstring(),
  };
  buffer.expectEnd();
  return notification;
}

/** Reads ParameterStatus: a name and a value. */
export function readParameterStatus(
  buffer: ReadBuffer,
): [name: string, value: string] {
  const name = buffer.cstring();
  const value = buffer.cstring();
  buffer.expectEnd();
  return [name, value];
}

/** Reads BackendKeyData: the process ID and the key to cancel with. */
export function readBackendKeyData(
  buffer: ReadBuffer,
): { processId: number; secretKey: Uint8Array } {
  const processId = buffer.int32();
  const length = buffer.left;
  // Protocol 3.0 has keys of 4 bytes, 3.2 up to 256.
  if (length < 4 || length > 256) {
    malformed(buffer, `a cancel key of ${length} bytes`);
  }
  return { processId, secretKey: buffer.copy(length) };
}

/** Reads ReadyForQuery: the transaction status. */
export function readReadyForQuery(buffer: ReadBuffer): number {
  const status = buffer.uint8();
  buffer.expectEnd();
  if (
    status !== Status.IDLE && status !== Status.IN_TRANSACTION &&
    status !== Status.FAILED
  ) {
    malformed(buffer, `there is no transaction status ${printTag(status)}`);
  }
  return status;
}

/** Reads CopyInResponse, CopyOutResponse or CopyBothResponse. */
export function readCopyResponse(buffer: ReadBuffer): CopyFormats {
  const format = buffer.uint8();
  if (format !== 0 && format !== 1) {
    malformed(buffer, `there is no format ${format}`);
  }
  const count = readCount(buffer, 2);
  const columns: (0 | 1)[] = [];
  for (let i = 0; i < count; i++) columns.push(readFormat(buffer));
  buffer.expectEnd();
  return { format, columns };
}

/** Reads NegotiateProtocolVersion. */
export function readNegotiateProtocolVersion(
  buffer: ReadBuffer,
): { version: number; unknownOptions: string[] } {
  const version = buffer.int32();
  const count = buffer.int32();
  if (count < 0 || count > buffer.left) {
    malformed(buffer, `it announces ${count} options`);
  }
  const unknownOptions: string[] = [];
  for (let i = 0; i < count; i++) unknownOptions.push(buffer.cstring());
  buffer.expectEnd();
  return { version, unknownOptions };
}

function readCount(buffer: ReadBuffer, minSize: number): number {
  const count = buffer.int16();
  if (count < 0 || count * minSize > buffer.left) {
    malformed(buffer, `it announces ${count} columns`);
  }
  return count;
}

function readFormat(buffer: ReadBuffer): 0 | 1 {
  const format = buffer.int16();
  if (format !== 0 && format !== 1) {
    malformed(buffer, `there is no format ${format}`);
  }
  return format;
}

function malformed(buffer: ReadBuffer, what: string): never {
  throw new ProtocolError(
    `Cannot read a message of type ${printTag(buffer.tag)}: ${what}`,
  );
}
