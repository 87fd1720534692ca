/**
 * Mutates recorded sessions and feeds them to the engine, keeping what leads to
 * an outcome not seen before: a fuzzer that is guided by the behaviour of the
 * state machine.
 *
 * @module
 */

import { PgError } from "../../errors/base.ts";
import { Engine } from "../../protocol/engine.ts";
import type { Exchange, ResultSink } from "../../protocol/exchange.ts";
import { CopyExchange } from "../../protocol/copy_exchange.ts";
import {
  StatementExchange,
  Step,
  SyncExchange,
} from "../../protocol/extended_query.ts";
import { SimpleQueryExchange } from "../../protocol/simple_query.ts";
import { NO_SESSION } from "../../types/adapt.ts";
import { adapters } from "../../types/defaults.ts";
import { RowPlan } from "../../types/row_decoder.ts";
import { Transformer } from "../../types/transformer.ts";
import * as b from "./backend.ts";

/** A seeded source of random numbers (xorshift). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** A whole number from 0 up to, but without, `limit`. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % limit;
  }
}

/** What happened when an input was fed to the engine. */
export interface Outcome {
  /** What stands for the way the state machine took. */
  readonly signature: string;
  /** What must not be, or `null`. */
  readonly fault: string | null;
}

/** A recorded session, and what the client had asked for. */
interface Recording {
  readonly bytes: Uint8Array;
  exchanges(sink: ResultSink): Exchange[];
}

const columns = [
  { name: "a", oid: 23 },
  { name: "b", oid: 25 },
  { name: "c", oid: 1009 },
];
const row = b.dataRow(["1", "text", "{x,NULL}"]);
const transformer = new Transformer(adapters, NO_SESSION);
const STATEMENT = Step.PARSE | Step.BIND | Step.DESCRIBE | Step.EXECUTE;

function answer(): Uint8Array {
  return b.concat(
    b.parseComplete(),
    b.bindComplete(),
    b.rowDescription(columns),
    row,
    row,
    b.commandComplete("SELECT 2"),
  );
}

/** The sessions that mutation starts from. */
export const RECORDINGS: readonly Recording[] = [
  {
    bytes: b.concat(
      b.rowDescription(columns),
      row,
      b.noticeResponse({ severity: "NOTICE", message: "hello" }),
      row,
      b.commandComplete("SELECT 2"),
      b.commandComplete("SET"),
      b.emptyQueryResponse(),
      b.readyForQuery("I"),
    ),
    exchanges: (sink) => [new SimpleQueryExchange(sink, "select; set; ")],
  },
  {
    bytes: b.concat(
      b.closeComplete(),
      answer(),
      b.readyForQuery("T"),
      b.parameterStatus("TimeZone", "UTC"),
      b.notificationResponse(7, "channel", "payload"),
    ),
    exchanges: (sink) => [
      new StatementExchange(sink, { steps: STATEMENT, closes: 1, sync: true }),
    ],
  },
  {
    bytes: b.concat(
      answer(),
      b.parseComplete(),
      b.errorResponse({ severity: "ERROR", code: "22012", message: "no" }),
      b.readyForQuery("E"),
      answer(),
      b.readyForQuery("I"),
    ),
    exchanges: (sink) => [
      new StatementExchange(sink, { steps: STATEMENT, sync: false }),
      new StatementExchange(sink, { steps: STATEMENT, sync: false }),
      new StatementExchange(sink, { steps: STATEMENT, sync: false }),
      new SyncExchange(),
      new StatementExchange(sink, { steps: STATEMENT, sync: false }),
      new SyncExchange(),
    ],
  },
  {
    bytes: b.concat(
      b.parseComplete(),
      b.parameterDescription([23, 25]),
      b.noData(),
      b.readyForQuery("I"),
      b.concat(b.parseComplete(), b.bindComplete(), b.copyInResponse([0, 0])),
      b.errorResponse({ severity: "ERROR", code: "57014", message: "fail" }),
      b.readyForQuery("E"),
      b.parseComplete(),
      b.bindComplete(),
      b.copyOutResponse([0]),
      b.copyData("1\n"),
      b.copyDone(),
      b.commandComplete("COPY 1"),
      b.readyForQuery("I"),
    ),
    exchanges: (sink) => [
      new StatementExchange(sink, {
        steps: Step.PARSE | Step.PARAMETERS | Step.DESCRIBE,
        sync: true,
      }),
      new CopyExchange("copy t from stdin", () => {}),
      new CopyExchange("copy t to stdout", () => {}),
    ],
  },
];

/**
 * Feeds an input to an engine in two reads.
 *
 * @param recording What the client had asked for.
 * @param input The bytes from the server.
 * @param split Where the second read starts.
 * @returns What happened.
 */
