/**
 * The arguments of `connect()`: a connection string, options, or both, and the
 * one thing that a URI may say which is none of libpq's.
 *
 * @module
 */

import type { ConnectOptions } from "./connect_options.ts";
import { isUri } from "./conninfo_uri.ts";

/** The arguments, taken apart. */
export interface ConnectArguments<Row> {
  /** The connection string, if there is one. */
  readonly conninfo: string | undefined;
  /** The options. */
  readonly options: ConnectOptions<Row>;
}

/** What hosting services add to the URI of their pooler. */
const POOLER = /([?&])pgbouncer=(true|false)(?:&|$)/;

/**
 * Takes the arguments of `connect()` apart. `pgbouncer=true` in a URI, which says
 * that statements cannot stay prepared, becomes `prepareThreshold: null`, unless
 * the options say otherwise.
 *
 * @param conninfo The first argument.
 * @param options The second.
 * @returns The connection string and the options.
 */
export function connectArguments<Row>(
  conninfo: string | URL | ConnectOptions<Row> | undefined,
  options: ConnectOptions<Row> | undefined,
): ConnectArguments<Row> {
  if (typeof conninfo === "object" && !(conninfo instanceof URL)) {
    return { conninfo: undefined, options: { ...conninfo, ...options } };
  }
  const text = String(conninfo ?? "");
  const flag = isUri(text) && !options?.allowedParameters
    ? POOLER.exec(text)
    : null;
  if (flag === null) return { conninfo: text, options: { ...options } };
  const [pair, before = "", value] = flag;
  const out: ConnectOptions<Row> = { ...options };
  if (value === "true" && out.prepareThreshold === undefined) {
    out.prepareThreshold = null;
  }
  return {
    conninfo: text.replace(pair, pair.endsWith("&") ? before : ""),
    options: out,
  };
}
