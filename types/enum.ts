/**
 * Enums: labels as strings, or as the members of an object of the user.
 *
 * @module
 */

import { DataError, ProgrammingError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type DumperClass,
  Format,
  type Loader,
  type LoaderClass,
} from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { mapOf, type RegisterContext } from "./register_context.ts";
import { TextBinaryLoader, TextLoader } from "./text.ts";
import type { EnumInfo } from "./type_info.ts";

/**
 * Which label each member has: pairs of member and label. Of several pairs for
 * one label or one member the last one counts.
 */
export type EnumMapping<M = unknown> = Iterable<readonly [M, string]>;

/**
 * A member of an enum on its way out. A member that is a string equal to its
 * label needs no such wrapper; one that is a number, or another string, would
 * be sent as that.
 *
 * @example
 * ```ts
 * import { connect, EnumInfo, registerEnum } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * const Size = { small: 1, large: 2 } as const;
 *
 * await using conn = await connect();
 * await conn.execute("create type size as enum ('small', 'large')");
 * const sizes = registerEnum(await EnumInfo.fetch(conn, "size"), conn, Size);
 * const row = await conn.execute("select %s as size", [sizes.of(Size.large)]).fetchOne();
 * assertEquals(row?.size, 2);
 * ```
 */
export class EnumValue {
  /** The member. */
  readonly member: unknown;

  /**
   * Called by `of()` of what {@linkcode registerEnum} returns.
   *
   * @param member The member.
   */
  constructor(member: unknown) {
    this.member = member;
  }
}

/** What has been registered for an enum. */
export interface RegisteredEnum<M = string> {
  /** The members by their names; where none were given, the labels by themselves. */
  readonly members: Readonly<Record<string, M>>;
  /**
   * Wraps a member, to be sent as the enum.
   *
   * @throws {DataError} If the member has no label.
   */
  of(member: M): EnumValue;
}

/** The members of an object: those that an `enum` of numbers adds for the way back are none. */
function membersOf<M>(
  enumObject: Readonly<Record<string, M>>,
): [string, M][] {
  return Object.entries(enumObject).filter(([key, value]) =>
    !(typeof value === "string" && String(Number(key)) === key &&
      Number(key) === enumObject[value])
  );
}

/** Which label has which member, both ways. */
class Labels {
  readonly members = new Map<string, unknown>();
  readonly labels = new Map<unknown, string>();

  constructor(
    info: EnumInfo,
    members: readonly (readonly [string, unknown])[],
    mapping: EnumMapping | null,
  ) {
    const labels = new Set(info.labels);
    for (const [key, member] of members) {
      // By its name, as long as no other member has that as its value.
      if (labels.has(key)) this.#pair(key, member);
    }
    for (const [, member] of members) {
      if (typeof member === "string" && labels.has(member)) {
        this.#pair(member, member);
      }
    }
    if (mapping === null) return;
    const known = new Set(members.map(([, member]) => member));
    for (const [member, label] of mapping) {
      if (known.has(member)) this.#pair(label, member);
      else {
        throw new ProgrammingError(
          `Cannot register the enum ${info.regtype}: the mapping has a member for ${
            JSON.stringify(label)
          } that the enum object does not have`,
        );
      }
    }
  }

  #pair(label: string, member: unknown): void {
    this.members.set(label, member);
    this.labels.set(member, label);
  }
}

/** The loaders of an enum whose labels stand for members. */
function makeLoaders(
  info: EnumInfo,
  members: ReadonlyMap<string, unknown>,
): [LoaderClass, LoaderClass] {
  class EnumLoader implements Loader {
    static readonly format: Format = Format.TEXT;

    load(source: ReadBuffer, start: number, end: number): unknown {
      const label = source.text(start, end);
      const member = members.get(label);
      if (member !== undefined || members.has(label)) return member;
      throw new DataError(
        `Cannot read a value of the enum ${info.regtype}: the label ${
          JSON.stringify(label)
        } has no member, add one and register the enum again`,
      );
    }
  }

  class EnumBinaryLoader extends EnumLoader {
    static override readonly format: Format = Format.BINARY;
    static readonly twin: LoaderClass = EnumLoader;
  }

  return [EnumLoader, EnumBinaryLoader];
}

