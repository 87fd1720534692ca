/**
 * JSON whose keys have escape sequences.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { hasEscapedKey, parseByNames } from "../../types/json_keys.ts";
import { parseJson } from "../../types/json_text.ts";

Deno.test("parseJson: a key with an escape sequence is not taken for one that ends in a backslash", () => {
  const pairs = [
    ['{"a 1":1,"\\\\":2}', '{"a 1":1,"\\n":2}', "\n"],
    ['{"a 2":1,"x\\\\":2}', '{"a 2":1,"x\\"":2}', 'x"'],
    ['{"a 3":1,"\\\\":2}', '{"a 3":1,"\\u0041":2}', "A"],
    ['[{"a 4":{},"\\\\":2}]', '[{"a 4":{},"\\t" : 2}]', "\t"],
  ];
  for (const [before = "", text = "", key = ""] of pairs) {
    assertEquals(Object.keys(JSON.parse(before)).length > 0, true);
    parseJson(before);
    const parsed = [parseJson(text)].flat()[0] as Record<string, unknown>;
    assertEquals(Object.keys(parsed)[1], key);
    assertEquals(parsed[key], 2);
  }
});

Deno.test("hasEscapedKey: sees escapes in keys only", () => {
  for (
    const text of [
      '{"\\n":1}',
      '{"a":"\\n","b\\"":1}',
      '{"a\\\\" \n:1}',
      '[{"x":[{"\\u0041":1}]}]',
    ]
  ) assertEquals(hasEscapedKey(text), true, text);
  for (
    const text of [
      "{}",
      '"\\n"',
      '{"a":"\\n"}',
      '{"a":"\\":"}',
      '["\\\\","a",{"b":"\\""}]',
      '"\\',
      "\\",
      "",
    ]
  ) assertEquals(hasEscapedKey(text), false, text);
});

Deno.test("parseByNames: what JSON.parse gives, in the same order", () => {
  const texts = [
    "null",
    "1",
    '"\\n"',
    "[]",
    '{"":1," ":{"":[]}}',
    '{"k0":1,"k1":{"k0":2},"0":["k0",{"0":1}],"a":null}',
    '{"b":1,"a":2,"b":3}',
    '{"10":1,"9":2,"x":3}',
    ' { "a" : [ 1 , { "b" : "x\\":" } ] } ',
    '{"constructor":1,"toString":{"valueOf":2}}',
    "-0",
    "[1e400,-0.0,12345678901234567890]",
  ];
  for (const text of texts) {
    const expected = JSON.parse(text);
    assertEquals(parseByNames(text), expected);
    assertEquals(JSON.stringify(parseByNames(text)), JSON.stringify(expected));
  }
  const own = parseByNames('{"__proto__":{"a\\n":1}}') as object;
  assertEquals(Object.keys(own), ["__proto__"]);
  assertEquals(Object.getPrototypeOf(own), Object.prototype);
  assertEquals(
    Object.entries(parseByNames('{"\\u0061":1,"b":2,"a":3}') as object),
    [["a", 3], ["b", 2]],
  );
  const deep = `${'{"\\n":'.repeat(500)}1${"}".repeat(500)}`;
  assertEquals(JSON.stringify(parseByNames(deep)), deep);
});

Deno.test("parseByNames: a reviver sees keys, values and sources as from JSON.parse", () => {
  const text = '{"a\\n":[1.50,{"b":"x"}],"c":12345678901234567890}';
  const seen: unknown[] = [];
  const value = parseByNames(text, (key, value, { source }) => {
    const shown = key === "" ? "" : JSON.stringify(value);
    seen.push([key, shown, source]);
    return key === "c" ? BigInt(source ?? 0) : key === "b" ? undefined : value;
  });
  assertEquals(value, { "a\n": [1.5, {}], c: 12345678901234567890n });
  assertEquals(seen.slice(0, 5), [
    ["0", "1.5", "1.50"],
    ["b", '"x"', '"x"'],
    ["1", "{}", undefined],
    ["a\n", "[1.5,{}]", undefined],
    ["c", "12345678901234567000", "12345678901234567890"],
  ]);
  assertEquals((seen[5] as unknown[])[0], "");
});

Deno.test("parseByNames: what is not JSON is a SyntaxError", () => {
  for (
    const text of [
      "",
      '{"a\\x":1}',
      '{"a\nb":1}',
      '{"\\n":1',
      '{"\\n"}',
      '["\\n":1]',
      '{"a":1,}',
      '"\\',
      '{"\\n',
      '{"\\n:1}',
    ]
  ) {
    assertThrows(() => JSON.parse(text), SyntaxError);
    assertThrows(() => parseByNames(text), SyntaxError);
    assertThrows(() => parseJson(text), SyntaxError);
  }
});

Deno.test("parseJson: many escapes take time in proportion to the text", () => {
  const text = JSON.stringify({ a: '\\\n"'.repeat(300_000), b: "x" });
  const start = performance.now();
  assertEquals((parseJson(text) as { a: string }).a.length, 900_000);
  assertEquals(performance.now() - start < 5000, true);
});
