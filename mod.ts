/**
 * pgts, the PostgreSQL driver for Deno: psycopg's semantics in JavaScript's
 * habits, over the wire protocol itself.
 *
 * @example
 * ```ts
 * import { connect, sql } from "@x/pgts";
 *
 * await using conn = await connect({ autocommit: true });
 * const limit = 3;
 * for await (const row of conn.execute(sql`select n from generate_series(1, ${limit}) as n`)) {
 *   console.log(row.n);
 * }
 * ```
 *
 * @module
 */

export { connect, withConnection } from "./connection/connect.ts";
export {
  Connection,
  Connection as AsyncConnection,
} from "./connection/connection.ts";
export type {
  ConnectOptions,
  CursorClass,
  CursorFactory,
  ServerCursorClass,
  ServerCursorFactory,
} from "./connection/connect_options.ts";
export type {
  AdaptContext,
  AnyText,
  ConnectionParameters,
  DriverSettings,
  LibpqKeyword,
  LibpqParameters,
  ParameterValue,
  PasswordOption,
} from "./connection/options.ts";
export { capabilities, version } from "./connection/capabilities.ts";
export type {
  Capabilities,
  CapabilityCheck,
  CapabilityTest,
} from "./connection/capabilities.ts";
export type { ConninfoDefault } from "./connection/conninfo.ts";
export type { ConninfoParameter } from "./connection/conninfo_table.ts";
export {
  conninfoDefaults,
  conninfoToDict,
  makeConninfo,
} from "./connection/conninfo.ts";
export { resolveSrv } from "./connection/srv.ts";
export type { NameServer, SrvOptions } from "./connection/srv.ts";
export { ConnectionInfo } from "./connection/connection_info.ts";
export { SessionInfo } from "./connection/session_info.ts";
export {
  ConnStatus,
  PipelineStatus,
  TransactionStatus,
} from "./connection/connection_status.ts";
export { ConnectionTpc } from "./connection/connection_tpc.ts";
export { Xid } from "./connection/xid.ts";
export { ConnectionBase } from "./connection/connection_base.ts";
export type { CancelSafeOptions } from "./connection/cancel.ts";
export type { PasswordAlgorithm } from "./connection/passwords.ts";
export {
  ConnectionSettings,
  type InitialSettings,
} from "./connection/connection_settings.ts";
export { Cursor, Cursor as AsyncCursor } from "./connection/cursor.ts";
export {
  RawCursor,
  RawCursor as AsyncRawCursor,
} from "./connection/raw_cursor.ts";
export {
  ClientCursor,
  ClientCursor as AsyncClientCursor,
} from "./connection/client_cursor.ts";
export {
  ServerCursor,
  ServerCursor as AsyncServerCursor,
} from "./connection/server_cursor.ts";
export type {
  FetchOptions,
  ServerCursorOptions,
  ServerExecuteOptions,
} from "./connection/server_cursor_options.ts";
export type { ScrollMode } from "./connection/server_cursor_position.ts";
export {
  RawServerCursor,
  RawServerCursor as AsyncRawServerCursor,
} from "./connection/raw_server_cursor.ts";
export { RowStream } from "./connection/row_stream.ts";
export type { StreamOptions } from "./connection/row_stream.ts";
export { CursorResults } from "./connection/cursor_results.ts";
export { BaseCursor } from "./connection/cursor_base.ts";
export { FetchingCursor } from "./connection/fetching_cursor.ts";
export { CursorCore } from "./connection/cursor_core.ts";
export type {
  CursorConnection,
  CursorOptions,
  SentQuery,
} from "./connection/cursor_core.ts";
export type {
  ExecuteManyOptions,
  ExecuteOptions,
} from "./connection/cursor_base.ts";
export type { ParameterSets } from "./connection/batch.ts";
export type { ResultLimits } from "./connection/result.ts";
export { Column } from "./connection/column.ts";
export { Copy } from "./connection/copy.ts";
export type { CopyOptions } from "./connection/copy.ts";
export { CopyingCursor } from "./connection/copying_cursor.ts";
export type { CopyBlock } from "./connection/copying_cursor.ts";
export { CopyEncoder } from "./connection/copy_encoder.ts";
export type { CopyEncoderOptions } from "./connection/copy_encoder.ts";
export { copyRecords, insertMany } from "./connection/copy_records.ts";
export type {
  CopyRecordsOptions,
  InsertManyOptions,
  InsertManyResult,
} from "./connection/copy_records.ts";
export type {
  BulkRecord,
  BulkRecords,
  TableName,
} from "./connection/bulk_table.ts";
export { QueuedWriter, StreamWriter } from "./connection/copy_writers.ts";
export type { CopyWriter } from "./connection/copy_writers.ts";
export { Execution } from "./connection/execution.ts";
export type { Fetchable } from "./connection/execution.ts";
export { IsolationLevel } from "./connection/settings.ts";
export { ConnectionStatements } from "./connection/connection_statements.ts";
export { ConnectionTransactions } from "./connection/connection_transactions.ts";
export { Rollback, Transaction } from "./connection/transaction.ts";
export type { TransactionConnection } from "./connection/transaction.ts";
export { TransactionBlockStatus } from "./connection/transaction_options.ts";
export type {
  BeginOptions,
  RetryOptions,
  TransactionOptions,
} from "./connection/transaction_options.ts";
export { PgConn } from "./connection/pgconn.ts";
export type { ResetOptions } from "./connection/pgconn.ts";
export { PgConnInfo } from "./connection/pgconn_info.ts";
export { PgResult } from "./connection/pg_result.ts";
export {
  DiagnosticField,
  ExecStatus,
  Ping,
} from "./connection/pg_constants.ts";
export { TraceFlags } from "./connection/pgconn_trace.ts";
export type { TraceOptions } from "./connection/pgconn_trace.ts";
export type {
  ExecParamsOptions,
  ExecPreparedOptions,
  RawParameter,
} from "./connection/raw_parameters.ts";
export { Pipeline } from "./connection/pipeline.ts";
export type { PipelineConnection } from "./connection/pipeline.ts";
export { ConnectionEvents } from "./connection/connection_events.ts";
export type { NoticeHandler } from "./connection/events.ts";
export type { NotifiesOptions } from "./connection/notifies.ts";
export { Notify } from "./connection/notify.ts";
export type { NotifyHandler } from "./connection/notify.ts";
export { Listener } from "./connection/listener.ts";
export type { ListenerOptions } from "./connection/listener_options.ts";
export type { Gap, ListenHandler, ListenItem } from "./connection/gap.ts";
export type { BackoffOptions } from "./connection/backoff.ts";
export type { WarningHandler } from "./connection/warnings.ts";
export {
  argsRow,
  classRow,
  dictRow,
  kwargsRow,
  namedTupleRow,
  scalarRow,
  tupleRow,
} from "./connection/rows.ts";
export type {
  DictRow,
  NamedTuple,
  RowFactory,
  RowMaker,
  RowSource,
} from "./connection/rows.ts";
export { sql } from "./sql/tag.ts";
export type { SqlTag } from "./sql/tag.ts";
export {
  escapeBytea,
  escapeIdentifier,
  escapeLiteral,
  escapeString,
  unescapeBytea,
} from "./sql/escape.ts";
export type { Query } from "./sql/bind.ts";
export type { QueryParameters } from "./sql/query.ts";
export { adapters } from "./types/defaults.ts";
export { Format } from "./types/adapt.ts";
export { AdaptersMap } from "./types/adapters_map.ts";
export {
  CompositeInfo,
  EnumInfo,
  MultirangeInfo,
  RangeInfo,
  TypeInfo,
} from "./types/type_info.ts";
export type { FoundType, TypeName, TypeSource } from "./types/type_facts.ts";
export type { TypeContext, TypesHolder } from "./types/type_info.ts";
export { registerComposite } from "./types/composite.ts";
export type { CompositeOptions, SequenceFactory } from "./types/composite.ts";
export { EnumValue, registerEnum } from "./types/enum.ts";
export type { EnumMapping, RegisteredEnum } from "./types/enum.ts";
export { registerHstore } from "./types/hstore.ts";
export type { HstoreOptions } from "./types/hstore.ts";
export { Tuple } from "./types/tuple.ts";
export type {
  AdaptersHolder,
  RegisterContext,
} from "./types/register_context.ts";
export {
  apiLevel,
  BINARY,
  DATETIME,
  DbApiType,
  NUMBER,
  paramStyle,
  ROWID,
  STRING,
  threadSafety,
} from "./types/dbapi_types.ts";
export { Json, Jsonb } from "./types/json.ts";
export { Range } from "./types/range_value.ts";
export type { RangeBounds } from "./types/range_value.ts";
export { Multirange } from "./types/multirange_value.ts";
export {
  DateMultirange,
  DateRange,
  Int4Multirange,
  Int4Range,
  Int8Multirange,
  Int8Range,
  NumMultirange,
  NumRange,
  TsMultirange,
  TsRange,
  TstzMultirange,
  TstzRange,
} from "./types/range_wrappers.ts";
export { registerMultirange, registerRange } from "./types/range_register.ts";
export type { MultirangeClass, RangeClass } from "./types/range_register.ts";
export { Cidr, Inet } from "./types/inet_value.ts";
export type { IpValue } from "./types/inet_value.ts";
export { registerNumeric } from "./types/numeric_register.ts";
export type { NumericClass, NumericOptions } from "./types/numeric_register.ts";
export { Interval } from "./types/interval_value.ts";
export { TimeTz } from "./types/timetz.ts";
export { Typed } from "./types/typed.ts";
export {
  registerDateLoader,
  registerDateTimeText,
  registerInfinity,
  registerZonedDateTime,
} from "./types/datetime_loaders.ts";
export {
  CancellationTimeout,
  ConnectionTimeout,
  DatabaseError,
  DataError,
  IntegrityError,
  InterfaceError,
  InternalError,
  NotSupportedError,
  OperationalError,
  PgError,
  PgError as Error,
  PipelineAborted,
  ProgrammingError,
  ProtocolError,
  ResultTooLarge,
  Warning,
} from "./errors/base.ts";
export type { ErrorResult, PgErrorOptions } from "./errors/base.ts";
export { PgConnSnapshot } from "./errors/pgconn_snapshot.ts";
export type { PgConnFacts } from "./errors/pgconn_snapshot.ts";
export { Diagnostic } from "./errors/diagnostic.ts";
export type { DiagnosticLetter } from "./errors/diagnostic.ts";
export { TransactionOutcomeUnknown } from "./errors/outcome.ts";
