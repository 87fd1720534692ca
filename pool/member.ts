/**
 * A session of a pool: how it is opened, lent, taken back and made clean. When
 * any of that happens is decided in `keeper.ts`.
 *
 * @module
 */

import { connectArguments } from "../connection/connect_arguments.ts";
import type { ConnectOptions } from "../connection/connect_options.ts";
import { Connection } from "../connection/connection.ts";
import { openSession, type SessionDefaults } from "../connection/connector.ts";
import type { OpenedSession } from "../connection/session_start.ts";
import { startBackgroundTimer } from "../connection/timers.ts";
import {
  InterfaceError,
  OperationalError,
  type PgError,
} from "../errors/base.ts";
import type { ScramMemory } from "../protocol/auth_scram_memory.ts";
import { Status } from "../protocol/tags.ts";
import { type LeaseOwner, PoolConnection } from "./lease.ts";
import type { ConnectionTask, Given } from "./options.ts";
import { resetSession } from "./reset.ts";
import type { PoolSettings } from "./settings.ts";

/** How long connecting may take where no connect_timeout is given, in seconds. */
const CONNECT_SECONDS = 30;
/** How long the function may take that configures a connection. */
const CONFIGURE_SECONDS = 30;
/** How long the server may take to clean a session up. */
const CLEAN_SECONDS = 10;
/** The greatest process ID of any system that PostgreSQL runs on. */
const MAX_PROCESS_ID = 2 ** 22;

/** What a member is opened with. */
export interface MemberSource<Row> {
  /** The settings of the pool. */
  readonly settings: PoolSettings<Row>;
  /** The keys that the pool has derived. */
  readonly scramMemory: ScramMemory;
  /** How often the pool had been drained when it was opened. */
  readonly generation: number;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Looks up the addresses of a host; asks the system by default. */
  readonly resolve?: SessionDefaults["resolve"];
}

/** In which state a session came back. */
export type Returned = "clean" | "used" | "active" | "closed";

/** A session of a pool. */
export class Member<Row> {
  /** When it is too old, in milliseconds of the clock that never jumps. */
  readonly expiresAt: number;
  /** How often the pool had been drained when it was opened. */
  readonly generation: number;
  /** How often it has been lent. */
  uses = 0;
  /** Since when it has been idle; `null` if it is not. */
  idleSince: number | null = null;
  /** Who has it. */
  lease: PoolConnection<Row> | null = null;
  /** Called when the session ends while nobody has it. */
  onLost: (reason: PgError) => void = () => {};

  readonly #opened: OpenedSession;
  readonly #options: ConnectOptions<Row>;
  readonly #settings: PoolSettings<Row>;
  /** What leases begin with. Nothing is run on it any more. */
  readonly #origin: Connection<Row>;
  readonly #forgetHandlers: () => void;
  readonly #refs: number;
  readonly #prepareThreshold: number | null;
  readonly #preparedMax: number | null;

  private constructor(
    { settings, generation }: MemberSource<Row>,
    opened: OpenedSession,
    options: ConnectOptions<Row>,
    origin: Connection<Row>,
  ) {
    const { maxLifetime } = settings;
    this.generation = generation;
    this.expiresAt = performance.now() +
      maxLifetime * 1000 * (1 - Math.random() / 20);
    this.#settings = settings;
    this.#opened = opened;
    this.#options = options;
    this.#origin = origin;
    this.#prepareThreshold = origin.prepareThreshold;
    this.#preparedMax = origin.preparedMax;
    this.#forgetHandlers = opened.events.remember();
    this.#refs = opened.wire.refs;
    this.#comeHome();
  }

