import { assert, assertEquals } from "@std/assert";
import { ScramMemory } from "../../protocol/auth_scram_memory.ts";
import { open, quiet } from "../connection/support.ts";
import { openPool, untilSize } from "./support.ts";

/** Counts how often keys are derived from a password meanwhile. */
async function countingDerivations(run: () => Promise<void>): Promise<number> {
  const { subtle } = crypto;
  const { deriveBits } = subtle;
  let count = 0;
  subtle.deriveBits = (...args: Parameters<typeof deriveBits>) => {
    count++;
    return deriveBits.apply(subtle, args);
  };
  try {
    await run();
  } finally {
    subtle.deriveBits = deriveBits;
  }
  return count;
}

Deno.test(
  "ConnectionPool: derives the keys of SCRAM once, however many connections it opens, and anew when the password changes",
  quiet(async () => {
    const user = "pgts_scram";
    let password = "scram pass";
    await using admin = await open();
    const derived = await countingDerivations(async () => {
      const { pool } = await openPool({
        minSize: 10,
        connectOptions: { user, password: () => password },
      });
      await using _ = pool;
      await pool.drain();
      await untilSize(pool, 10);
      assertEquals(pool.getStats().connectionsNum, 20);
      const row = await pool.execute("select current_user as name").fetchOne();
      assertEquals(row?.name, user);
    });
    assertEquals(derived, 1);
    try {
      await admin.changePassword(user, "another one");
      password = "another one";
      const again = await countingDerivations(async () => {
        await using _ = (await openPool({
          minSize: 3,
          connectOptions: { user, password: () => password },
        })).pool;
      });
      assertEquals(again, 1);
    } finally {
      await admin.changePassword(user, "scram pass");
    }
  }),
);

Deno.test(
  "ScramMemory: tells passwords, salts and counts apart, keeps some, and does not keep what failed",
  quiet(async () => {
    const memory = new ScramMemory();
    const salt = new Uint8Array([1, 2, 3]);
    const other = new Uint8Array([1, 2, 4]);
    const count = await countingDerivations(async () => {
      const keys = await Promise.all([
        memory.derive("one", salt, 10),
        memory.derive("two", salt, 10),
        memory.derive("one", other, 10),
        memory.derive("one", salt, 11),
        memory.derive("one", salt, 10),
      ]);
      const texts = keys.map(({ clientKey }) => clientKey.join());
      assertEquals(new Set(texts).size, 4);
      assertEquals(texts[0], texts[4]);
    });
    assertEquals(count, 4);
    const many = await countingDerivations(async () => {
      for (let i = 0; i < 20; i++) await memory.derive(`${i}`, salt, 1);
      await memory.derive("19", salt, 1);
      await memory.derive("0", salt, 1);
    });
    assertEquals(many, 21);
    const shown = Deno.inspect(memory, { depth: 9, showHidden: true });
    assert(!shown.includes("one") && !shown.includes("19"));
    const failing = () =>
      memory.derive("x", salt, 0).then(() => "", () => "failed");
    assertEquals(
      await countingDerivations(async () => {
        assertEquals(await failing(), "failed");
        assertEquals(await failing(), "failed");
      }),
      2,
    );
  }),
);
