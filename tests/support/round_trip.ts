/**
 * A random table of random types, filled with random values by every way that
 * values can go out, and read by every way that they can come back.
 *
 * @module
 */

import { sql } from "../../mod.ts";
import { TypeMaker } from "./random_types.ts";
import {
  type Column,
  type RoundTripFigures,
  Table,
  type WayOut,
  WAYS_OUT,
} from "./round_trip_table.ts";
import { open, type Random } from "./values.ts";

/** How many rows a table gets, of how many columns, and how deep its types are. */
const ROWS = 40;
const COLUMNS = 10;
const DEPTH = 3;

const ZONES = [
  "UTC",
  "Asia/Tokyo",
  "America/Chicago",
  "Africa/Monrovia",
  "Asia/Kathmandu",
];

/** A table of all types that are there from the start, then random ones. */
export class RoundTrip {
  /** Where the random numbers come from. */
  readonly random: Random;
  /** What has been done. */
  readonly figures: RoundTripFigures = {
    tables: 0,
    values: Object.fromEntries(WAYS_OUT.map((way) => [way, 0])) as Record<
      WayOut,
      number
    >,
    compared: 0,
    kinds: {},
  };

  /** @param random Where the random numbers come from. */
  constructor(random: Random) {
    this.random = random;
  }

  /**
   * Makes tables until as many values have gone out by each way.
   *
   * @param values How many.
   * @throws {Error} If a value is not what it was: its message has the seed, the
   * type, the value and the ways.
   */
  async run(values: number): Promise<void> {
    const { figures } = this;
    while (Math.min(...Object.values(figures.values)) < values) {
      await this.#table();
      figures.tables++;
    }
  }

  async #table(): Promise<void> {
    const { random } = this;
    await using conn = await open();
    await conn.execute(
      sql`set time zone ${sql.literal(random.pick(ZONES))}`,
    );
    const maker = new TypeMaker(conn, random);
    const types = this.figures.tables === 0 ? maker.builtin() : [];
    while (types.length < COLUMNS) types.push(await maker.make(DEPTH));
    const columns = types.map((type, i): Column => ({ name: `c${i}`, type }));
    for (const { description } of types) {
      const kind = description.split(/[ (]/)[0] || "composite";
      this.figures.kinds[kind] = (this.figures.kinds[kind] ?? 0) + 1;
    }
    const rows = Array.from(
      { length: ROWS },
      () =>
        columns.map(({ type }) =>
          random.between(0, 15) === 0 ? null : type.random(random)
        ),
    );
    const table = new Table(conn, columns, rows, this);
    await table.create();
    for (const way of WAYS_OUT) await table.send(way);
    await table.compareOnServer();
    await table.receive();
    await table.receiveWithBounds();
  }
}
