// deno-lint-ignore-file no-console -- a command-line tool
/**
 * `deno task chaos`: networks, servers and callers that misbehave, each run in a
 * process of its own and on servers of its own, and what came of it. Names of
 * runs pick some; `--seconds N` says how long a run over time lasts, `--seed N`
 * repeats one, `--small` is a dose that a test can take.
 *
 * A run prints its figures and passes if nothing was found that must not be.
 *
 * @module
 */

import { deno } from "./child.ts";
import { runStorm } from "./chaos/storm.ts";
import { runBank } from "./chaos/bank.ts";
import { runEcho } from "./chaos/echo.ts";
import { runModel } from "./chaos/model.ts";
import { runRestarts } from "./chaos/restarts.ts";
import { type ChaosRun, Faults, watchUncaught } from "./chaos/run.ts";

/** Every run there is, by its name. */
const RUNS: Readonly<Record<string, ChaosRun>> = {
  echo: runEcho,
  bank: runBank,
  storm: runStorm,
  restarts: runRestarts,
  model: runModel,
};

/** What the arguments say. */
interface Options {
  readonly names: readonly string[];
  readonly alone: boolean;
  readonly small: boolean;
  readonly seconds: number | undefined;
  readonly seed: number | undefined;
}

function readOptions(args: readonly string[]): Options {
  const left = args.filter((arg) => arg !== "--");
  const flag = (name: string): boolean => {
    const at = left.indexOf(name);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  };
  const number = (name: string): number | undefined => {
    const at = left.indexOf(name);
    if (at < 0) return undefined;
    const [, value] = left.splice(at, 2);
    if (value !== undefined && Number(value) >= 0) return Number(value);
    throw new TypeError(`Cannot read the argument ${name}: it needs a number`);
  };
  const options = {
    alone: flag("--alone"),
    small: flag("--small"),
    seconds: number("--seconds"),
    seed: number("--seed"),
  };
  const unknown = left.filter((name) => !Object.hasOwn(RUNS, name));
  if (unknown.length > 0) {
    throw new TypeError(
      `No run is called ${unknown.join(", ")}: there are ${
        Object.keys(RUNS).join(", ")
      }`,
    );
  }
  const names = left.length > 0 ? left : Object.keys(RUNS);
  return { names, ...options };
}

/** Runs one of them in this process. */
async function alone(name: string, options: Options): Promise<void> {
  const uncaught = new Faults();
  watchUncaught(uncaught);
  const { small, seconds } = options;
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  const run = RUNS[name]!;
  const { faults, figures } = await run({
    small,
    seed,
    ...(seconds === undefined ? {} : { seconds }),
  });
  const all = [...faults, ...uncaught.texts];
  const passed = all.length === 0;
  console.log(
    JSON.stringify({ run: name, passed, seed, ...figures, faults: all }),
  );
  Deno.exitCode = passed ? 0 : 1;
}

/** Runs them one after the other, each in a process of its own. */
async function every({ names }: Options, flags: string[]): Promise<void> {
  for (const name of names) {
    const args = ["run", "-A", "scripts/chaos.ts", "--alone", ...flags, name];
    if (await deno(args) === 0) continue;
    Deno.exitCode = 1;
    console.error(`The run ${name} failed`);
  }
}

if (import.meta.main) {
  try {
    const options = readOptions(Deno.args);
    const flags = Deno.args.filter((arg) =>
      arg !== "--" && !options.names.includes(arg)
    );
    if (options.alone) await alone(options.names[0]!, options);
    else await every(options, flags);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(error.message);
    Deno.exitCode = 1;
  }
}
