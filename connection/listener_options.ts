/**
 * The options of a listener.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { BackoffOptions } from "./backoff.ts";
import { checkTimeout } from "./cancel.ts";
import { checkChannel } from "./channel.ts";
import { connectArguments } from "./connect_arguments.ts";
import type { ConnectOptions } from "./connect_options.ts";
import { checkBound } from "./notify_queue.ts";
import type { DictRow } from "./rows.ts";
import { harmless, type WarningHandler, warnOnConsole } from "./warnings.ts";

/** The options of a {@linkcode Listener}: those of `connect()`, and its own. */
export interface ListenerOptions extends
  Omit<
    ConnectOptions<DictRow>,
    | "autocommit"
    | "rowFactory"
    | "cursorFactory"
    | "serverCursorFactory"
    | "signal"
    | "maxPendingNotifies"
  > {
  /** The channels to listen to from the start, whose notifications the listener itself gives. */
  channels?: readonly string[] | undefined;
  /**
   * Seconds from one heartbeat to the next: the server is asked whether the
   * session listens still, so that one is found that is dead and has not been
   * closed. `null` for none.
   *
   * @default {30}
   */
  heartbeat?: number | null | undefined;
  /**
   * Seconds that the server may take to answer a heartbeat or a LISTEN before
   * the session is given up.
   *
   * @default {10}
   */
  heartbeatTimeout?: number | undefined;
  /**
   * How long to wait, in seconds, before connecting again. It gives up never,
   * unless told when: the first wait is half a second, and each is twice as long
   * as the one before, up to 30 seconds.
   */
  reconnect?: BackoffOptions | undefined;
  /**
   * How many notifications may wait for the reader, or for each handler. What
   * comes while so many wait is dropped, and a gap tells of it.
   *
   * @default {10_000}
   */
  maxPendingNotifies?: number | undefined;
  /**
   * Ends the listener: whoever waits is told the signal's reason, and the
   * session is closed.
   */
  signal?: AbortSignal | undefined;
}

/** The options, checked and with their defaults. */
export interface ListenerSettings {
  /** A connection string. */
  readonly conninfo: string | undefined;
  /** The options of the connections. */
  readonly connect: ConnectOptions<DictRow>;
  /** The channels to listen to from the start. */
  readonly channels: readonly string[];
  /** Seconds between the heartbeats; `null` for none. */
  readonly heartbeat: number | null;
  /** Seconds that the server may take to answer. */
  readonly heartbeatTimeout: number;
  /** How long to wait before connecting again. */
  readonly reconnect: BackoffOptions;
  /** How many notifications may wait. */
  readonly maxPendingNotifies: number;
  /** Ends the listener. */
  readonly signal: AbortSignal | undefined;
  /** Gets warnings. */
  readonly warn: WarningHandler;
}

const DEFAULT_HEARTBEAT = 30;
const DEFAULT_HEARTBEAT_TIMEOUT = 10;
const DEFAULT_RECONNECT = { initial: 0.5, most: 30 };

/**
 * Checks the arguments of a listener.
 *
 * @param conninfo A connection string or URI, or the options themselves.
 * @param options The options.
 * @returns The settings.
 * @throws {ProgrammingError} If an option of the listener is out of its range.
 * @throws {DataError} If a channel has a name that no text can be.
 */
export function listenerSettings(
  conninfo: string | URL | ListenerOptions | undefined,
  options: ListenerOptions | undefined,
): ListenerSettings {
  const given = connectArguments<DictRow>(conninfo, options);
  const {
    channels = [],
    heartbeat = DEFAULT_HEARTBEAT,
    heartbeatTimeout = DEFAULT_HEARTBEAT_TIMEOUT,
    reconnect,
    maxPendingNotifies,
    signal,
    ...connect
  }: ListenerOptions = given.options;
  for (const name of channels) checkChannel(name);
  if (heartbeat !== null) checkTimeout(heartbeat, cannotUse("heartbeat"));
  checkTimeout(heartbeatTimeout, cannotUse("heartbeatTimeout"));
  const waits = { ...DEFAULT_RECONNECT, ...reconnect };
  const { giveUpAfter = Infinity } = waits;
  checkTimeout(waits.initial, cannotUse("reconnect.initial"));
  checkTimeout(waits.most, cannotUse("reconnect.most"));
  if (typeof giveUpAfter !== "number" || !(giveUpAfter >= 0)) {
    throw new ProgrammingError(
      `${
        cannotUse("reconnect.giveUpAfter")
      } must be a number of seconds from 0 on`,
    );
  }
  return {
    conninfo: given.conninfo,
    connect,
    channels,
    heartbeat,
    heartbeatTimeout,
    reconnect: waits,
    maxPendingNotifies: checkBound(maxPendingNotifies, "maxPendingNotifies"),
    signal,
    warn: harmless(connect.onWarning ?? warnOnConsole),
  };
}

function cannotUse(option: string): string {
  return `Cannot listen: the option "${option}"`;
}
