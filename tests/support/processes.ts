/**
 * The processes of a PostgreSQL server, to be stopped, frozen and killed one by
 * one or together. Linux only: they are found in `/proc`.
 *
 * @module
 */

import type { Server } from "../../scripts/server.ts";
import { sendSignal } from "../../scripts/server_registry.ts";

/**
 * The processes that a server consists of.
 *
 * @param server The server.
 * @returns Their ids, the postmaster first.
 */
export function processesOf(server: Server): number[] {
  const children: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid) && parentOf(pid) === server.pid) {
      children.push(pid);
    }
  }
  return [server.pid, ...children];
}

function parentOf(pid: number): number | null {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null; // it has ended
  }
}

/**
 * Stops a server in the middle of what it does, as a machine that hangs: it is
 * there, takes connections and says nothing.
 *
 * @param server The server.
 * @returns Has it go on.
 */
export function freeze(server: Server): () => void {
  const pids = processesOf(server);
  for (const pid of pids) sendSignal(pid, "SIGSTOP");
  return () => {
    for (const pid of pids.toReversed()) sendSignal(pid, "SIGCONT");
  };
}
