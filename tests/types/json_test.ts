import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, ProgrammingError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import {
  type Adaptation,
  type Dumper,
  type DumperClass,
  type DumperKey,
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "../../types/adapt.ts";
import {
  Json,
  Jsonb,
  JsonbBinaryDumper,
  JsonbBinaryLoader,
  JsonbDumper,
  JsonBinaryDumper,
  JsonBinaryLoader,
  JsonDumper,
  JsonLoader,
  registerJson,
  setJsonDumps,
  setJsonLoads,
} from "../../types/json.ts";
import { parseJson } from "../../types/json_text.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NOWHERE = {} as Adaptation;

/** Remembers what is registered, the last of a kind only. */
class Recorder implements Registrar {
  readonly loaders: Map<string, LoaderClass> = new Map();
  readonly dumpers: Map<DumperKey, DumperClass[]> = new Map();
  registerLoader(type: number | string, loader: unknown): void {
    const made = loader as LoaderClass;
    this.loaders.set(`${type}/${made.format}`, made);
  }
  registerDumper(key: DumperKey, dumper: unknown): void {
    const list = this.dumpers.get(key) ?? [];
    list.push(dumper as DumperClass);
    this.dumpers.set(key, list);
  }
  loader(oid: number, format: Format): Loader {
    return new (this.loaders.get(`${oid}/${format}`)!)(oid, NOWHERE);
  }
  dumper(key: DumperKey): Dumper {
    return new (this.dumpers.get(key)!.at(-1)!)(NOWHERE);
  }
}

function framed(bytes: Uint8Array): [ReadBuffer, number, number] {
  const all = new Uint8Array(bytes.length + 2).fill(0x39);
  all.set(bytes, 1);
  return [new ReadBuffer(all), 1, 1 + bytes.length];
}

function load(loader: Loader, text: string, version?: number): unknown {
  const bytes = encoder.encode(text);
  return loader.load(
    ...framed(
      version === undefined ? bytes : Uint8Array.of(version, ...bytes),
    ),
  );
}

function dumped(dumper: Dumper, value: unknown): Uint8Array {
  const out = new WriteBuffer(1);
  dumper.dump(value, out);
  return out.written();
}

const ALL = [JsonDumper, JsonbDumper, JsonBinaryDumper, JsonbBinaryDumper];

Deno.test("JsonLoader: every kind of document, the same in all formats", () => {
  const documents = [
    "null",
    "true",
    "-1.5e3",
    '""',
    '"é😀\\u0041"',
    "[]",
    "{}",
    ' {"a" : [1, {"b": null}]} ',
    '"\\ud800"',
  ];
  for (const text of documents) {
    const expected = JSON.parse(text);
    assertEquals(load(new JsonLoader(), text), expected);
    assertEquals(load(new JsonBinaryLoader(), text), expected);
    assertEquals(load(new JsonbBinaryLoader(), text, 1), expected);
  }
  assert(JsonBinaryLoader.twin === JsonLoader);
  assert(JsonbBinaryLoader.twin === JsonLoader);
});

Deno.test("JsonLoader: a key named __proto__ changes no prototype", () => {
  const value = load(new JsonLoader(), '{"__proto__": {"admin": true}}');
  assert(Object.getPrototypeOf(value) === Object.prototype);
  assert(!("admin" in (value as object)));
});

Deno.test("JsonLoader: malformed JSON is a DataError that does not quote it", () => {
  for (const text of ["", "{", "secret", "NaN", "[1,]", "1 2", "'a'"]) {
    for (const loader of [new JsonLoader(), new JsonBinaryLoader()]) {
      const error = assertThrows(() => load(loader, text), DataError, "valid");
      assert(!error.message.includes("secret"));
      assertEquals(error.cause, undefined);
    }
    assertThrows(() => load(new JsonbBinaryLoader(), text, 1), DataError);
  }
});

Deno.test("JsonbBinaryLoader: another version is a DataError", () => {
  const loader = new JsonbBinaryLoader();
  for (const version of [0, 2, 255]) {
    assertThrows(() => load(loader, "1", version), DataError, "version");
  }
  assertThrows(() => load(loader, ""), DataError, "version");
});

Deno.test("JsonDumper: types, formats, text and literals", () => {
  const expected: [DumperClass, number, string, boolean][] = [
    [JsonDumper, 114, "json", false],
    [JsonbDumper, 3802, "jsonb", false],
    [JsonBinaryDumper, 114, "json", false],
    [JsonbBinaryDumper, 3802, "jsonb", true],
  ];
  const value = { a: "it's", b: [1, null, "\\"], c: undefined };
  const text = '{"a":"it\'s","b":[1,null,"\\\\"]}';
  for (const [Class, oid, cast, versioned] of expected) {
    const dumper = new Class(NOWHERE);
    for (const form of [value, new Json(value), new Jsonb(value)]) {
      assertEquals(dumper.oid, oid);
      assertEquals(dumper.format, Class.format);
      assertEquals(
        dumped(dumper, form),
        Uint8Array.of(...(versioned ? [1] : []), ...encoder.encode(text)),
      );
      assertEquals(dumper.text(form), text);
      assertEquals(
        dumper.quote(form),
        ` E'{"a":"it''s","b":[1,null,"\\\\\\\\"]}'::${cast}`,
      );
    }
    assertEquals(dumper.quote(new Json(null)), `'null'::${cast}`);
    assertEquals(dumper.text(new Json([])), "[]");
    assertEquals(dumper.text(new Json("a")), '"a"');
  }
});

Deno.test("JsonDumper: what comes back is what went out", () => {
  const values = [
    null,
    '\u2028\u0000"\\/',
    [[], {}],
    { "": { "__proto__x": 1 } },
    1e-7,
    "日本😀",
  ];
  const dumper = new JsonbBinaryDumper();
  for (const value of values) {
    const bytes = dumped(dumper, new Jsonb(value));
    assertEquals(new JsonbBinaryLoader().load(...framed(bytes)), value);
  }
});

Deno.test("JsonDumper: lone surrogates and NUL go out as JSON escapes", () => {
  for (const Class of ALL) {
    assertEquals(new Class().text(new Json("\ud800\0")), '"\\ud800\\u0000"');
  }
});

Deno.test("JsonDumper: what JSON has no form for is a DataError", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  const refused = [
    undefined,
    () => 1,
    Symbol("s"),
    cycle,
    { toJSON: () => undefined },
    {
      toJSON() {
        throw new RangeError("no");
      },
    },
  ];
  for (const Class of ALL) {
    const dumper = new Class();
    for (const value of refused) {
      assertThrows(() => dumped(dumper, new Json(value)), DataError, "as JSON");
      assertThrows(() => dumper.text(new Json(value)), DataError, "as JSON");
      assertThrows(() => dumper.quote(new Json(value)), DataError, "as JSON");
    }
    const error = assertThrows(
      () => dumper.text({ id: [1n] }),
      DataError,
      "dumps",
    );
    assert(error.message.includes("bigint") && error.cause !== undefined);
  }
});

