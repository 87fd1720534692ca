import { assert, assertEquals } from "@std/assert";
import { feed, fuzz, RECORDINGS } from "../support/fuzzer.ts";

/** The large run, `deno task fuzz`, feeds ten million. */
const INPUTS = Number(Deno.env.get("PGTS_FUZZ_INPUTS") ?? 150_000);

Deno.test("fuzzer: the recordings themselves are accepted", () => {
  for (const recording of RECORDINGS) {
    const { fault, signature } = feed(recording, recording.bytes, 10);
    assertEquals(fault, null);
    assert(signature.endsWith("|alive"), signature);
  }
});

Deno.test("A9 engine: mutated sessions end in a result or an error of ours, never in anything else", () => {
  const seed = Number(
    Deno.env.get("PGTS_FUZZ_SEED") ??
      crypto.getRandomValues(new Int32Array(1))[0],
  );
  const { fault, outcomes, slowest, inputs, grown } = fuzz(INPUTS, seed);
  assertEquals(fault, null);
  assertEquals(inputs, INPUTS);
  assert(outcomes > 500, `only ${outcomes} outcomes, seed ${seed}`);
  assert(slowest < 1000, `an input took ${slowest} ms, seed ${seed}`);
  const mebibytes = grown / 2 ** 20;
  assert(mebibytes < 256, `memory grew by ${mebibytes} MiB, seed ${seed}`);
});
