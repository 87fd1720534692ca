/**
 * One connection that goes through a {@linkcode ChaosProxy}, and what can be done
 * to it.
 *
 * @module
 */

import type { Socket } from "node:net";
import {
  ChaosFlow,
  type Direction,
  DIRECTIONS,
  fairConditions,
  type FlowConditions,
} from "./chaos_flow.ts";

/** A direction, or both. */
export type Directions = Direction | "both";

/** The conditions of both directions. */
export type LinkConditions = Record<Direction, FlowConditions>;

/**
 * The single directions in what may be both.
 *
 * @param directions One, or both.
 * @returns A list.
 */
export function each(directions: Directions): readonly Direction[] {
  return directions === "both" ? DIRECTIONS : [directions];
}

/**
 * What can be done to a connection, or to all connections of a proxy at once.
 *
 * A direction is named after who gets the bytes, and both are meant unless one
 * is named.
 */
export abstract class ChaosControls {
  /**
   * Changes what is done to bytes.
   *
   * @param change What changes.
   * @param directions In which directions.
   */
  abstract change(
    change: Partial<FlowConditions>,
    directions: Directions,
  ): void;

  /**
   * Tells the receiver that nothing more comes, as `shutdown()` does. The other
   * direction goes on.
   *
   * @param direction Who is told.
   */
  abstract halfClose(direction: Direction): void;

  /**
   * Closes connections with RST.
   *
   * @param directions Who gets the RST; the other side is closed in order.
   */
  abstract reset(directions?: Directions): void;

  /**
   * Bytes wait until {@linkcode thaw}, and TCP holds the sender back in time, as
   * with a peer that is stopped.
   *
   * @param directions In which directions.
   */
  freeze(directions: Directions = "both"): void {
    this.change({ frozen: true }, directions);
  }

  /**
   * Ends {@linkcode freeze}. What waited is delivered.
   *
   * @param directions In which directions.
   */
  thaw(directions: Directions = "both"): void {
    this.change({ frozen: false }, directions);
  }

  /**
   * Freezes for a while.
   *
   * @param ms For how long, in milliseconds.
   * @param directions In which directions.
   * @returns When it is over.
   */
  async stall(ms: number, directions: Directions = "both"): Promise<void> {
    this.freeze(directions);
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.thaw(directions);
  }

  /**
   * Bytes and ends of streams are taken and never delivered, as with a route that
   * has died. There is no way back: what comes later would not fit to what came
   * before.
   *
   * @param directions In which directions.
   */
  blackHole(directions: Directions = "both"): void {
    this.change({ swallowed: true }, directions);
  }

  /**
   * Every byte takes its time. As many as come are on their way together.
   *
   * @param ms How long, in milliseconds; 0 ends it.
   * @param directions In which directions.
   */
  delay(ms: number, directions: Directions = "both"): void {
    this.change({ latency: ms }, directions);
  }

  /**
   * Bytes are written in small pieces.
   *
   * @param piece How many bytes at a time, at most; `Infinity` ends it.
   * @param directions In which directions.
   * @param gap Milliseconds between two pieces. Without, a slow reader may get
   * several pieces at once.
   */
  trickle(piece = 1, directions: Directions = "both", gap = 0): void {
    this.change({ piece, gap }, directions);
  }
}

/** One connection between a client and the server. */
export class ChaosLink extends ChaosControls {
  /** Which connection of the proxy it is, from 0 on. */
  readonly number: number;
  /** When it is over, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #sockets: Record<Direction, Socket>;
  readonly #flows: Record<Direction, ChaosFlow>;
  #isClosed = false;

  /**
   * @param number Which connection of the proxy it is.
   * @param client The client's socket, paused.
   * @param server The server's.
   * @param conditions Those at the start.
   */
  constructor(
    number: number,
    client: Socket,
    server: Socket,
    conditions: LinkConditions,
  ) {
    super();
    this.number = number;
    this.#sockets = { toClient: client, toServer: server };
    this.#flows = {
      toClient: new ChaosFlow(server, client, conditions.toClient),
      toServer: new ChaosFlow(client, server, conditions.toServer),
    };
    this.closed = this.#run();
  }

  /** Whether it is over. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether anything was swallowed, or would be: there is no way back. */
  get isBlackHole(): boolean {
    return DIRECTIONS.some((name) => this.#flows[name].conditions.swallowed);
  }

  /**
   * How many bytes have been delivered, or swallowed.
   *
   * @param direction In which direction.
   * @returns Their number.
   */
  delivered(direction: Direction): number {
    return this.#flows[direction].delivered;
  }

  override change(
    change: Partial<FlowConditions>,
    directions: Directions,
  ): void {
    for (const name of each(directions)) this.#flows[name].change(change);
  }

  override halfClose(direction: Direction): void {
    this.#flows[direction].end();
  }

  override reset(directions: Directions = "both"): void {
    for (const name of each(directions)) {
      this.#sockets[name].resetAndDestroy();
    }
    this.close();
  }

  /**
   * Has something done once so many more bytes have been delivered: exactly so
   * many, however the sender has sent them.
   *
   * @param bytes How many, from now on.
   * @param direction In which direction.
   * @param act What is done.
   * @example Cut a row in its middle
   * ```ts ignore
   * link.after(5_000, "toClient", () => link.reset("toClient"));
   * ```
   */
  after(bytes: number, direction: Direction, act: () => void): void {
    this.#flows[direction].after(bytes, act);
  }

  /** Closes both sockets in order. */
  close(): void {
    for (const name of DIRECTIONS) this.#sockets[name].destroy();
  }

  async #run(): Promise<void> {
    await Promise.all(DIRECTIONS.map(async (name) => {
      await this.#flows[name].run();
      // One side is gone. Without a FIN before, that was not in order.
      const target = this.#sockets[name];
      if (!target.destroyed && !this.#flows[name].ended) {
        target.resetAndDestroy();
      }
    }));
    this.#isClosed = true;
    this.close();
  }
}

/**
 * Conditions under which nothing happens to bytes.
 *
 * @returns New ones.
 */
export function fairLink(): LinkConditions {
  return { toClient: fairConditions(), toServer: fairConditions() };
}
