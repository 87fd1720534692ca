/**
 * The backend's side of protocol 3.0: one function for each message that a
 * server sends, after the chapter "Message Formats" of the PostgreSQL
 * documentation. Each returns the whole message, tag and length included.
 *
 * Nothing here is shared with the client that is tested, so that a mistake
 * cannot hide on both sides. The functions do not check what they are given: a
 * test may need a message that is wrong. For one that lies about its length
 * there is {@linkcode header}.
 *
 * @module
 */

/** A column of {@linkcode rowDescription}. */
export interface ColumnSpec {
  /** The name of the column. */
  name: string;
  /** The OID of its type. */
  oid: number;
  /** The type modifier. @default {-1} */
  typmod?: number;
  /** The size of the type. @default {-1} */
  size?: number;
  /** 0 for text, 1 for binary. @default {0} */
  format?: number;
  /** The OID of the table. @default {0} */
  tableOid?: number;
  /** The number of the column in its table. @default {0} */
  column?: number;
}

/** The fields of an error or notice by name, or any field by its letter. */
export interface DiagnosticSpec {
  /** Letters S and V. */
  severity?: string | undefined;
  /** Letter C. */
  code?: string;
  /** Letter M. */
  message?: string;
  /** Letter D. */
  detail?: string;
  /** Letter H. */
  hint?: string;
  /** Letter P. */
  position?: number;
  /** Letter W. */
  where?: string;
  /** Any field by its letter. */
  [letter: string]: string | number | undefined;
}

/** A value of {@linkcode dataRow}: text, bytes or NULL. */
export type Value = Uint8Array | string | null;

const encoder = new TextEncoder();
const LETTERS: Readonly<Record<string, string>> = {
  code: "C",
  message: "M",
  detail: "D",
  hint: "H",
  position: "P",
  where: "W",
};

/** The parts in one array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** An Int16, or any other number taken modulo 2^16. */
export function int16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

/** An Int32, or any other number taken modulo 2^32. */
export function int32(value: number): Uint8Array {
  return Uint8Array.of(value >> 24, value >> 16, value >> 8, value);
}

/** Text without a terminator, in UTF-8. */
export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text and a terminating zero byte. */
export function cstring(text: string): Uint8Array {
  return encoder.encode(text + "\0");
}

/**
 * A message of any type.
 *
 * @param tag The letter of its type.
 * @param body What follows the length, in parts.
 */
export function message(
  tag: string,
  ...body: readonly Uint8Array[]
): Uint8Array {
  const content = concat(...body);
  return concat(header(tag, content.length + 4), content);
}

/** The first five bytes of a message, with whatever length. */
export function header(tag: string, length: number): Uint8Array {
  return concat(Uint8Array.of(tag.charCodeAt(0)), int32(length));
}

/** AuthenticationOk. */
export function authenticationOk(): Uint8Array {
  return message("R", int32(0));
}

/** AuthenticationCleartextPassword. */
export function authenticationCleartextPassword(): Uint8Array {
  return message("R", int32(3));
}

/** AuthenticationMD5Password. */
export function authenticationMd5Password(salt: Uint8Array): Uint8Array {
  return message("R", int32(5), salt);
}

/** AuthenticationSASL. */
export function authenticationSasl(mechanisms: readonly string[]): Uint8Array {
  return message("R", int32(10), ...mechanisms.map(cstring), cstring(""));
}

/** AuthenticationSASLContinue. */
export function authenticationSaslContinue(data: string): Uint8Array {
  return message("R", int32(11), bytes(data));
}

/** AuthenticationSASLFinal. */
export function authenticationSaslFinal(data: string): Uint8Array {
  return message("R", int32(12), bytes(data));
}

/** A request for authentication by any code, for example 7 for GSSAPI. */
export function authentication(
  code: number,
  data: Uint8Array = new Uint8Array(),
): Uint8Array {
  return message("R", int32(code), data);
}

/** BackendKeyData. The key is four bytes in protocol 3.0. */
export function backendKeyData(
  pid: number,
  key: Uint8Array | number,
): Uint8Array {
  return message("K", int32(pid), typeof key === "number" ? int32(key) : key);
}

/** BindComplete. */
export function bindComplete(): Uint8Array {
  return message("2");
}

/** CloseComplete. */
export function closeComplete(): Uint8Array {
  return message("3");
}

/** CommandComplete. */
export function commandComplete(tag: string): Uint8Array {
  return message("C", cstring(tag));
}