Deno.test("JsonDumper: undefined inside follows JSON.stringify", () => {
  assertEquals(
    new JsonbDumper().text({ a: undefined, b: [undefined], c: 1 }),
    '{"b":[null],"c":1}',
  );
});

Deno.test("Json: toJSON is honoured, wrappers inside leave no trace", () => {
  const when = new Date(0);
  const dumper = new JsonbDumper();
  assertEquals(dumper.text(new Json(when)), '"1970-01-01T00:00:00.000Z"');
  assertEquals(
    dumper.text({
      a: new Json([1]),
      b: [new Jsonb(new Json(when))],
      c: new Json(null),
    }),
    '{"a":[1],"b":["1970-01-01T00:00:00.000Z"],"c":null}',
  );
  assert(!(new Jsonb(1) instanceof Json));
});

Deno.test("Json: a dumps function of its own, text or bytes", () => {
  const exact = (value: unknown) =>
    JSON.stringify(
      value,
      (_key, item) => typeof item === "bigint" ? String(item) : item,
    );
  for (const Class of ALL) {
    const dumper = new Class();
    assertEquals(dumper.text(new Json(1n, exact)), '"1"');
    const bytes = new Json("é", (value) => encoder.encode(`["${value}"]`));
    assertEquals(dumper.text(bytes), '["é"]');
    assert(decoder.decode(dumped(dumper, bytes)).endsWith('["é"]'));
  }
});

