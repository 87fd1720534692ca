/**
 * The floor: hand-written code for each workload over `Deno.connect`, with no
 * driver around it. It sends what pgts sends, walks over the messages that come
 * back and counts them, and decodes nothing. No driver can be faster under Deno.
 *
 * @module
 */

import { Authenticator } from "../protocol/auth.ts";
import { Engine } from "../protocol/engine.ts";
import {
  type ResultFormats,
  type ValueWriter,
  writeBind,
  writeDescribe,
  writeExecute,
  writeParse,
  writeSync,
  writeTerminate,
} from "../protocol/frontend.ts";
import { StartupExchange } from "../protocol/startup.ts";
import { Backend, Target as DescribeTarget } from "../protocol/tags.ts";
import { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Driver, Rows, Target } from "./driver.ts";

const READ_SIZE = 64 * 1024;
/** How many statements go before one Sync: about 64 KiB of messages. */
const GROUP = 1300;
const INT4 = 23;
const INCREMENT = "select $1::int4 + 1 as n";

const INT4_WRITER: ValueWriter = {
  format: 1,
  dump: (value: number, out) => out.int32(value),
};

/** Counts bytes and messages of the same traffic as that of pgts. */
export class FloorDriver implements Driver {
  /** How many bytes have come. */
  bytes = 0;
  /** How many rows have come. */
  rows = 0;

  #conn: Deno.Conn | null = null;
  readonly #input = new Uint8Array(READ_SIZE);
  readonly #view = new DataView(this.#input.buffer);
  readonly #output = new WriteBuffer();
  readonly #prepared = new Set<string>();
  #start = 0;
  #end = 0;
  #toSkip = 0;

  async connect(target: Target): Promise<void> {
    const { host, port } = target;
    if (host.startsWith("/")) {
      const path = `${host}/.s.PGSQL.${port}`;
      this.#conn = await Deno.connect({ transport: "unix", path });
    } else {
      const conn = await Deno.connect({ hostname: host, port });
      conn.setNoDelay(true);
      this.#conn = conn;
    }
    await startSession(this.#conn, target);
  }

  async sequential(count: number): Promise<Rows> {
    const output = this.#output;
    await this.#prepare("increment", INCREMENT);
    for (let n = 1; n <= count; n++) {
      writeBind(output, "increment", [INT4_WRITER], [n], 1);
      writeExecute(output, 0);
      writeSync(output);
      await this.#send();
      await this.#untilReady(1);
    }
    return null;
  }

  async burst(count: number): Promise<Rows> {
    const output = this.#output;
    await this.#prepare("increment", INCREMENT);
    const answered = this.#untilReady(Math.ceil(count / GROUP));
    for (let n = 1; n <= count; n++) {
      writeBind(output, "increment", [INT4_WRITER], [n], 1);
      writeExecute(output, 0);
      if (n % GROUP !== 0 && n < count) continue;
      writeSync(output);
      await this.#send();
    }
    await answered;
    return null;
  }

  async fetchRows(count: number): Promise<Rows> {
    return await this.#fetch(
      count,
      "select id, big, ratio, label, at, flag from pgts_bench.plain limit $1",
      1,
    );
  }

  async fetchMixed(count: number): Promise<Rows> {
    // numeric is cheaper received as text, so that is what pgts asks for.
    return await this.#fetch(
      count,
      "select amount, doc, numbers, digest, key, day from pgts_bench.mixed limit $1",
      [0, 1, 1, 1, 1, 1],
    );
  }

  async close(): Promise<void> {
    writeTerminate(this.#output);
    await this.#send();
    this.#conn!.close();
  }

  async #fetch(
    count: number,
    text: string,
    formats: ResultFormats,
  ): Promise<Rows> {
    const before = this.rows;
    const output = this.#output;
    writeParse(output, "", text, [INT4]);
    writeBind(output, "", [INT4_WRITER], [count], formats);
    writeDescribe(output, DescribeTarget.PORTAL, "");
    writeExecute(output, 0);
    writeSync(output);
    await this.#send();
    await this.#untilReady(1);
    if (this.rows - before !== count) {
      throw new Error(
        `Expected ${count} rows, but ${this.rows - before} came`,
      );
    }
    return null;
  }

  async #prepare(name: string, text: string): Promise<void> {
    if (this.#prepared.has(name)) return;
    this.#prepared.add(name);
    writeParse(this.#output, name, text, [INT4]);
    writeSync(this.#output);
    await this.#send();
    await this.#untilReady(1);
  }

  async #send(): Promise<void> {
    const bytes = this.#output.written();
    const conn = this.#conn!;
    let written = await conn.write(bytes);
    while (written < bytes.length) {
      written += await conn.write(bytes.subarray(written));
    }
    this.#output.clear();
  }

  /** Reads until `count` messages of type ReadyForQuery have come. */
  async #untilReady(count: number): Promise<void> {
    const conn = this.#conn!;
    const input = this.#input;
    for (;;) {
      count -= this.#walk();
      if (count <= 0) return;
      const length = await conn.read(
        this.#end === 0 ? input : input.subarray(this.#end),
      );
      if (length === null) throw new Error("The server closed the connection");
      this.bytes += length;
      this.#end += length;
    }
  }

  /** Steps over what has come. Returns how many ReadyForQuery there were. */
  #walk(): number {
    const input = this.#input;
    const view = this.#view;
    const end = this.#end;
    let at = this.#start + this.#toSkip;
    let ready = 0;
    while (at + 5 <= end) {
      const tag = input[at]!;
      if (tag === Backend.DATA_ROW) this.rows++;
      else if (tag === Backend.READY_FOR_QUERY) ready++;
      else if (tag === Backend.ERROR_RESPONSE) {
        throw new Error("The server sent an error");
      }
      at += 1 + view.getInt32(at + 1);
    }
    // Of a message that has not come whole, only the header needs to be kept.
    if (at >= end) {
      this.#toSkip = at - end;
      this.#start = this.#end = 0;
    } else {
      input.copyWithin(0, at, end);
      this.#toSkip = this.#start = 0;
      this.#end = end - at;
    }
    return ready;
  }
}

/** Runs the start of the protocol, by whatever authentication the server wants. */
async function startSession(conn: Deno.Conn, target: Target): Promise<void> {
  const { user, password, database } = target;
  const engine = new Engine({
    flush() {
      const bytes = engine.output.written().slice();
      engine.output.clear();
      conn.write(bytes).catch((error) => engine.fail(error));
    },
    notice() {},
    notification() {},
    parameter() {},
    lost: () => conn.close(),
  });
  const exchange = new StartupExchange(
    new Authenticator({ user, password, cleartextAllowed: true }),
  );
  exchange.start(engine, { user, database, client_encoding: "UTF8" });
  engine.enqueue(exchange);
  engine.flush();
  while (engine.busy) {
    const count = await conn.read(engine.input.region());
    if (count === null) throw new Error("The server closed the connection");
    engine.input.filled(count);
    engine.receive();
  }
  await exchange.finish();
  if (exchange.error !== null) throw exchange.error;
}
