/**
 * A name server that knows SRV records and nothing else: RFC 1035, as far as
 * that takes it.
 *
 * @module
 */

import { createSocket, type Socket } from "node:dgram";

/** An SRV record: priority, weight, port, target. */
export type Srv = readonly [number, number, number, string];

const NO_SUCH_NAME = 3;
const SRV_TYPE = 33;

/** Starts a name server on a free port of 127.0.0.1; `await using` stops it. */
export async function startDns(
  zone: Readonly<Record<string, readonly Srv[]>>,
): Promise<{ port: number; asked: string[] } & AsyncDisposable> {
  const socket: Socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query, from) => {
    const [name, end] = readName(query, 12);
    asked.push(name);
    socket.send(answer(query.subarray(0, end + 4), zone[name]), from.port);
  });
  await new Promise<void>((resolve) =>
    socket.bind(0, "127.0.0.1", () => resolve())
  );
  return {
    port: socket.address().port,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

function readName(bytes: Uint8Array, at: number): [string, number] {
  const labels: string[] = [];
  for (let size = bytes[at++]!; size > 0; size = bytes[at++]!) {
    labels.push(new TextDecoder().decode(bytes.subarray(at, at += size)));
  }
  return [labels.join("."), at];
}

/** Answers the question that a query begins with. */
function answer(question: Uint8Array, records: readonly Srv[] = []) {
  const out = [...question];
  const code = records.length === 0 ? NO_SUCH_NAME : 0;
  out.splice(2, 10, 0x81, 0x80 | code, 0, 1, 0, records.length, 0, 0, 0, 0);
  for (const [priority, weight, port, target] of records) {
    const data = [priority, weight, port].flatMap(two).concat(nameOf(target));
    out.push(0xc0, 12, ...two(SRV_TYPE), 0, 1, 0, 0, 0, 0);
    out.push(...two(data.length), ...data);
  }
  return Uint8Array.from(out);
}

function two(number: number): number[] {
  return [number >> 8, number & 0xff];
}

function nameOf(target: string): number[] {
  return target.split(".").filter((label) => label !== "").flatMap((label) => [
    label.length,
    ...new TextEncoder().encode(label),
  ]).concat(0);
}
