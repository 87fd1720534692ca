/**
 * The errors of a pool itself. What goes wrong with a statement, or with
 * connecting, is told by the classes of `@x/pgts` and `@x/pgts/errors`.
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";

/**
 * No connection could be had within the time that was given. If the pool could
 * not connect meanwhile, `cause` says why.
 */
export class PoolTimeout extends OperationalError {}

/** The pool is closed, or not open yet. */
export class PoolClosed extends OperationalError {}

/** As many wait for a connection already as `maxWaiting` allows. */
export class TooManyRequests extends OperationalError {}
