import { assertEquals } from "@std/assert";
import { publicApi } from "../scripts/public_api.ts";

Deno.test("public API: is what public_api.txt lists; renew it with `deno task api`", async () => {
  const listed = await Deno.readTextFile(
    new URL("../public_api.txt", import.meta.url),
  );
  assertEquals((await publicApi()).split("\n"), listed.split("\n"));
});
