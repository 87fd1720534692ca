import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { ProgrammingError } from "../../errors/base.ts";
import { MultirangeInfo, RangeInfo, TypeInfo } from "../../types/type_info.ts";
import { builtinTypes, TypesRegistry } from "../../types/types_registry.ts";

Deno.test("AD-21 TypesRegistry: finds by name, SQL name, array name and OIDs", () => {
  const types = builtinTypes();
  const text = types.get("text");
  assertEquals(text?.oid, 25);
  assertEquals(types.get(25), text);
  assertEquals(types.get(1009), text);
  assertEquals(types.get("text[]"), text);
  assertEquals(types.get("integer"), types.get("int4"));
  assertEquals(types.get("double precision[]")?.name, "float8");
  assertEquals(types.getOid("text"), 25);
  assertEquals(types.getOid("text[]"), 1009);
  assertEquals(types.mustGet("timestamp with time zone").oid, 1184);
});

Deno.test("AD-21 TypesRegistry: an empty one gives null, or an error where it must", () => {
  const types = new TypesRegistry();
  assertEquals(types.get("text"), null);
  assertEquals(types.get(25), null);
  assertEquals(types.get("text[]"), null);
  assertThrows(() => types.mustGet("text"), ProgrammingError, '"text"');
  assertThrows(() => types.mustGet(25), ProgrammingError, "OID 25");
  assertThrows(() => types.getOid("text[]"), ProgrammingError, '"text[]"');
});

Deno.test("TypesRegistry.getOid: a type without arrays has no array OID", () => {
  assertThrows(
    () => builtinTypes().getOid("void[]"),
    ProgrammingError,
    "no arrays",
  );
});

Deno.test("AD-23 TypesRegistry: adding to a copy or to the original leaves the other as it was", () => {
  const original = builtinTypes();
  const copy = new TypesRegistry(original);
  const other = new TypeInfo("other", 25, 1009);
  copy.add(other);
  assertEquals(copy.get(25), other);
  assertEquals(copy.get("other[]"), other);
  assertEquals(original.get(25)?.name, "text");
  assertEquals(original.get("other"), null);

  const late = new TypesRegistry(original);
  original.add(new TypeInfo("mine", 90001, 90002));
  assertEquals(late.get("mine"), null);
  assertEquals(original.get(90002)?.name, "mine");
  assertEquals(copy.get("mine"), null);
});

Deno.test("TypesRegistry.add: counts as a change", () => {
  const types = builtinTypes();
  const before = types.version;
  types.add(new TypeInfo("mine", 90001, 90002, { regtype: "s.mine" }));
  assertEquals(types.version, before + 1);
  assertEquals(types.get("s.mine")?.oid, 90001);
  types.add(new TypeInfo("mine", 90003, 90004, { regtype: "s.mine" }));
  assertEquals(types.get("s.mine")?.oid, 90003);
});

Deno.test("TypeInfo: prints itself", () => {
  const info = builtinTypes().mustGet("int4");
  const expected = "<TypeInfo: int4 (oid: 23, array oid: 1007)>";
  assertEquals(Deno.inspect(info), expected);
  assertEquals(String(info), expected);
  const range = builtinTypes().mustGet("int4range");
  assertEquals(
    String(range),
    "<RangeInfo: int4range (oid: 3904, array oid: 3905)>",
  );
});

Deno.test("TypesRegistry.getBySubtype: finds ranges and multiranges", () => {
  const types = builtinTypes();
  const range = types.getBySubtype(RangeInfo, "numeric");
  assertInstanceOf(range, RangeInfo);
  assertEquals(range.name, "numrange");
  const multirange = types.getBySubtype(MultirangeInfo, "date");
  assertInstanceOf(multirange, MultirangeInfo);
  assertEquals(multirange.name, "datemultirange");
  assertEquals(multirange.rangeOid, types.getOid("daterange"));
  assertEquals(types.getBySubtype(RangeInfo, "bool"), null);
  assertEquals(types.getBySubtype(RangeInfo, "no such type"), null);
});

Deno.test("builtinTypes: the delimiter of box is a semicolon", () => {
  const types = [...builtinTypes()];
  const odd = types.filter((info) => info.delimiter !== ",");
  assertEquals(odd.map((info) => [info.name, info.delimiter]), [["box", ";"]]);
  assertEquals(new Set(types).size, types.length);
});