  /**
   * Opens a session and has it configured.
   *
   * @param source See {@linkcode MemberSource}.
   * @returns The session, with no transaction open.
   * @throws Whatever keeps it from being opened; then nothing stays open.
   */
  static async open<Row>(source: MemberSource<Row>): Promise<Member<Row>> {
    const { settings, scramMemory, signal, resolve } = source;
    const conninfo = await askFor(settings.conninfo);
    const { onWarning, ...rest } = await askFor(settings.connectOptions);
    signal.throwIfAborted();
    const given = connectArguments(conninfo, {
      ...rest,
      onWarning: onWarning ?? settings.warn,
    });
    const { options } = given;
    const opened = await openSession(
      given.conninfo,
      {
        ...options as ConnectOptions<never>,
        signal: options.signal === undefined
          ? signal
          : AbortSignal.any([signal, options.signal]),
      },
      {
        connectTimeout: CONNECT_SECONDS,
        deriveScramKeys: scramMemory.derive.bind(scramMemory),
        ...(resolve === undefined ? {} : { resolve }),
      },
    );
    if (isPooledPerTransaction(settings, opened)) {
      options.prepareThreshold ??= null;
    }
    const origin = new Connection<Row>(opened, options);
    try {
      await configure(source, opened, origin);
    } catch (error) {
      await origin.close();
      throw error;
    }
    return new Member(source, opened, options, origin);
  }

  /** Why the session has ended; `null` if it has not. */
  get failure(): PgError | null {
    return this.#opened.wire.engine.failure;
  }

  /** Why the session is no longer of the kind that `target_session_attrs` asks for; `null` as far as is known. */
  get mismatch(): string | null {
    return this.#opened.mismatch();
  }

  /** Whether it is to be replaced, sound as it may be. */
  isSpent(generation: number): boolean {
    return this.generation !== generation ||
      this.uses >= this.#settings.maxUses ||
      performance.now() >= this.expiresAt;
  }

  /**
   * Lends the session.
   *
   * @param owner Gets it back.
   * @param autocommit Whether in autocommit mode, whatever `configure` said.
   * @returns What the borrower holds of it.
   */
  lend(owner: LeaseOwner<Row>, autocommit: boolean): PoolConnection<Row> {
    this.uses++;
    const lease = new PoolConnection<Row>(
      this.#opened,
      this.#options,
      this.#origin,
    );
    lease.prepareThreshold = this.#prepareThreshold;
    lease.preparedMax = this.#preparedMax;
    if (autocommit) lease.autocommit = true;
    return this.lease = lease.lendTo(owner);
  }

  /**
   * Takes the session back: the lease can do nothing with it from now on.
   *
   * @returns What there is to do before it can be lent again.
   */
  takeBack(): Returned {
    const { wire } = this.#opened;
    const lease = this.lease!;
    const { executor } = lease;
    const active = executor.busy || executor.pipelineDepth > 0;
    lease.retire();
    this.#comeHome();
    if (this.failure !== null) return "closed";
    if (active) return "active";
    const idle = wire.engine.transactionStatus === Status.IDLE;
    const done = idle && !executor.held && this.#settings.reset === "off";
    if (done) this.lease = null;
    return done ? "clean" : "used";
  }