/** The dumpers of an enum, of whatever has a label. */
function makeDumpers(
  info: EnumInfo,
  labelOf: (value: object) => string,
): [DumperClass<object>, DumperClass<object>] {
  class EnumDumper extends TextDumper<object> {
    override readonly oid: number = info.oid;
    override readonly cast: string = info.regtype;

    override text(value: object): string {
      return labelOf(value);
    }
  }

  class EnumBinaryDumper extends BinaryDumper<object> {
    override readonly oid: number = info.oid;
    override readonly cast: string = info.regtype;

    override dump(value: object, out: WriteBuffer): void {
      out.text(labelOf(value));
    }

    override text(value: object): string {
      return labelOf(value);
    }
  }

  return [EnumDumper, EnumBinaryDumper];
}

/**
 * Has the values of an enum loaded as strings, also in arrays and in binary, or
 * as the members of an object: an `as const` object, an `enum`, or a class with
 * its instances as static properties. A label stands for the member whose value
 * it is, or else for the one of that name, unless a mapping says otherwise.
 *
 * Members that are instances of a class can be sent as they are, and strings
 * that are labels. Others, such as numbers, are sent by `of()`.
 *
 * @param info The type.
 * @param context A connection, a cursor, or a map of adapters; by default the
 * global one, for the connections that are opened later.
 * @param enumObject The members by their names. Without it the labels are the
 * members.
 * @param mapping The labels of members that have another name.
 * @returns The members, and what sends them.
 * @throws {TypeError} If there is no type, as when `fetch()` has found none.
 * @throws {ProgrammingError} If the mapping has a member that the object does not have.
 *
 * @example
 * ```ts
 * import { connect, EnumInfo, registerEnum } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * const Size = { Small: "s", Large: "l" } as const;
 *
 * await using conn = await connect();
 * await conn.execute("create type size as enum ('small', 'large')");
 * const info = await EnumInfo.fetch(conn, "size");
 * registerEnum(info, conn, Size, [[Size.Small, "small"], [Size.Large, "large"]]);
 * const row = await conn.execute("select 'large'::size as size").fetchOne();
 * assertEquals(row?.size, Size.Large);
 * ```
 */
export function registerEnum<M = string>(
  info: EnumInfo | null,
  context?: RegisterContext | null,
  enumObject?: Readonly<Record<string, M>> | null,
  mapping?: EnumMapping<M> | null,
): RegisteredEnum<M> {
  if (info == null) {
    throw new TypeError(
      "Cannot register the enum: there is no such type, EnumInfo.fetch() gave null",
    );
  }
  const own = enumObject == null
    ? info.labels.map((label) => [label, label as M] as [string, M])
    : membersOf(enumObject);
  const { members, labels } = new Labels(info, own, mapping ?? null);
  const labelOf = (member: unknown): string => {
    const label = labels.get(member);
    if (label !== undefined && info.labels.includes(label)) return label;
    throw new DataError(
      `Cannot send a member of the enum ${info.regtype}: it has no label in the database`,
    );
  };
  const map = mapOf(context);
  info.register(map);
  const loaders = enumObject == null
    ? [TextLoader, TextBinaryLoader]
    : makeLoaders(info, members);
  for (const loader of loaders) map.registerLoader(info.oid, loader);

  // One class of wrappers for each registration, as dumpers are found by class.
  class Member extends EnumValue {}
  const [wrapped, wrappedBinary] = makeDumpers(
    info,
    // Where the type is given in advance members and labels come as they are.
    (value) =>
      value instanceof Member
        ? labelOf(value.member)
        : info.labels.includes(value as unknown as string) &&
            !labels.has(value)
        ? value as unknown as string
        : labelOf(value),
  );
  map.registerDumper(Member, wrappedBinary);
  map.registerDumper(Member, wrapped);
  const classes = new Set(
    own.flatMap(([, member]) =>
      typeof member === "object" && member !== null ? [member.constructor] : []
    ),
  );
  if (classes.size > 0) {
    const [text, binary] = makeDumpers(info, labelOf);
    for (const each of classes) {
      if (each === Object) continue; // a plain object stays JSON
      map.registerDumper(each, binary);
      map.registerDumper(each, text);
    }
  }
  const byName: Readonly<Record<string, M>> = Object.freeze(
    Object.assign(Object.create(null), Object.fromEntries(own)),
  );
  info.enum = byName;
  return {
    members: byName,
    of(member) {
      labelOf(member);
      return new Member(member);
    },
  };
}
