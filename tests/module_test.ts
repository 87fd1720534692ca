import { assert, assertEquals } from "@std/assert";
import * as pgts from "../mod.ts";

Deno.test("CP-10 mod.ts: connect, adapters, capabilities and the DB-API's ten exceptions", () => {
  assertEquals(typeof pgts.connect, "function");
  assertEquals(typeof pgts.capabilities, "object");
  const int4 = pgts.adapters.types.get("int4");
  assertEquals([int4?.oid, int4?.arrayOid], [23, 1007]);
  assertEquals(
    Deno.inspect(int4),
    "<TypeInfo: int4 (oid: 23, array oid: 1007)>",
  );
  assert(Object.prototype.isPrototypeOf.call(Error, pgts.Warning));
  assertEquals(pgts.Error, pgts.PgError);
  const tree: [unknown, unknown][] = [
    [pgts.Error, globalThis.Error],
    [pgts.InterfaceError, pgts.Error],
    [pgts.DatabaseError, pgts.Error],
    [pgts.DataError, pgts.DatabaseError],
    [pgts.OperationalError, pgts.DatabaseError],
    [pgts.IntegrityError, pgts.DatabaseError],
    [pgts.InternalError, pgts.DatabaseError],
    [pgts.ProgrammingError, pgts.DatabaseError],
    [pgts.NotSupportedError, pgts.DatabaseError],
  ];
  for (const [child, parent] of tree) {
    assertEquals(Object.getPrototypeOf(child), parent);
  }
});

Deno.test("mod.ts: the asynchronous names are the same classes", () => {
  assertEquals(pgts.AsyncConnection, pgts.Connection);
  assertEquals(pgts.AsyncCursor, pgts.Cursor);
  assertEquals(pgts.AsyncRawCursor, pgts.RawCursor);
});

Deno.test("mod.ts: importing it does nothing that needs a permission", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", new URL("../mod.ts", import.meta.url).href],
    cwd: new URL("..", import.meta.url),
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});
