import { assert, assertEquals } from "@std/assert";
import { TokenEcho } from "../support/token_echo.ts";
import { open, quiet } from "./support.ts";

/** The large run, `deno task echo`, has a million. */
const STATEMENTS = Number(Deno.env.get("PGTS_ECHO_STATEMENTS") ?? 15_000);

Deno.test(
  "L1 connection: every result carries its own token",
  quiet(async () => {
    await using conn = await open();
    const echo = new TokenEcho(conn);
    const { statements, kinds, faults } = await echo.run(STATEMENTS);
    assertEquals(faults, [], `seed ${echo.random.seed}`);
    assert(statements >= STATEMENTS);
    assert(kinds.cancel! > 0 && kinds.ddl! > 0 && kinds.pipeline! > 0);
  }),
);
