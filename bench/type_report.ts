/**
 * From the outcomes of the workloads of single types to one table.
 *
 * @module
 */

import type { DriverName } from "./driver.ts";
import type { TypeOutcome } from "./child.ts";
import { align, median } from "./report.ts";
import { type BenchType, TYPE_COLUMNS } from "./types.ts";

/** The outcomes of all rounds of each driver. */
export type TypeOutcomes = ReadonlyMap<DriverName, readonly TypeOutcome[]>;

/** The peers that pgts is compared with. */
const PEERS: readonly DriverName[] = ["postgres", "pg"];

/** Differences up to this one mean nothing. */
const TOLERANCE = 1.15;

/** What one driver made of a type. */
interface Cell {
  /** CPU time for a value, in nanoseconds. */
  readonly nanos: number;
  /** What the values are. */
  readonly kind: string;
}

function cellOf(
  driver: DriverName,
  { name }: BenchType,
  count: number,
  outcomes: TypeOutcomes,
): Cell | null {
  const rounds = (outcomes.get(driver) ?? [])
    .filter(({ type }) => type === name);
  if (rounds.length === 0) return null;
  const cpu = median(rounds.map((round) => round.cpuSeconds));
  return { nanos: cpu * 1e9 / (count * TYPE_COLUMNS), kind: rounds[0]!.kind };
}

function show(cell: Cell | null): string {
  return cell === null ? "-" : `${cell.nanos.toFixed(0)} ${cell.kind}`;
}

/** Whether two drivers make values of the same kind; bytes are bytes. */
function isSameKind(own: string, other: string): boolean {
  return own === other || (own === "Uint8Array" && other === "Buffer");
}

/**
 * How pgts stands to a peer: by the value that it makes, or by the text of it
 * where the peer leaves the value as text. Values of different classes, such as
 * a Date and an Instant, have their figures and no verdict.
 */
function compare(own: Cell, asText: Cell | null, peer: Cell | null): string {
  if (peer === null) return "-";
  const isText = peer.kind === "string" && own.kind !== "string";
  const mine = isText ? asText : own;
  if (mine === null) return "-";
  const ratio = peer.nanos / mine.nanos;
  const note = isText
    ? " as text"
    : isSameKind(own.kind, peer.kind)
    ? ""
    : " other class";
  const isSlower = ratio < 1 / TOLERANCE && note !== " other class";
  return `${ratio.toFixed(2)}${note}${isSlower ? " SLOWER" : ""}`;
}

/**
 * The table of all types.
 *
 * @param types The types.
 * @param count How many rows were fetched.
 * @param outcomes What came of it.
 * @returns Lines of text.
 */
export function reportTypes(
  types: readonly BenchType[],
  count: number,
  outcomes: TypeOutcomes,
): string[] {
  const table = [[
    "",
    "pgts",
    "read as text",
    "our class costs",
    ...PEERS,
    ...PEERS.map((peer) => `${peer} / pgts`),
  ]];
  for (const type of types) {
    const cell = (driver: DriverName) => cellOf(driver, type, count, outcomes);
    const own = cell("pgts");
    if (own === null) continue;
    const asText = cell("pgts-text");
    const peers = PEERS.map(cell);
    table.push([
      type.name,
      show(own),
      asText === null ? "-" : asText.nanos.toFixed(0),
      asText === null ? "-" : (own.nanos - asText.nanos).toFixed(0),
      ...peers.map(show),
      ...peers.map((peer) => compare(own, asText, peer)),
    ]);
  }
  return [
    `types: CPU nanoseconds for a value and what it becomes, ${count} rows of ${TYPE_COLUMNS} columns`,
    ...align(table),
    "  above 1 pgts takes less; where a peer leaves text, it is compared with pgts reading text",
    "",
  ];
}
