/**
 * Enums on a real server.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  DataError,
  EnumInfo,
  ProgrammingError,
  registerEnum,
} from "../../mod.ts";
import { quiet } from "../connection/support.ts";
import {
  assertLoads,
  assertTrips,
  KINDS,
  open,
  type TupleConnection,
} from "../support/values.ts";

async function createMood(
  conn: TupleConnection,
  labels = "'sad', 'ok', 'Very happy'",
): Promise<EnumInfo> {
  await conn.execute(`create type pg_temp.mood as enum (${labels})`);
  const info = await EnumInfo.fetch(conn, "mood");
  assert(info !== null);
  return info;
}

Deno.test(
  "CT-12 P10 registerEnum: labels in order; without an enum object they are the members",
  quiet(async () => {
    await using conn = await open();
    const info = await createMood(conn, "'z', 'a', 'B', 'é€', '\"\\,{'");
    const labels = ["z", "a", "B", "é€", '"\\,{'];
    assertEquals(info.labels, labels);
    assertEquals(info.enum, null);
    const moods = registerEnum(info, conn);
    assertEquals(info.enum, moods.members);
    assertEquals(Object.keys(moods.members), labels);
    assertEquals(Object.values(moods.members), labels);
    for (const label of labels) {
      // As text it is known for what it is only where the statement says so.
      await assertTrips(conn, label, "mood", { kinds: ["s", "t"] });
      await assertTrips(conn, moods.of(label), "mood", { expected: label });
    }
    for (const kind of KINDS) {
      const type = await conn.execute(
        `select pg_typeof(%${kind})::text, pg_typeof(%${kind})::text`,
        [moods.of("a"), [moods.of("a")]],
      ).fetchOne();
      assertEquals(type, ["mood", "mood[]"]);
    }
  }),
);

Deno.test(
  "CT-14 an enum that is not registered: members go out by name or by value, labels come as strings, in binary as bytes",
  quiet(async () => {
    await using conn = await open();
    await createMood(conn);
    // What TypeScript makes of `enum Mood { sad, ok }`.
    const Mood: Record<string, string | number> = {
      sad: 0,
      0: "sad",
      ok: 1,
      1: "ok",
    };
    const Values = { Happy: "Very happy" } as const;
    const query = "select %s::mood, %s::mood";
    const params = [Mood[Mood.ok as number], Values.Happy];
    assertEquals(
      await conn.execute(query, params).fetchOne(),
      ["ok", "Very happy"],
    );
    const bytes = (text: string) => new TextEncoder().encode(text);
    assertEquals(
      await conn.execute(query, params, { binary: true }).fetchOne(),
      [bytes("ok"), bytes("Very happy")],
    );
  }),
);

Deno.test(
  "CT-16 registerEnum: a label without a member and a member without a label are DataErrors",
  quiet(async () => {
    await using conn = await open();
    const info = await createMood(conn);
    const moods = registerEnum(info, conn, { sad: 1, ok: 2, unknown: 3 });
    await assertLoads(conn, "'{ok,sad,NULL}'::mood[]", [2, 1, null]);
    for (const binary of [false, true]) {
      await assertRejects(
        () =>
          conn.execute("select 'Very happy'::mood as m", undefined, { binary })
            .fetchAll(),
        DataError,
        'column "m"',
      );
    }
    assertThrows(() => moods.of(3), DataError, "no label");
    // A class, whose members are found by their class.
    class Mood {
      readonly name: string;
      static readonly sad = new Mood("sad");
      static readonly gone = new Mood("gone");
      constructor(name: string) {
        this.name = name;
      }
    }
    registerEnum(info, conn, { sad: Mood.sad, gone: Mood.gone });
    for (const kind of KINDS) {
      await assertRejects(
        () => conn.execute(`select %${kind}`, [Mood.gone]),
        DataError,
        "no label",
      );
    }
    assertEquals(await conn.execute("select 1").fetchAll(), [[1]]);
  }),
);

Deno.test(
  "TYP-24 registerEnum: const objects, enums of numbers, classes, mappings",
  quiet(async () => {
    await using conn = await open();
    const info = await createMood(conn);
    // Values that are labels go before names that are.
    const Named = { ok: "sad", sad: "ok", happy: "Very happy" } as const;
    const named = registerEnum(info, conn, Named);
    await assertLoads(conn, "'sad'::mood", Named.ok);
    await assertTrips(conn, named.of(Named.happy), "mood", {
      expected: "Very happy",
    });

    const Numbers: Record<string, string | number> = {
      sad: 0,
      0: "sad",
      ok: -1.5,
      "-1.5": "ok",
      "Very happy": 2,
      2: "Very happy",
    };
    const numbers = registerEnum(info, conn, Numbers);
    assertEquals(Object.keys(numbers.members), ["sad", "ok", "Very happy"]);
    await assertLoads(conn, "'{sad,ok,Very happy}'::mood[]", [0, -1.5, 2]);
    await assertTrips(conn, numbers.of(-1.5), "mood", { expected: -1.5 });

    const Mapped = { SAD: "s", OK: "o", HAPPY: "h" } as const;
    const mapped = registerEnum(info, conn, Mapped, [
      [Mapped.SAD, "ok"],
      [Mapped.SAD, "sad"],
      [Mapped.HAPPY, "ok"],
      [Mapped.OK, "ok"],
      [Mapped.HAPPY, "Very happy"],
    ]);
    await assertLoads(conn, "'{sad,ok,Very happy}'::mood[]", ["s", "o", "h"]);
    for (const member of Object.values(Mapped)) {
      await assertTrips(conn, mapped.of(member), "mood", { expected: member });
    }
    assertThrows(
      () => registerEnum(info, conn, Mapped, [["x" as "s", "ok"]]),
      ProgrammingError,
      "mapping",
    );

    class Mood {
      readonly mark: string;
      static readonly sad = new Mood("-");
      static readonly ok = new Mood("+");
      constructor(mark: string) {
        this.mark = mark;
      }
    }
    registerEnum(info, conn, { sad: Mood.sad, ok: Mood.ok });
    for (const kind of KINDS) {
      const [row] = await conn.execute(
        `select %${kind}, %${kind}, pg_typeof(%${kind})::text`,
        [Mood.ok, [Mood.sad, null], Mood.ok],
      ).fetchAll();
      assert(row?.[0] === Mood.ok);
      assert((row?.[1] as unknown[])[0] === Mood.sad);
      assertEquals(row?.[2], "mood");
    }
  }),
);

Deno.test("registerEnum: null is a TypeError that says enum", () => {
  assertThrows(() => registerEnum(null), TypeError, "enum");
});