/** CopyInResponse. */
export function copyInResponse(
  columns: readonly number[] = [0],
  format = 0,
): Uint8Array {
  return copyResponse("G", columns, format);
}

/** CopyOutResponse. */
export function copyOutResponse(
  columns: readonly number[] = [0],
  format = 0,
): Uint8Array {
  return copyResponse("H", columns, format);
}

/** CopyBothResponse. */
export function copyBothResponse(
  columns: readonly number[] = [],
  format = 0,
): Uint8Array {
  return copyResponse("W", columns, format);
}

function copyResponse(
  tag: string,
  columns: readonly number[],
  format: number,
): Uint8Array {
  return message(
    tag,
    Uint8Array.of(format),
    int16(columns.length),
    ...columns.map(int16),
  );
}

/** CopyData. */
export function copyData(data: Uint8Array | string): Uint8Array {
  return message("d", typeof data === "string" ? bytes(data) : data);
}

/** CopyDone. */
export function copyDone(): Uint8Array {
  return message("c");
}

/** DataRow. */
export function dataRow(values: readonly Value[]): Uint8Array {
  return message("D", int16(values.length), ...values.map(value));
}

/** A value behind its length, as DataRow and Bind have it. */
export function value(value: Value): Uint8Array {
  if (value === null) return int32(-1);
  const content = typeof value === "string" ? bytes(value) : value;
  return concat(int32(content.length), content);
}

/** EmptyQueryResponse. */
export function emptyQueryResponse(): Uint8Array {
  return message("I");
}

/**
 * ErrorResponse. Without anything said, severity is ERROR, code XX000 and the
 * message "Oops".
 */
export function errorResponse(fields: DiagnosticSpec = {}): Uint8Array {
  return diagnostic("E", {
    severity: "ERROR",
    code: "XX000",
    message: "Oops",
    ...fields,
  });
}

/** NoticeResponse. Without anything said, severity is NOTICE and code 00000. */
export function noticeResponse(fields: DiagnosticSpec = {}): Uint8Array {
  return diagnostic("N", {
    severity: "NOTICE",
    code: "00000",
    message: "Note",
    ...fields,
  });
}

function diagnostic(tag: string, fields: DiagnosticSpec): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (field === undefined) continue;
    if (name === "severity") {
      parts.push(cstring(`S${field}`), cstring(`V${field}`));
    } else parts.push(cstring(`${LETTERS[name] ?? name}${field}`));
  }
  return message(tag, ...parts, Uint8Array.of(0));
}

/** NotificationResponse. */
export function notificationResponse(
  pid: number,
  channel: string,
  payload = "",
): Uint8Array {
  return message("A", int32(pid), cstring(channel), cstring(payload));
}

/**
 * NegotiateProtocolVersion.
 *
 * @param version The newest version that the server speaks, major in the upper
 * 16 bits.
 * @param options The options that it does not know.
 */
export function negotiateProtocolVersion(
  version: number,
  options: readonly string[] = [],
): Uint8Array {
  return message(
    "v",
    int32(version),
    int32(options.length),
    ...options.map(cstring),
  );
}

/** NoData. */
export function noData(): Uint8Array {
  return message("n");
}

/** ParameterDescription. */
export function parameterDescription(oids: readonly number[]): Uint8Array {
  return message("t", int16(oids.length), ...oids.map(int32));
}

/** ParameterStatus. */
export function parameterStatus(name: string, value: string): Uint8Array {
  return message("S", cstring(name), cstring(value));
}

/** ParseComplete. */
export function parseComplete(): Uint8Array {
  return message("1");
}

/** PortalSuspended. */
export function portalSuspended(): Uint8Array {
  return message("s");
}

/** ReadyForQuery: idle, in a transaction, or in one that failed. */
export function readyForQuery(status: "I" | "T" | "E" = "I"): Uint8Array {
  return message("Z", bytes(status));
}

/** RowDescription. */
export function rowDescription(columns: readonly ColumnSpec[]): Uint8Array {
  return message(
    "T",
    int16(columns.length),
    ...columns.map((column) =>
      concat(
        cstring(column.name),
        int32(column.tableOid ?? 0),
        int16(column.column ?? 0),
        int32(column.oid),
        int16(column.size ?? -1),
        int32(column.typmod ?? -1),
        int16(column.format ?? 0),
      )
    ),
  );
}
