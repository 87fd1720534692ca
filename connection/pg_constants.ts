/**
 * The kinds of result, the answers of a ping and the fields of an error, by libpq's numbers and letters.
 *
 * @module
 */

/** What kind of result it is, numbered as libpq numbers it. */
export const ExecStatus = {
  /** The text was empty. */
  EMPTY_QUERY: 0,
  /** A command ended well that gives no rows. */
  COMMAND_OK: 1,
  /** A statement ended well that gives rows, perhaps none. */
  TUPLES_OK: 2,
  /** A COPY to the client has begun. */
  COPY_OUT: 3,
  /** A COPY from the client has begun. */
  COPY_IN: 4,
  /** The server sent what is not understood. */
  BAD_RESPONSE: 5,
  /** A notice or a warning. */
  NONFATAL_ERROR: 6,
  /** An error. */
  FATAL_ERROR: 7,
  /** A COPY in both directions has begun. */
  COPY_BOTH: 8,
  /** A single row of a result. */
  SINGLE_TUPLE: 9,
  /** The end of a pipeline. */
  PIPELINE_SYNC: 10,
  /** It was skipped, as a statement before it in the pipeline had failed. */
  PIPELINE_ABORTED: 11,
  /** Some rows of a result. */
  TUPLES_CHUNK: 12,
} as const;
/** What kind of result it is, numbered as libpq numbers it. */
export type ExecStatus = (typeof ExecStatus)[keyof typeof ExecStatus];

/** What became of {@linkcode PgConn.ping}, numbered as libpq numbers it. */
export const Ping = {
  /** The server takes connections. */
  OK: 0,
  /** It is starting or stopping, or recovers, and takes none. */
  REJECT: 1,
  /** It cannot be reached, or what is there is no PostgreSQL. */
  NO_RESPONSE: 2,
  /** It was not even tried: a parameter is wrong, or a file or a grant is missing. */
  NO_ATTEMPT: 3,
} as const;
/** What became of {@linkcode PgConn.ping}, numbered as libpq numbers it. */
export type Ping = (typeof Ping)[keyof typeof Ping];

/** The letters of the fields of an error, by their names in libpq. */
export const DiagnosticField = {
  /** The severity, in the server's language. */
  SEVERITY: "S",
  /** The severity, in English. */
  SEVERITY_NONLOCALIZED: "V",
  /** The SQLSTATE. */
  SQLSTATE: "C",
  /** The message. */
  MESSAGE_PRIMARY: "M",
  /** More about it. */
  MESSAGE_DETAIL: "D",
  /** What to do about it. */
  MESSAGE_HINT: "H",
  /** Where in the statement, in characters from 1. */
  STATEMENT_POSITION: "P",
  /** Where in the internal statement. */
  INTERNAL_POSITION: "p",
  /** The internal statement. */
  INTERNAL_QUERY: "q",
  /** What the server was doing. */
  CONTEXT: "W",
  /** The schema concerned. */
  SCHEMA_NAME: "s",
  /** The table concerned. */
  TABLE_NAME: "t",
  /** The column concerned. */
  COLUMN_NAME: "c",
  /** The data type concerned. */
  DATATYPE_NAME: "d",
  /** The constraint concerned. */
  CONSTRAINT_NAME: "n",
  /** The file of the server's source code. */
  SOURCE_FILE: "F",
  /** The line in it. */
  SOURCE_LINE: "L",
  /** The function in it. */
  SOURCE_FUNCTION: "R",
} as const;
/** The letters of the fields of an error, by their names in libpq. */
export type DiagnosticField =
  (typeof DiagnosticField)[keyof typeof DiagnosticField];
