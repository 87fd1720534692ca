import { assert, assertEquals } from "@std/assert";
import { Waiter, WaiterQueue } from "../../pool/waiter_queue.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/values.ts";

/** Somebody who waits, and what became of it. */
function waiterFor(timeout: number, ends: Map<number, string>, id: number) {
  const now = performance.now();
  const waiter = new Waiter<number>(now, timeout, now + timeout * 1000);
  waiter.promise.then(
    (value) => ends.set(id, `served ${value}`),
    (reason) => ends.set(id, String(reason)),
  );
  return waiter;
}

Deno.test("WaiterQueue: serves, loses and refuses exactly as a plain list would", async () => {
  using clock = new FakeClock();
  const random = new Random();
  const ends = new Map<number, string>();
  const queue = new WaiterQueue<number>(() => "late");
  const model: number[] = [];
  const waiters = new Map<number, Waiter<number>>();
  const expected = new Map<number, string>();
  for (let id = 0; id < 3000; id++) {
    const kind = random.between(0, 9);
    if (kind < 5) {
      const waiter = waiterFor(1e6, ends, id);
      const front = random.between(0, 4) === 0;
      waiters.set(id, waiter);
      queue.add(waiter, front);
      if (front) model.unshift(id);
      else model.push(id);
    } else if (kind < 8) {
      const first = model.shift();
      assertEquals(queue.serve(id), first !== undefined);
      if (first !== undefined) expected.set(first, `served ${id}`);
    } else {
      const [gone] = waiters.keys().drop(random.between(0, waiters.size));
      if (gone === undefined) continue;
      const at = model.indexOf(gone);
      assertEquals(queue.remove(waiters.get(gone)!), at >= 0);
      if (at >= 0) model.splice(at, 1);
    }
    assertEquals(queue.size, model.length, `seed ${random.seed}`);
    assertEquals(clock.pending, model.length > 0 ? 1 : 0);
  }
  queue.refuse(() => "refused");
  for (const id of model) expected.set(id, "refused");
  await clock.pass(1);
  assertEquals(ends.size, expected.size);
  for (const [id, end] of expected) assertEquals(ends.get(id), end);
  assertEquals([queue.size, clock.pending], [0, 0]);
});

Deno.test("WaiterQueue: with one timer each loses patience when it should, in whatever order they came", async () => {
  using clock = new FakeClock();
  const random = new Random();
  const ends = new Map<number, string>();
  const queue = new WaiterQueue<number>(({ timeout }) => `late ${timeout}`);
  const timeouts = Array.from(
    { length: 200 },
    () => random.between(1, 2000) / 1000,
  );
  for (const [id, timeout] of timeouts.entries()) {
    queue.add(waiterFor(timeout, ends, id), false);
  }
  queue.add(waiterFor(Infinity, ends, -1), false);
  assertEquals(clock.pending, 1);
  for (let second = 1; second <= 2; second++) {
    await clock.pass(1);
    for (const [id, timeout] of timeouts.entries()) {
      const end = ends.get(id);
      if (timeout <= second - 0.02) assertEquals(end, `late ${timeout}`);
      else if (timeout > second) assertEquals(end, undefined);
    }
  }
  await clock.pass(0.02);
  assertEquals(ends.size, timeouts.length);
  assertEquals(queue.size, 1);
  assertEquals(clock.pending, 0);
  assert(queue.serve(7));
});