export function feed(
  recording: Recording,
  input: Uint8Array,
  split: number,
): Outcome {
  let trace = "";
  let plan: RowPlan | null = null;
  const sink: ResultSink = {
    describe(fields) {
      trace += `T${fields.length}`;
      plan = new RowPlan(
        fields.map(({ name, typeOid, format }) => ({
          name,
          typeName: String(typeOid),
          loader: transformer.getLoader(typeOid, format),
        })),
        "object",
      );
    },
    row(source) {
      plan!.decode(source);
      trace += "D";
    },
    complete: (tag) => trace += tag.slice(0, 3),
    empty: () => trace += "I",
  };
  let lost = 0;
  const engine = new Engine({
    flush: () => {},
    notice: () => trace += "N",
    notification: () => trace += "A",
    parameter: () => trace += "S",
    lost: () => lost++,
  }, 1 << 20);
  const settled: number[] = [];
  const exchanges = recording.exchanges(sink);
  exchanges.forEach((exchange, i) => {
    settled.push(0);
    exchange.onSettle = () => settled[i]!++;
    engine.enqueue(exchange);
  });
  engine.flush();
  let fault: string | null = null;
  try {
    for (const part of [input.subarray(0, split), input.subarray(split)]) {
      engine.input.push(part);
      engine.receive();
    }
  } catch (error) {
    fault = `uncaught: ${error}`;
  }
  const { failure } = engine;
  if (failure !== null) {
    if (!(failure instanceof PgError)) fault ??= `not ours: ${failure}`;
    // Anything that is not foreseen ends up with this message.
    if (
      failure.message.startsWith("Cannot go on with the connection: handling")
    ) {
      fault ??= `unforeseen: ${failure.cause}`;
    }
    if (lost !== 1) fault ??= `lost ${lost} times`;
    if (settled.some((times) => times !== 1)) fault ??= `settled ${settled}`;
  } else if (settled.some((times) => times > 1)) fault ??= `settled ${settled}`;
  const end = failure?.message.replace(/\d+|0x\w+|"[^"]*"/g, "#") ?? "alive";
  const errors = exchanges.map(({ error }) =>
    error === null ? "-" : (error as Error).name
  );
  return { signature: `${trace}|${settled}|${errors}|${end}`, fault };
}

const INTERESTING = [
  0,
  1,
  4,
  0x7f,
  0x80,
  0xff,
  0x49,
  0x54,
  0x45,
  0x5a,
  0x44,
  0x43,
];

function mutate(
  input: Uint8Array,
  other: Uint8Array,
  random: Random,
): Uint8Array {
  let out: Uint8Array = input.slice();
  for (let times = 1 + random.below(3); times > 0 && out.length > 0; times--) {
    const at = random.below(out.length);
    switch (random.below(6)) {
      case 0:
        out[at]! ^= 1 << random.below(8);
        break;
      case 1:
        out[at] = INTERESTING[random.below(INTERESTING.length)]!;
        break;
      case 2: // cut a piece out
        out = b.concat(
          out.subarray(0, at),
          out.subarray(at + 1 + random.below(12)),
        );
        break;
      case 3: // repeat a piece
        out = b.concat(
          out.subarray(0, at + random.below(40)),
          out.subarray(at),
        );
        break;
      case 4: { // take a piece of another input
        const from = random.below(other.length);
        const piece = other.subarray(from, from + random.below(60));
        out = b.concat(out.subarray(0, at), piece, out.subarray(at));
        break;
      }
      default:
        out = out.slice(0, at);
    }
  }
  return out;
}

/** What a run of the fuzzer found. */
export interface FuzzReport {
  /** How many inputs were fed. */
  readonly inputs: number;
  /** How many outcomes they had. */
  readonly outcomes: number;
  /** The slowest input, in milliseconds. */
  readonly slowest: number;
  /** By how many bytes the process grew after the first half, when garbage has found its level. */
  readonly grown: number;
  /** The first fault with the input that shows it, or `null`. */
  readonly fault: string | null;
}

/**
 * Runs the fuzzer.
 *
 * @param inputs How many inputs to feed.
 * @param seed Where the random numbers start.
 * @returns What it found.
 */
export function fuzz(inputs: number, seed: number): FuzzReport {
  const random = new Random(seed);
  const corpora = RECORDINGS.map(({ bytes }) => [bytes]);
  const seen = new Set<string>();
  let slowest = 0;
  let settled = Deno.memoryUsage().rss;
  const grown = () => Deno.memoryUsage().rss - settled;
  for (let i = 0; i < inputs; i++) {
    if (i === inputs >> 1) settled = Deno.memoryUsage().rss;
    const which = i % RECORDINGS.length;
    const corpus = corpora[which]!;
    const others = corpora[random.below(corpora.length)]!;
    const input = i < RECORDINGS.length ? RECORDINGS[which]!.bytes : mutate(
      corpus[random.below(corpus.length)]!,
      others[random.below(others.length)]!,
      random,
    );
    const started = performance.now();
    const { signature, fault } = feed(
      RECORDINGS[which]!,
      input,
      random.below(input.length + 1),
    );
    let took = performance.now() - started;
    if (took > slowest) {
      // The machine may have been busy otherwise: the faster of two runs counts.
      const again = performance.now();
      feed(RECORDINGS[which]!, input, 0);
      took = Math.min(took, performance.now() - again);
    }
    slowest = Math.max(slowest, took);
    if (fault !== null) {
      const shown =
        `${fault}, recording ${which}, input ${i}, seed ${seed}: ${input.toHex()}`;
      return {
        inputs: i + 1,
        outcomes: seen.size,
        slowest,
        grown: grown(),
        fault: shown,
      };
    }
    if (!seen.has(signature) && seen.size < 50_000) {
      seen.add(signature);
      if (corpus.length < 4_000) corpus.push(input);
    }
  }
  return {
    inputs,
    outcomes: seen.size,
    slowest,
    grown: grown(),
    fault: null,
  };
}
