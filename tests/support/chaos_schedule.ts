/**
 * Faults one after the other, as a list that can be written down, made from a
 * seed, and played on a {@linkcode ChaosProxy}.
 *
 * @module
 */

import type { ChaosControls, Directions } from "./chaos_link.ts";
import type { ChaosProxy, Welcome } from "./chaos_proxy.ts";
import type { Random } from "./random.ts";

/** What a network does to a connection, or to those who connect. */
export type Fault =
  | "blackHole"
  | "delay"
  | "halfClose"
  | "ignore"
  | "refuse"
  | "reorder"
  | "reset"
  | "stall"
  | "trickle";

/** One fault, at its time. */
export interface ChaosStep {
  /** How long after the step before, in milliseconds. */
  readonly wait: number;
  /** What happens. */
  readonly fault: Fault;
  /** In which directions. */
  readonly directions: Directions;
  /** To which of the open connections: 0 is the oldest, just below 1 the latest; or to all. */
  readonly victim: number | "all";
  /** For how long, in milliseconds. A black hole ends with a reset. */
  readonly ms: number;
}

/** What random steps are like. */
export interface StepOptions {
  /** How often each fault comes, beside the others. */
  readonly weights?: Partial<Record<Fault, number>>;
  /** The longest time between two, in milliseconds. @default {200} */
  readonly mostWait?: number;
  /** The longest time that one lasts, in milliseconds. @default {1000} */
  readonly mostMs?: number;
  /** How many in a hundred befall all connections. @default {10} */
  readonly all?: number;
}

const EVEN: Readonly<Record<Fault, number>> = {
  blackHole: 1,
  delay: 1,
  halfClose: 1,
  ignore: 1,
  refuse: 1,
  reorder: 1,
  reset: 1,
  stall: 1,
  trickle: 1,
};

/**
 * Steps without end. The same seed gives the same ones.
 *
 * @param random Decides.
 * @param options What they are like.
 * @returns The steps.
 */
export function* randomSteps(
  random: Random,
  { weights = EVEN, mostWait = 200, mostMs = 1000, all = 10 }: StepOptions = {},
): Generator<ChaosStep, never> {
  const faults = Object.entries(weights).flatMap(([fault, weight]) =>
    Array<Fault>(weight).fill(fault as Fault)
  );
  for (;;) {
    yield {
      wait: random.between(0, mostWait),
      fault: random.pick(faults),
      directions: random.pick(["toClient", "toServer", "both"] as const),
      victim: random.between(1, 100) <= all
        ? "all"
        : random.between(0, 999) / 1000,
      ms: random.between(1, mostMs),
    };
  }
}

/**
 * Plays steps until there are no more, or the signal is aborted. Whatever lasts
 * is over when this is.
 *
 * @param proxy To whose connections it is done.
 * @param steps What is done.
 * @param signal Ends it.
 * @returns How many steps were played.
 */
export async function playSteps(
  proxy: ChaosProxy,
  steps: Iterable<ChaosStep>,
  signal?: AbortSignal,
): Promise<number> {
  const under = new Set<Promise<void>>();
  let count = 0;
  for (const step of steps) {
    await wait(step.wait, signal);
    if (signal?.aborted) break;
    count++;
    const effect = playStep(proxy, step, signal);
    under.add(effect);
    effect.then(() => under.delete(effect));
  }
  await Promise.all(under);
  return count;
}

/** Does it, and undoes it when its time is over. */
async function playStep(
  proxy: ChaosProxy,
  { fault, directions, victim, ms }: ChaosStep,
  signal?: AbortSignal,
): Promise<void> {
  if (fault === "refuse" || fault === "ignore") {
    return await welcome(proxy, fault, ms, signal);
  }
  if (fault === "reorder") {
    proxy.reorder(4, 50);
    await wait(ms, signal);
    return proxy.reorder(1);
  }
  const { links } = proxy;
  const victims: readonly ChaosControls[] = victim === "all"
    ? links
    : links.slice(Math.floor(victim * links.length)).slice(0, 1);
  for (const link of victims) begin(link, fault, directions);
  await wait(ms, signal);
  for (const link of victims) finish(link, fault, directions);
}

function begin(
  link: ChaosControls,
  fault: Fault,
  directions: Directions,
): void {
  switch (fault) {
    case "blackHole":
      return link.blackHole(directions);
    case "delay":
      return link.delay(30, directions);
    case "halfClose":
      return link.halfClose(
        directions === "toServer" ? directions : "toClient",
      );
    case "reset":
      return link.reset(directions);
    case "stall":
      return link.freeze(directions);
    case "trickle":
      return link.trickle(1, directions);
  }
}

function finish(
  link: ChaosControls,
  fault: Fault,
  directions: Directions,
): void {
  switch (fault) {
    case "blackHole":
      return link.reset();
    case "delay":
      return link.delay(0, directions);
    case "stall":
      return link.thaw(directions);
    case "trickle":
      return link.trickle(Infinity, directions);
  }
}

async function welcome(
  proxy: ChaosProxy,
  how: Welcome,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  proxy.welcome = how;
  await wait(ms, signal);
  proxy.welcome = "pass";
}

/** Waits, but no longer than until the signal is aborted. */
function wait(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const enough = () => resolve();
  signal?.addEventListener("abort", enough, { once: true });
  return promise.then(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", enough);
  });
}
