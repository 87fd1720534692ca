/**
 * How JavaScript values become PostgreSQL values and back: the map of adapters,
 * the registry of types, the wrappers that force a type, and what it takes to
 * write loaders and dumpers.
 *
 * @example Read a type in a way of one's own
 * ```ts
 * import { adapters } from "@x/pgts";
 * import { AdaptersMap } from "@x/pgts/types";
 *
 * const map = new AdaptersMap(adapters);
 * map.registerLoader("money", (text) => Number(text.replace(/[$,]/g, "")));
 * ```
 *
 * @example Send a class of one's own
 * ```ts
 * import { adapters } from "@x/pgts";
 * import { AdaptersMap, TextDumper } from "@x/pgts/types";
 *
 * class Pixel {
 *   x = 1;
 *   y = 2;
 * }
 *
 * class PixelDumper extends TextDumper<Pixel> {
 *   override readonly oid: number = 600;
 *   override readonly cast: string = "point";
 *   override text(value: Pixel): string {
 *     return `(${value.x},${value.y})`;
 *   }
 * }
 *
 * const map = new AdaptersMap(adapters);
 * map.registerDumper(Pixel, PixelDumper);
 * ```
 *
 * @module
 */

export {
  type Adaptation,
  type Dumper,
  type DumperClass,
  type DumperFunction,
  type DumperKey,
  type DumperLike,
  Format,
  type Loader,
  type LoaderClass,
  type LoaderFunction,
  type LoaderLike,
  type LoaderObject,
  PlaceholderFormat,
  type Registrar,
  type SessionState,
} from "./adapt.ts";
export { ReadBuffer } from "../protocol/read_buffer.ts";
export { WriteBuffer } from "../protocol/write_buffer.ts";
export { type TextCodec } from "../protocol/text.ts";
export { BaseDumper, BinaryDumper, TextDumper } from "./dumper.ts";
export { AdaptersMap } from "./adapters_map.ts";
export type { RegistrarContext } from "./registrar.ts";
export { type RegisteredDumper, type RegisteredLoader } from "./registered.ts";
export { Transformer } from "./transformer.ts";
export { adapters } from "./defaults.ts";
export { OID } from "./oids.ts";
export type {
  CompositeInfoOptions,
  EnumInfoOptions,
  FoundType,
  MultirangeInfoOptions,
  RangeInfoOptions,
  TypeInfoOptions,
  TypeName,
  TypeSource,
} from "./type_facts.ts";
export {
  CompositeInfo,
  EnumInfo,
  MultirangeInfo,
  RangeInfo,
  type TypeContext,
  TypeInfo,
  type TypesHolder,
} from "./type_info.ts";
export { type SubtypeClass, TypesRegistry } from "./types_registry.ts";
export {
  type CompositeOptions,
  registerComposite,
  type SequenceFactory,
} from "./composite.ts";
export {
  type EnumMapping,
  EnumValue,
  type RegisteredEnum,
  registerEnum,
} from "./enum.ts";
export { type HstoreOptions, registerHstore } from "./hstore.ts";
export { RecordBinaryLoader, RecordLoader } from "./record.ts";
export { Tuple, TupleBinaryDumper, TupleDumper } from "./tuple.ts";
export {
  type AdaptersHolder,
  type RegisterContext,
} from "./register_context.ts";
export {
  Float4,
  Float8,
  Int2,
  Int4,
  Int8,
  type IntegerRange,
  IntNumeric,
  NumberWrapper,
  Oid,
} from "./wrappers.ts";
export { ArrayBinaryLoader, ArrayLoader } from "./array.ts";
export { ArrayBinaryDumper, ArrayDumper } from "./array_dumper.ts";
export {
  BoolBinaryDumper,
  BoolBinaryLoader,
  BoolDumper,
  BoolLoader,
} from "./bool.ts";
export {
  Int2BinaryLoader,
  Int4BinaryLoader,
  Int8AsNumberBinaryLoader,
  Int8AsNumberLoader,
  Int8BinaryLoader,
  Int8Loader,
  IntLoader,
  OidBinaryLoader,
} from "./integer.ts";
export { Int2Vector, IntVector, OidVector } from "./int_vector.ts";
export {
  Int2BinaryDumper,
  Int2Dumper,
  Int4BinaryDumper,
  Int4Dumper,
  Int8BinaryDumper,
  Int8Dumper,
  IntegerBinaryDumper,
  IntegerDumper,
  type IntegerLike,
  OidBinaryDumper,
  OidDumper,
} from "./integer_dumper.ts";
export {
  Float4BinaryDumper,
  Float4BinaryLoader,
  Float4Dumper,
  Float4Loader,
  Float8BinaryDumper,
  Float8Dumper,
  FloatBinaryLoader,
  type FloatLike,
  FloatLoader,
} from "./float.ts";
export {
  NumericAsNumberBinaryLoader,
  NumericAsNumberLoader,
  NumericBinaryDumper,
  NumericBinaryLoader,
  NumericDumper,
  type NumericLike,
  NumericLoader,
} from "./numeric.ts";
export {
  type NumericClass,
  type NumericOptions,
  registerNumeric,
} from "./numeric_register.ts";
export {
  BigintBinaryDumper,
  BigintDumper,
  NumberBinaryDumper,
  NumberDumper,
} from "./number.ts";
export { CharBinaryLoader } from "./char.ts";
export {
  StrBinaryDumper,
  StrBinaryDumperBpchar,
  StrBinaryDumperName,
  StrBinaryDumperVarchar,
  StrDumper,
  StrDumperBpchar,
  StrDumperName,
  StrDumperUnknown,
  StrDumperVarchar,
  TextBinaryLoader,
  TextLoader,
} from "./text.ts";
export {
  ByteaBinaryDumper,
  ByteaBinaryLoader,
  ByteaDumper,
  ByteaLoader,
  type Bytes,
} from "./bytea.ts";
export {
  Json,
  Jsonb,
  JsonbBinaryDumper,
  JsonbBinaryLoader,
  JsonbDumper,
  JsonBinaryDumper,
  JsonBinaryLoader,
  JsonDumper,
  JsonLoader,
  JsonWrapper,
  setJsonDumps,
  setJsonLoads,
} from "./json.ts";
export {
  type JsonDumps,
  type JsonLoads,
  type JsonReviver,
  parseJson,
} from "./json_text.ts";
export {
  Uuid,
  UuidBinaryDumper,
  UuidBinaryLoader,
  UuidDumper,
  UuidLoader,
} from "./uuid.ts";
export { Cidr, Inet, IpValue } from "./inet_value.ts";
export {
  CidrBinaryDumper,
  CidrBinaryLoader,
  CidrDumper,
  CidrLoader,
  InetBinaryDumper,
  InetBinaryLoader,
  InetDumper,
  InetLoader,
  type IpLike,
} from "./inet.ts";
export { Typed, TypedBinaryDumper, TypedDumper } from "./typed.ts";
export {
  DateBinaryLoader,
  DateTextLoader,
  PlainDateBinaryDumper,
  PlainDateTextDumper,
} from "./date.ts";
export {
  PlainTimeBinaryDumper,
  PlainTimeTextDumper,
  TimeBinaryLoader,
  TimeTextLoader,
} from "./time.ts";
export {
  TimeTz,
  TimeTzBinaryDumper,
  TimeTzBinaryLoader,
  TimeTzTextDumper,
  TimeTzTextLoader,
} from "./timetz.ts";
export {
  TimestampBinaryLoader,
  TimestampTextLoader,
  TimestamptzBinaryLoader,
  TimestamptzTextLoader,
} from "./timestamp.ts";
export {
  type InstantLike,
  PlainDateTimeBinaryDumper,
  PlainDateTimeTextDumper,
  TimestamptzBinaryDumper,
  TimestamptzTextDumper,
} from "./timestamp_dumpers.ts";
export { Interval } from "./interval_value.ts";
export {
  IntervalBinaryDumper,
  IntervalBinaryLoader,
  IntervalTextDumper,
  IntervalTextLoader,
} from "./interval.ts";
export {
  DateTimeTextLoader,
  type DateTimeType,
  registerDateLoader,
  registerDateTimeText,
  registerInfinity,
  registerZonedDateTime,
} from "./datetime_loaders.ts";
export { Line, LineSegment, Point } from "./geometric_lines.ts";
export { Box, Circle, Path, Polygon } from "./geometric_shapes.ts";
export { Range, type RangeBounds } from "./range_value.ts";
export { Multirange } from "./multirange_value.ts";
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
} from "./range_wrappers.ts";
export {
  MultirangeBinaryLoader,
  MultirangeLoader,
  RangeBinaryLoader,
  RangeLoader,
} from "./range.ts";
export {
  type MultirangeClass,
  type RangeClass,
  registerMultirange,
  registerRange,
} from "./range_register.ts";
