/**
 * The bytes that tell messages apart, after the chapter "Message Formats".
 *
 * @module
 */

/** The tags of messages from the client. */
export const Frontend = {
  BIND: 0x42, // B
  CLOSE: 0x43, // C
  COPY_DATA: 0x64, // d
  COPY_DONE: 0x63, // c
  COPY_FAIL: 0x66, // f
  DESCRIBE: 0x44, // D
  EXECUTE: 0x45, // E
  FLUSH: 0x48, // H
  PARSE: 0x50, // P
  PASSWORD: 0x70, // p
  QUERY: 0x51, // Q
  SYNC: 0x53, // S
  TERMINATE: 0x58, // X
} as const;

/** The tags of messages from the server. */
export const Backend = {
  AUTHENTICATION: 0x52, // R
  BACKEND_KEY_DATA: 0x4b, // K
  BIND_COMPLETE: 0x32, // 2
  CLOSE_COMPLETE: 0x33, // 3
  COMMAND_COMPLETE: 0x43, // C
  COPY_BOTH_RESPONSE: 0x57, // W
  COPY_DATA: 0x64, // d
  COPY_DONE: 0x63, // c
  COPY_IN_RESPONSE: 0x47, // G
  COPY_OUT_RESPONSE: 0x48, // H
  DATA_ROW: 0x44, // D
  EMPTY_QUERY_RESPONSE: 0x49, // I
  ERROR_RESPONSE: 0x45, // E
  NEGOTIATE_PROTOCOL_VERSION: 0x76, // v
  NO_DATA: 0x6e, // n
  NOTICE_RESPONSE: 0x4e, // N
  NOTIFICATION_RESPONSE: 0x41, // A
  PARAMETER_DESCRIPTION: 0x74, // t
  PARAMETER_STATUS: 0x53, // S
  PARSE_COMPLETE: 0x31, // 1
  PORTAL_SUSPENDED: 0x73, // s
  READY_FOR_QUERY: 0x5a, // Z
  ROW_DESCRIPTION: 0x54, // T
} as const;

/** The kinds of thing that Describe and Close name. */
export const Target = {
  STATEMENT: 0x53, // S
  PORTAL: 0x50, // P
} as const;

/** The transaction status that ReadyForQuery tells. */
export const Status = {
  IDLE: 0x49, // I
  IN_TRANSACTION: 0x54, // T
  FAILED: 0x45, // E
} as const;

/** Protocol version 3.0. */
export const PROTOCOL_3_0 = 0x0003_0000;
/** Protocol version 3.2: keys to cancel with of up to 256 bytes. */
export const PROTOCOL_3_2 = 0x0003_0002;
/** The code that stands in the place of a version in a CancelRequest. */
export const CANCEL_REQUEST = 80877102;
