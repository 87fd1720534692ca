/**
 * Row factories: what becomes of the values of a row.
 *
 * A factory is asked once for each result and gives a function that is called
 * for each row. The built-in ones are known to the decoder, which then makes
 * their rows without an array in between.
 *
 * @example Rows of several shapes
 * ```ts
 * import { connect } from "@x/pgts";
 * import { dictRow, scalarRow, tupleRow } from "@x/pgts/rows";
 *
 * await using conn = await connect({ rowFactory: tupleRow });
 * console.log(await conn.execute("select 1 as a, 2 as b").fetchOne()); // [1, 2]
 * console.log(await conn.cursor({ rowFactory: scalarRow }).execute("select 1").fetchOne()); // 1
 * console.log(await conn.cursor({ rowFactory: dictRow }).execute("select 1 as a").fetchOne()); // { a: 1 }
 * ```
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { type RowShape, setOwn } from "../types/row_decoder.ts";
import type { Column } from "./column.ts";

/** What a row factory gets to see: the result whose rows it will make. */
export interface RowSource {
  /** The columns, or `null` where the statement has no rows. */
  readonly description: readonly Column[] | null;
}

/** Makes a row of the values of its columns, which it may keep. */
export type RowMaker<Row> = (values: unknown[]) => Row;

/**
 * Is asked once for each result, and gives the function that makes its rows.
 *
 * @example Rows as `Map`
 * ```ts
 * import { connect } from "@x/pgts";
 * import type { RowFactory } from "@x/pgts/rows";
 *
 * const mapRow: RowFactory<Map<string, unknown>> = (source) => {
 *   const names = source.description?.map((column) => column.name) ?? [];
 *   return (values) => new Map(names.map((name, i) => [name, values[i]]));
 * };
 * await using conn = await connect({ rowFactory: mapRow });
 * const row = await conn.execute("select 1 as a").fetchOne();
 * console.log(row?.get("a")); // 1
 * ```
 */
export type RowFactory<Row> = (source: RowSource) => RowMaker<Row>;

/** A row as an object keyed by column name: the default. */
export type DictRow = Record<string, unknown>;

const SHAPE = Symbol("pgts.rowShape");

/** How the decoder may make the rows of a built-in factory itself. */
interface ShapedFactory {
  [SHAPE]?: { readonly shape: RowShape; check(source: RowSource): void };
}

/**
 * How the decoder should make rows, and what is left to do with them.
 *
 * @internal
 */
export interface RowPlanner {
  /** What the decoder makes of the values. */
  readonly shape: RowShape;
  /** Makes the row of it, or `null` where the decoder's is final. */
  readonly maker: RowMaker<unknown> | null;
}

/**
 * Asks a factory how it wants its rows.
 *
 * @param factory The row factory.
 * @param source The result whose rows it will make.
 * @returns What the decoder has to do.
 * @throws Whatever the factory throws.
 * @internal
 */
export function planRows(
  factory: RowFactory<unknown>,
  source: RowSource,
): RowPlanner {
  const shaped = (factory as ShapedFactory)[SHAPE];
  if (shaped === undefined) return { shape: "array", maker: factory(source) };
  shaped.check(source);
  return { shape: shaped.shape, maker: null };
}

function shaped<F extends object>(
  factory: F,
  shape: RowShape,
  check: (source: RowSource) => void,
): F {
  Object.defineProperty(factory, SHAPE, { value: { shape, check } });
  return factory;
}

/** Options of {@linkcode dictRow}. */
export interface DictRowOptions {
  /**
   * What happens to columns of the same name: `"error"` refuses them, `"last"`
   * keeps the value of the last one.
   *
   * @default {"error"}
   */
  duplicates?: "error" | "last";
}

/** The type of {@linkcode dictRow}: a row factory, or with options a maker of one. */
export interface DictRowFactory {
  /** Makes a row factory with options. */
  (options: DictRowOptions): RowFactory<DictRow>;
  /** Makes the function that makes the rows. Last, where type inference looks. */
  (source: RowSource): RowMaker<DictRow>;
}

/**
 * Rows as plain objects keyed by column name: the default.
 *
 * Two columns of the same name are a ProgrammingError that names them, unless
 * `dictRow({ duplicates: "last" })` is used.
 */
export const dictRow: DictRowFactory = shaped(
  makeDictRow as DictRowFactory,
  "object",
  refuseDuplicates,
);

function makeDictRow(
  input: RowSource | DictRowOptions,
): RowMaker<DictRow> | RowFactory<DictRow> {
  if ("description" in input) {
    refuseDuplicates(input);
    return dictMaker(input);
  }
  const check = input.duplicates === "last" ? () => {} : refuseDuplicates;
  return shaped(
    (source: RowSource) => (check(source), dictMaker(source)),
    "object",
    check,
  );
}

function dictMaker(source: RowSource): RowMaker<DictRow> {
  const names = namesOf(source);
  return (values) => {
    const row: DictRow = {};
    for (let i = 0; i < names.length; i++) setOwn(row, names[i]!, values[i]);
    return row;
  };
}

function refuseDuplicates(source: RowSource): void {
  refuseTwice(namesOf(source), 'tupleRow or dictRow({ duplicates: "last" })');
}

function refuseTwice(names: readonly string[], instead: string): void {
  if (new Set(names).size === names.length) return;
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  throw new ProgrammingError(
    `Cannot make objects of the rows: several columns are called ${
      [...new Set(twice)].map((name) => JSON.stringify(name)).join(", ")
    }, give them other names with AS, or use ${instead}`,
  );
}

function namesOf(source: RowSource): string[] {
  return source.description?.map((column) => column.name) ?? [];
}