  /** The state that the borrower left the transaction in, if it did; else `null`. */
  get leftOpen(): "INTRANS" | "INERROR" | null {
    return leftOpen(this.#opened);
  }

  /**
   * Makes a session clean that was taken back: rolls back, and resets it.
   *
   * @throws If it could not be done in time, or did not help.
   */
  async clean(): Promise<void> {
    await within(this.#opened, CLEAN_SECONDS, "cleaning it up", async () => {
      await this.lease?.executor.unheld();
      this.lease = null;
      await this.#use(async (conn) => {
        if (this.leftOpen !== null) {
          await conn.executor.plainCommand("ROLLBACK");
        }
        await resetSession(this.#settings.reset, conn);
      });
    });
    if (this.leftOpen !== null) {
      throw new InterfaceError(
        `the reset function left a transaction open (status ${this.leftOpen}), it must end it`,
      );
    }
  }

  /**
   * Has a function try the session out.
   *
   * @param check The function.
   * @param seconds How long it may take.
   * @param signal Gives up.
   * @throws Whatever the function throws.
   */
  async check(
    check: ConnectionTask<Row>,
    seconds: number,
    signal?: AbortSignal,
  ): Promise<void> {
    await within(this.#opened, seconds, "checking it", async () => {
      await this.#use(check);
      if (this.leftOpen === null) return;
      await this.#use((conn) => conn.executor.plainCommand("ROLLBACK"));
    }, signal);
    const { mismatch } = this;
    if (mismatch !== null) throw new OperationalError(mismatch);
  }

  /**
   * Closes the session.
   *
   * @param reason What those are told who still use it.
   */
  async close(reason: PgError): Promise<void> {
    this.onLost = () => {};
    this.lease?.retire();
    await this.#opened.wire.close(reason);
  }

  /** Runs something on the session that is none of a borrower's. */
  async #use(task: ConnectionTask<Row>): Promise<void> {
    const conn = new Connection<Row>(
      this.#opened,
      this.#options,
      this.#origin,
    );
    try {
      await task(conn);
      if (conn.executor.busy || conn.executor.pipelineDepth > 0) {
        throw new InterfaceError(
          "a callback of the pool left a statement running, it must await it",
        );
      }
    } finally {
      conn.executor.retire(callbackOver);
      this.#comeHome();
    }
    if (this.failure !== null) throw this.failure;
  }

  /** What a borrower, or a callback, has added is taken away again. */
  #comeHome(): void {
    const opened = this.#opened;
    const { wire } = opened;
    this.#forgetHandlers();
    if (wire.refs !== this.#refs) wire.refs = this.#refs;
    wire.tap = null;
    opened.onLost = () => this.onLost(this.failure!);
  }
}

/** Does something with a session that the server may never answer. */
async function within(
  { wire }: OpenedSession,
  seconds: number,
  what: string,
  run: () => void | Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const { promise: end, reject } = Promise.withResolvers<never>();
  const late = () => {
    const error = new OperationalError(
      `The connection is given up: ${what} took longer than ${seconds} s`,
    );
    wire.engine.fail(error);
    reject(error);
  };
  const abort = () => reject(signal?.reason);
  const timer = startBackgroundTimer(late, seconds * 1000);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([run(), end]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** The status of the transaction that is open, if one is; else `null`. */
function leftOpen(
  { wire: { engine: { transactionStatus } } }: OpenedSession,
): "INTRANS" | "INERROR" | null {
  if (transactionStatus === Status.IDLE) return null;
  return transactionStatus === Status.FAILED ? "INERROR" : "INTRANS";
}

/** Asks for what may be given anew each time. */
function askFor<T>(given: Given<T>): T | Promise<T> {
  return typeof given === "function" ? (given as () => T)() : given;
}

/** Whether consecutive transactions may run in different sessions of the server. */
function isPooledPerTransaction<Row>(
  { pooler }: PoolSettings<Row>,
  { wire: { processId } }: OpenedSession,
): boolean {
  if (pooler !== null) return pooler === "transaction";
  return processId !== null && (processId <= 0 || processId > MAX_PROCESS_ID);
}

async function configure<Row>(
  { settings, signal }: MemberSource<Row>,
  opened: OpenedSession,
  conn: Connection<Row>,
): Promise<void> {
  const { configure } = settings;
  if (configure !== null) {
    const run = () => configure(conn);
    await within(opened, CONFIGURE_SECONDS, "configuring it", run, signal);
    conn.executor.checkOpen();
    const status = conn.executor.busy ? "ACTIVE" : leftOpen(opened);
    if (status !== null) {
      throw new InterfaceError(
        `Cannot configure the connection: the function left it in the status ${status}, it must end its transaction and await what it runs`,
      );
    }
  }
  conn.executor.retire(callbackOver);
}

function callbackOver(): PgError {
  return new InterfaceError(
    "Cannot use the connection: the callback of the pool that got it is over",
    { connectionUsable: false, reachedServer: false },
  );
}
