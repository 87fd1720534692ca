/**
 * `examples/deploy.ts` as a process of its own, and what it answers.
 *
 * @module
 */

import { surroundings } from "./deno_run.ts";

const ROOT = new URL("../..", import.meta.url);

/** The path of the example. */
export const EXAMPLE: string = new URL("examples/deploy.ts", ROOT).pathname;

/** All that the example is granted. */
export const GRANTS: readonly string[] = [
  "--allow-net",
  "--allow-env=DATABASE_URL",
];

/** How long it may take until the example listens. */
const START_MS = 60_000;

/** How the example is run. */
export interface ServeOptions {
  /** What it is granted. @default {GRANTS} */
  readonly grants?: readonly string[];
  /** More variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** The module that is run instead of the example, and loads it. */
  readonly main?: string;
  /** The Deno that runs it. By default the one that runs the tests. */
  readonly deno?: string;
  /** A program that is run instead of Deno: the example, compiled. */
  readonly program?: string;
}

/** What was answered. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body, as JSON. */
  readonly body: unknown;
}

/** The example, listening on a port of its own until it is disposed of. */
export class ServedExample implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #reading: Promise<void>[];
  readonly #listening = Promise.withResolvers<string>();
  #printed = "";
  #ended = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#reading = [this.#read(child.stdout), this.#read(child.stderr)];
    child.status.then(() => {
      this.#ended = true;
      this.#listening.reject(new Error(`It ended: ${this.#printed}`));
    });
    const late = setTimeout(() => this.kill("SIGKILL"), START_MS);
    this.#listening.promise.catch(() => {}).finally(() => clearTimeout(late));
  }

  /**
   * Starts it.
   *
   * @param databaseUrl Its DATABASE_URL; `null` for none.
   * @param options How.
   * @returns The example, which listens.
   */
  static async start(
    databaseUrl: string | null,
    options: ServeOptions = {},
  ): Promise<ServedExample> {
    const { grants = GRANTS, env = {}, main = EXAMPLE } = options;
    const config = new URL("deno.json", ROOT).pathname;
    const served = new ServedExample(
      new Deno.Command(options.program ?? options.deno ?? Deno.execPath(), {
        args: options.program === undefined
          // deno-fmt-ignore
          ? ["run", "--no-prompt", "--no-lock", `--config=${config}`, ...grants, main]
          : [],
        clearEnv: true,
        env: {
          ...surroundings(),
          ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }),
          DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0",
          ...env,
        },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    try {
      await served.#listening.promise;
    } catch (error) {
      await served[Symbol.asyncDispose]();
      throw error;
    }
    return served;
  }

  /** What it has printed so far. */
  get printed(): string {
    return this.#printed;
  }

  /** Asks for something. */
  async get(path: string): Promise<Answer> {
    const response = await fetch(await this.#listening.promise + path, {
      client: this.#client,
      signal: AbortSignal.timeout(20_000),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: await response.json(),
    };
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await Promise.all(this.#reading);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.ended();
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#printed += text;
      const [, url] = /Listening on (http:\S+:\d+)\//.exec(this.#printed) ?? [];
      if (url !== undefined) this.#listening.resolve(url);
    }
  }
}

/** The example as a program of its own, or why there is none. */
export interface CompiledExample {
  /** The program; `null` if the runtime that it consists of cannot be had here. */
  readonly program: string | null;
  /** What the compiler said, if it failed for another reason. */
  readonly failure: string | null;
}

/**
 * Compiles the example. Deno downloads the runtime of compiled programs when it
 * is wanted first, from where not every machine gets.
 *
 * @param folder Where to put the program.
 * @returns The program, or why there is none.
 */
export async function compileExample(folder: string): Promise<CompiledExample> {
  const program = `${folder}/deploy`;
  const config = new URL("deno.json", ROOT).pathname;
  const compiler = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["compile", "--quiet", "--no-lock", `--config=${config}`, `--output=${program}`, ...GRANTS, EXAMPLE],
    cwd: folder,
    clearEnv: true,
    env: surroundings(),
    stdin: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(120_000),
  });
  const { code, stderr } = await compiler.output();
  const said = new TextDecoder().decode(stderr);
  if (code === 0) return { program, failure: null };
  const unreachable = said.includes("denort") || said.trim() === "";
  return { program: null, failure: unreachable ? null : said };
}
