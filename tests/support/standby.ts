/**
 * A primary and a standby that streams from it, and how they change places.
 *
 * @module
 */

import { connect } from "../../mod.ts";
import type { Server } from "../../scripts/server.ts";
import { asServerUser, run } from "../../scripts/server_cache.ts";

/** Makes a server the standby of another: a copy of its data that streams from it. */
export async function follow(standby: Server, primary: Server): Promise<void> {
  await standby.stop();
  await primary.stop();
  await run("/bin/sh", {
    ...asServerUser,
    args: [
      "-c",
      'rm -rf "$2" && cp -a "$1" "$2" && touch "$2/standby.signal" && printf "%s\n" "$3" >> "$2/postgresql.conf"',
      "sh",
      primary.dataDir,
      standby.dataDir,
      [
        `unix_socket_directories = '${standby.socketDir}'`,
        `primary_conninfo = '${primary.dsn}'`,
        "hot_standby = on",
      ].join("\n"),
    ],
  });
  await primary.restart();
  await standby.restart();
}

/** The hosts in the order given, all with the same user. */
export function listOf(...servers: readonly { port: number }[]): string {
  const hosts = servers.map(() => "127.0.0.1").join(",");
  const ports = servers.map(({ port }) => port).join(",");
  return `host=${hosts} port=${ports} user=postgres dbname=postgres`;
}

/**
 * Has a primary and its standby change places, as an operator does: the primary
 * is stopped in order, the standby gets all of it and is promoted, and the old
 * primary comes back as the standby of the new one.
 */
export async function switchOver(
  primary: Server,
  standby: Server,
): Promise<void> {
  await primary.stop("fast");
  await promote(standby);
  await run("/bin/sh", {
    ...asServerUser,
    args: [
      "-c",
      'touch "$1/standby.signal" && printf "%s\n" "$2" >> "$1/postgresql.conf"',
      "sh",
      primary.dataDir,
      [`primary_conninfo = '${standby.dsn}'`, "hot_standby = on"].join("\n"),
    ],
  });
  await primary.restart();
}

/** Makes a standby a primary, and waits until it is one. */
export async function promote(standby: Server): Promise<void> {
  await using conn = await connect(standby.dsn, { autocommit: true });
  await conn.execute("select pg_promote(true, 60)");
}

/** Waits until a standby streams from its primary. */
export async function untilStreaming(primary: Server): Promise<void> {
  await using conn = await connect(primary.dsn, { autocommit: true });
  const query = "select state from pg_stat_replication";
  for (let tries = 0; tries < 500; tries++) {
    if ((await conn.execute(query).fetchOne())?.state === "streaming") return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The standby does not stream from its primary");
}
