/**
 * Random tables of random types, filled and read by every way there is. A small
 * dose; `deno task roundtrip` is the large one, which prints its figures.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the figures are what the large run is for

import { assert, assertEquals } from "@std/assert";
import { Format } from "../../types/adapt.ts";
import { adapters } from "../../types/defaults.ts";
import { MultirangeInfo, RangeInfo } from "../../types/type_info.ts";
import { BASE_VALUES } from "../support/random_values.ts";
import { RoundTrip } from "../support/round_trip.ts";
import { Random } from "../support/values.ts";

const LARGE = Deno.env.get("PGTS_ROUNDTRIP_VALUES");

/** How many values go out by each of the six ways. */
const VALUES = Number(LARGE ?? 3_000);

Deno.test("P3 P6 P10 K12 values of random types come back exactly, by every way there and back", async () => {
  const trip = new RoundTrip(new Random());
  const began = performance.now();
  await trip.run(VALUES);
  const { tables, values, compared, kinds } = trip.figures;
  for (const count of Object.values(values)) assert(count >= VALUES);
  if (LARGE === undefined) return;
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `seed ${trip.random.seed}: ${tables} tables, ${compared} values compared in ${
      seconds.toFixed(0)
    } s`,
  );
  console.log("Values that went out by each way:", values);
  console.log("Columns by what their types begin with:", kinds);
});

Deno.test("the round trip has every type that is loaded and sent", () => {
  const missing: string[] = [];
  for (const info of adapters.types) {
    const { name, oid } = info;
    if (info instanceof RangeInfo || info instanceof MultirangeInfo) continue;
    if (oid === 0 || adapters.getLoader(oid, Format.TEXT) === null) continue;
    if (!adapters.hasDumperByOid(oid, "s")) continue;
    const known = name in BASE_VALUES || `"${name}"` in BASE_VALUES;
    if (!known) missing.push(name);
  }
  assertEquals(missing, []);
});
