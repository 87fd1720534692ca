/**
 * Geometric values as SQL expressions: extreme ones and random ones.
 *
 * @module
 */

import type { Source } from "./datetime_sources.ts";
import type { Random } from "./values.ts";

const view = new DataView(new ArrayBuffer(8));

/** A coordinate of any bits, or a plain one, as the text that float8 reads. */
function coordinate(random: Random): string {
  view.setBigInt64(0, random.bits64());
  const bits = view.getFloat64(0);
  return random.pick([
    Object.is(bits, -0) ? "-0" : String(bits),
    String(random.between(-1000, 1000) / 8),
    random.pick(["0", "-0", "NaN", "Infinity", "-Infinity", "1e-7", "1e21"]),
  ]);
}

function point(random: Random): string {
  return `(${coordinate(random)},${coordinate(random)})`;
}

function points(random: Random): string {
  return [point(random), ...random.list(12, () => point(random))].join(",");
}

const POINTS: readonly string[] = [
  "(0,-0)",
  "(NaN,Infinity)",
  "(-Infinity,NaN)",
  "(5e-324,1.7976931348623157e308)",
  "(0.1,-9007199254740993)",
];

function source(
  type: string,
  extremes: readonly string[],
  random: (random: Random) => string,
): Source {
  const write = (text: string) => `'${text}'::${type}`;
  return {
    extremes: extremes.map(write),
    random: (seed) => write(random(seed)),
  };
}

const pairs = POINTS.flatMap((one) => POINTS.map((other) => `${one},${other}`));
const many = Array.from({ length: 300 }, (_, at) => `(${at},${-at / 3})`);

/** The values of each geometric type. */
export const GEOMETRIC_SOURCES: Readonly<Record<string, Source>> = {
  point: source("point", POINTS, point),
  // The server refuses lines whose first two numbers are next to zero.
  line: source(
    "line",
    ["{1,0,0}", "{-0,1,-0}", "{NaN,NaN,NaN}", "{Infinity,-Infinity,1}"],
    (random) =>
      `{${random.between(1, 9)},${coordinate(random)},${coordinate(random)}}`,
  ),
  lseg: source(
    "lseg",
    pairs.map((pair) => `[${pair}]`),
    (random) => `[${point(random)},${point(random)}]`,
  ),
  box: source("box", pairs, (random) => `${point(random)},${point(random)}`),
  path: source(
    "path",
    [
      ...POINTS.flatMap((one) => [`(${one})`, `[${one}]`]),
      `[${many}]`,
      `(${many})`,
    ],
    (random) =>
      random.pick([true, false])
        ? `(${points(random)})`
        : `[${points(random)}]`,
  ),
  polygon: source(
    "polygon",
    [...POINTS.map((one) => `(${one})`), `(${many})`],
    (random) => `(${points(random)})`,
  ),
  circle: source(
    "circle",
    POINTS.flatMap((one) =>
      ["0", "NaN", "Infinity", "2.5"].map((radius) => `<${one},${radius}>`)
    ),
    (random) => `<${point(random)},${random.between(0, 10 ** 6) / 7}>`,
  ),
};