/** Rows as arrays of the values, in the order of the columns. */
export const tupleRow: RowFactory<unknown[]> = shaped(
  (_source: RowSource) => (values: unknown[]) => values,
  "array",
  () => {},
);

/** A row of {@linkcode namedTupleRow}: the values in their order, and by name. */
export type NamedTuple = readonly unknown[] & {
  readonly [name: string]: unknown;
};

/** The classes of rows that were made last, by the names of their columns. */
const tupleClasses = new Map<string, typeof NamedTupleBase>();
const MAX_TUPLE_CLASSES = 512;

/** What these rows have in common. What their methods make are plain arrays. */
class NamedTupleBase extends Array<unknown> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/**
 * Rows as frozen arrays whose values have names too: `row[0]` and `row.id`.
 * Columns of the same names share a class of rows.
 *
 * What is no JavaScript name is made one: characters other than letters, digits,
 * `_` and `$` become `_`, and names that then begin with a digit or `_`, or that
 * arrays cannot do without, `length` and `constructor`, get an `f` in front. A
 * column that is called like a method of arrays hides that method.
 *
 * Two columns of the same name are a ProgrammingError that names them.
 *
 * @param source The result whose rows it will make.
 * @returns What makes the rows.
 *
 * @example
 * ```ts
 * import { connect, namedTupleRow } from "@x/pgts";
 *
 * await using conn = await connect({ rowFactory: namedTupleRow });
 * const row = await conn.execute("select 1 as id, 'Ada' as name").fetchOne();
 * console.log(row?.name, row?.[0]); // Ada 1
 * ```
 */
export const namedTupleRow: RowFactory<NamedTuple> = (
  source: RowSource,
): RowMaker<NamedTuple> => {
  const names = namesOf(source).map(propertyName);
  refuseTwice(names, "tupleRow");
  const { prototype } = tupleClass(names);
  return (values) =>
    Object.freeze(
      Object.setPrototypeOf(values, prototype),
    ) as NamedTuple;
};

function propertyName(column: string): string {
  const name = column.replace(/[^\p{ID_Continue}$]/gu, "_");
  return /^(?!\p{ID_Start}|\$)|^(?:length|constructor)$/u.test(name)
    ? `f${name}`
    : name;
}

function tupleClass(names: readonly string[]): typeof NamedTupleBase {
  const key = JSON.stringify(names);
  let TupleClass = tupleClasses.get(key);
  if (TupleClass !== undefined) {
    tupleClasses.delete(key); // The least recently used is the first.
  } else {
    TupleClass = class NamedTuple extends NamedTupleBase {};
    for (const [i, name] of names.entries()) {
      Object.defineProperty(TupleClass.prototype, name, {
        get(this: readonly unknown[]): unknown {
          return this[i];
        },
      });
    }
    if (tupleClasses.size >= MAX_TUPLE_CLASSES) {
      tupleClasses.delete(tupleClasses.keys().next().value!);
    }
  }
  tupleClasses.set(key, TupleClass);
  return TupleClass;
}

/** The value of the first column alone. A result without columns is a ProgrammingError. */
export const scalarRow: RowFactory<unknown> = shaped(
  (source: RowSource) => (needColumn(source), (values: unknown[]) => values[0]),
  "scalar",
  needColumn,
);

function needColumn(source: RowSource): void {
  if (source.description?.length === 0) {
    throw new ProgrammingError(
      "Cannot take the first value of each row: the result has no columns",
    );
  }
}

/**
 * Rows as instances of a class: constructed without arguments, then given a
 * property for each column.
 *
 * @param RowClass The class. It declares a field for each column.
 * @returns The row factory. A column that the class has no field for, or a field
 * without a default that no column fills, is a TypeError.
 *
 * @example
 * ```ts
 * import { connect } from "@x/pgts";
 * import { classRow } from "@x/pgts/rows";
 *
 * class Person {
 *   name = "";
 *   age = 0;
 *   greet() {
 *     return `I am ${this.name}`;
 *   }
 * }
 * await using conn = await connect();
 * const cursor = conn.cursor({ rowFactory: classRow(Person) });
 * const person = await cursor.execute("select 'Ada' as name, 36 as age").fetchOne();
 * console.log(person?.greet()); // I am Ada
 * ```
 */
export function classRow<Row extends object>(
  RowClass: new () => Row,
): RowFactory<Row> {
  return (source) => {
    const names = namesOf(source);
    return (values) => {
      const row = new RowClass();
      for (let i = 0; i < names.length; i++) {
        const name = names[i]!;
        if (!Object.hasOwn(row, name)) {
          throw new TypeError(
            `Cannot make a ${RowClass.name} of a row: the class has no field for the column "${name}"`,
          );
        }
        (row as DictRow)[name] = values[i];
      }
      for (const name of Object.keys(row)) {
        if ((row as DictRow)[name] === undefined) {
          throw new TypeError(
            `Cannot make a ${RowClass.name} of a row: there is no column for its field "${name}"`,
          );
        }
      }
      return row;
    };
  };
}

/**
 * Rows as what a function makes of the values, given one by one.
 *
 * @param make Gets the values of a row as its arguments.
 * @returns The row factory.
 */
export function argsRow<Row>(
  make: (...values: unknown[]) => Row,
): RowFactory<Row> {
  return () => (values) => make(...values);
}

/**
 * Rows as what a function makes of an object keyed by column name.
 *
 * @param make Gets the row as an object.
 * @returns The row factory.
 */
export function kwargsRow<Row>(make: (row: DictRow) => Row): RowFactory<Row> {
  return (source) => {
    refuseDuplicates(source);
    const maker = dictMaker(source);
    return (values) => make(maker(values));
  };
}