Deno.test("Json: a dumps function that fails is a DataError", () => {
  const dumper = new JsonDumper();
  const thrown = new Error("no");
  const failing: [() => unknown, string][] = [
    [() => undefined, "type undefined"],
    [() => null, "null"],
    [() => ({}), "type object"],
    [() => Uint8Array.of(0xff), "UTF-8"],
    [() => {
      throw thrown;
    }, "failed"],
    [() => '"\0"', "NUL"],
    [() => '"\ud800"', "surrogate"],
  ];
  for (const [dumps, words] of failing) {
    const value = new Json(1, dumps as () => string);
    for (const Class of ALL) {
      assertThrows(() => dumped(new Class(), value), DataError, words);
    }
    assertThrows(() => dumper.text(value), DataError, words);
    assertThrows(() => dumper.quote(value), DataError, words);
  }
  const own = new ProgrammingError("mine");
  const value = new Json(1, () => {
    throw own;
  });
  assert(assertThrows(() => dumper.text(value)) === own);
});

Deno.test("registerJson: plain objects as jsonb, text last", () => {
  const map = new Recorder();
  registerJson(map);
  assertEquals(map.dumpers.get(Json), [JsonBinaryDumper, JsonDumper]);
  assertEquals(map.dumpers.get(Jsonb), [JsonbBinaryDumper, JsonbDumper]);
  assertEquals(map.dumpers.get(Object), [JsonbBinaryDumper, JsonbDumper]);
  assertEquals([...map.loaders.keys()].sort(), [
    "114/0",
    "114/1",
    "3802/0",
    "3802/1",
  ]);
});

Deno.test("setJsonDumps: serves wrappers and plain objects, a wrapper's own function wins", () => {
  const map = new Recorder();
  registerJson(map);
  setJsonDumps((value) => JSON.stringify({ v: value }), { adapters: map });
  assertEquals(map.dumper(Json).text(new Json(1)), '{"v":1}');
  assertEquals(map.dumper(Jsonb).text(new Jsonb(1)), '{"v":1}');
  assertEquals(map.dumper(Object).text({ a: 1 }), '{"v":{"a":1}}');
  assertEquals(map.dumper(Json).text(new Json(1, () => "2")), "2");
  assertEquals(map.dumper(Json).oid, 114);
  assertEquals(map.dumper(Object).oid, 3802);
  for (const key of [Json, Jsonb, Object]) {
    const classes = map.dumpers.get(key)!.slice(2);
    assertEquals(classes.map((made) => made.format), [1, 0]);
    for (const made of classes) {
      assertEquals(new made(NOWHERE).text(new Json(1)), '{"v":1}');
    }
  }
  // Nothing changes for others.
  assertEquals(new JsonDumper().text(new Json(1)), "1");
});

Deno.test("setJsonLoads: all formats, each the twin of the other", () => {
  const map = new Recorder();
  setJsonLoads((text) => [text], map);
  assertEquals(load(map.loader(114, Format.TEXT), "1"), ["1"]);
  assertEquals(load(map.loader(114, Format.BINARY), "1"), ["1"]);
  assertEquals(load(map.loader(3802, Format.TEXT), "1"), ["1"]);
  assertEquals(load(map.loader(3802, Format.BINARY), "1", 1), ["1"]);
  for (const oid of [114, 3802]) {
    assert(
      map.loaders.get(`${oid}/1`)!.twin === map.loaders.get(`${oid}/0`)!,
    );
  }
  assertThrows(
    () => load(map.loader(3802, Format.BINARY), "1", 2),
    DataError,
  );
});

Deno.test("setJsonLoads: a function that fails is a DataError with its cause", () => {
  const map = new Recorder();
  const cause = new Error("no");
  setJsonLoads(() => {
    throw cause;
  }, map);
  const error = assertThrows(
    () => load(map.loader(114, Format.TEXT), "1"),
    DataError,
    "setJsonLoads",
  );
  assert(error.cause === cause);
});

Deno.test("JS-06 setJsonLoads: large integers are rounded by default, exact with their source", () => {
  const text = '{"big":9007199254740993,"small":5,"half":0.5,"word":"12"}';
  for (
    const [oid, format, version] of [[114, 0], [114, 1], [3802, 0], [
      3802,
      1,
      1,
    ]]
  ) {
    const map = new Recorder();
    registerJson(map);
    assertEquals(
      load(map.loader(oid!, format as Format), text, version),
      { big: 9007199254740992, small: 5, half: 0.5, word: "12" },
    );
    setJsonLoads(
      (text) =>
        parseJson(
          text,
          (_key, value, { source }) =>
            typeof value === "number" && !Number.isSafeInteger(value) &&
              source !== undefined && /^-?\d+$/.test(source)
              ? BigInt(source)
              : value,
        ),
      map,
    );
    assertEquals(
      load(map.loader(oid!, format as Format), text, version),
      { big: 9007199254740993n, small: 5, half: 0.5, word: "12" },
    );
  }
});
