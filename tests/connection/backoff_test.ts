/**
 * The waits between attempts.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Backoff } from "../../connection/backoff.ts";

Deno.test("Backoff: doubles, a tenth off at most, up to the longest wait", () => {
  const backoff = new Backoff({ initial: 1, most: 4 });
  for (const expected of [1000, 2000, 4000, 4000]) {
    const wait = backoff.next(0)!;
    assert(Math.abs(wait - expected) <= expected / 10, `${wait}`);
  }
});

Deno.test("Backoff: gives up when its time is over, and waits no longer than that", () => {
  const backoff = new Backoff({ initial: 1, giveUpAfter: 3 });
  assert(backoff.next(10_000)! > 0);
  assertEquals(backoff.next(12_990), 10);
  assertEquals(backoff.next(13_000), null);
  assertEquals(new Backoff({ giveUpAfter: 0 }).next(), null);
});
