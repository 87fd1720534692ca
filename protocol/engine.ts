/**
 * The state machine of a connection: which exchange a message belongs to,
 * whether it may come now, and what happens after an error. It does no I/O: the
 * transport fills its input and empties its output.
 *
 * @module
 */

import {
  OperationalError,
  PgError,
  PipelineAborted,
  ProtocolError,
} from "../errors/base.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { errorFromDiagnostic } from "../errors/from_response.ts";
import {
  type NotificationFields,
  readDiagnostic,
  readNotification,
} from "./backend.ts";
import { readParameterStatus, readReadyForQuery } from "./backend.ts";
import {
  type Conversation,
  type Exchange,
  illegalMessage,
} from "./exchange.ts";
import { ReadBuffer } from "./read_buffer.ts";
import { Backend, Status } from "./tags.ts";
import { WriteBuffer } from "./write_buffer.ts";

/** What the engine tells the layer above. None of these may throw. */
export interface EngineEvents {
  /** Messages are waiting in the output. */
  flush(): void;
  /** A notice or warning came. */
  notice(diag: Diagnostic): void;
  /** A notification came. */
  notification(notification: NotificationFields): void;
  /** The server reported a parameter. */
  parameter(name: string, value: string): void;
  /** The connection is of no use any more: close the transport. */
  lost(reason: PgError): void;
}

/** The state of a connection as far as the protocol knows it. */
export class Engine implements Conversation {
  /** What comes from the server. */
  readonly input: ReadBuffer;
  /** What goes to the server. The transport may put another buffer in its place. */
  output: WriteBuffer = new WriteBuffer();
  /** The transaction status that the last ReadyForQuery told. */
  transactionStatus: number = Status.IDLE;
  /** Why the connection is of no use any more, or `null`. */
  failure: PgError | null = null;
  /** How many statements have failed on the server. */
  errors = 0;
  /** Whether a statement was refused because it writes, and the session or transaction is read-only. */
  refusedWrite = false;

  readonly #events: EngineEvents;
  #queue: Exchange[] = [];
  #head = 0;
  #unsent = 0;
  #aborted: PgError | null = null;

  /**
   * @param events Who is told what.
   * @param maxMessageSize The largest message that is accepted, in bytes.
   */
  constructor(events: EngineEvents, maxMessageSize?: number) {
    this.#events = events;
    this.input = new ReadBuffer(undefined, maxMessageSize);
  }

  /** Whether answers are outstanding. */
  get busy(): boolean {
    return this.#head < this.#queue.length;
  }

  /** The exchange that the server is at, or will be at next; `null` if none was sent. */
  get running(): Exchange | null {
    const head = this.#queue[this.#head];
    return head?.sent ? head : null;
  }

  /** Whether the server skips what it is sent, because a statement has failed, up to a Sync. */
  get skipping(): boolean {
    return this.#aborted !== null || this.#queue[this.#head]?.failed === true;
  }

  /**
   * Adds an exchange whose messages have been appended to the output.
   *
   * An exchange that joins a pipeline in which a statement has failed is over
   * at once, as the server will skip it.
   */
  enqueue(exchange: Exchange): void {
    if (this.failure !== null) {
      exchange.reject(lossOf(this.failure));
      exchange.settle();
      return;
    }
    if (this.#aborted !== null) {
      this.#skip(exchange, this.#aborted);
      if (!exchange.endsWithReady) {
        exchange.settle();
        return;
      }
      this.#aborted = null;
    }
    this.#queue.push(exchange);
  }

  /** Sends what is in the output. */
  flush(): void {
    const queue = this.#queue;
    for (let i = Math.max(this.#unsent, this.#head); i < queue.length; i++) {
      queue[i]!.sent = true;
    }
    this.#unsent = queue.length;
    this.#events.flush();
  }

  /** Deals with every complete message in the input. Never throws. */
  receive(): void {
    if (this.failure !== null) return;
    try {
      while (this.failure === null && this.input.nextMessage()) {
        this.#dispatch();
      }
      if (this.failure === null) checkHeader(this.input);
    } catch (error) {
      this.fail(error);
    }
  }

  /**
   * Gives the connection up: everything outstanding is rejected, once.
   *
   * @param reason Why, for those that are rejected.
   */
  fail(reason: unknown): void {
    if (this.failure !== null) return;
    const failure = asPgError(reason);
    this.failure = failure;
    const queue = this.#queue;
    const head = this.#head;
    this.#queue = [];
    this.#head = this.#unsent = 0;
    for (let i = head; i < queue.length; i++) {
      queue[i]!.reject(i === head ? failure : lossOf(failure));
      queue[i]!.settle();
    }
    this.#events.lost(failure);
  }

  #dispatch(): void {
    const input = this.input;
    const first = this.#queue[this.#head];
    // What has not been sent cannot have been answered.
    const head = first?.sent ? first : undefined;
    switch (input.tag) {
      case Backend.DATA_ROW:
        if (head === undefined) {
          throw illegalMessage(input.tag, "while no statement was running");
        }
        head.row(input);
        return;
      case Backend.NOTICE_RESPONSE:
        this.#events.notice(readDiagnostic(input));
        return;
      case Backend.NOTIFICATION_RESPONSE:
        this.#events.notification(readNotification(input));
        return;
      case Backend.PARAMETER_STATUS: {
        const [name, value] = readParameterStatus(input);
        this.#events.parameter(name, value);
        return;
      }
      case Backend.ERROR_RESPONSE:
        this.#serverError(readDiagnostic(input), head);
        return;
      case Backend.READY_FOR_QUERY:
        this.#ready(readReadyForQuery(input), head);
        return;
      default:
        if (head === undefined) {
          throw illegalMessage(input.tag, "while no statement was running");
        }
        if (head.receive(input, this)) this.#next(head);
    }
  }

  #next(exchange: Exchange): void {
    this.#head++;
    if (this.#head === this.#queue.length) {
      this.#queue.length = this.#head = this.#unsent = 0;
    } else if (this.#head === 1024) {
      this.#queue.splice(0, this.#head);
      this.#unsent = Math.max(0, this.#unsent - this.#head);
      this.#head = 0;
    }
    exchange.settle();
  }

  #ready(status: number, head: Exchange | undefined): void {
    if (
      head === undefined || !head.endsWithReady ||
      !(head.failed || head.mayBeReady())
    ) {
      throw illegalMessage(
        Backend.READY_FOR_QUERY,
        "before it had answered in full",
      );
    }
    this.transactionStatus = status;
    this.#next(head);
  }

  #serverError(diag: Diagnostic, head: Exchange | undefined): void {
    const severity = diag.severityNonlocalized ?? diag.severity;
    const error = errorFromDiagnostic(diag, head?.queryText ?? null);
    if (severity === "FATAL" || severity === "PANIC") return this.fail(error);
    if (head === undefined || head.failed) {
      throw new ProtocolError(
        "Cannot go on with the connection: the server sent an error while no statement was running",
        { cause: error },
      );
    }
    this.errors++;
    if (error.sqlstate === READ_ONLY) this.refusedWrite = true;
    head.reject(error);
    head.failed = true;
    head.afterError(this);
    if (head.endsWithReady) return;
    // The server skips everything up to the next Sync.
    this.#next(head);
    while (this.#head < this.#queue.length) {
      const skipped = this.#queue[this.#head]!;
      this.#skip(skipped, error);
      if (skipped.endsWithReady) return;
      this.#next(skipped);
    }
    this.#aborted = error;
  }

  #skip(exchange: Exchange, cause: PgError): void {
    exchange.skip(
      new PipelineAborted(
        "Cannot run the statement: one before it in the pipeline failed, and the server skipped the rest",
        { cause },
      ),
    );
  }
}

/** The SQLSTATE of a statement that writes in a read-only transaction. */
const READ_ONLY = "25006";

/** The largest message of the types that are never long, as libpq has it. */
const MAX_SHORT_MESSAGE = 30_000;

/** The types of messages that are never long. */
const SHORT_MESSAGES: ReadonlySet<number> = new Set([
  Backend.AUTHENTICATION,
  Backend.BACKEND_KEY_DATA,
  Backend.BIND_COMPLETE,
  Backend.CLOSE_COMPLETE,
  Backend.COMMAND_COMPLETE,
  Backend.COPY_BOTH_RESPONSE,
  Backend.COPY_DONE,
  Backend.COPY_IN_RESPONSE,
  Backend.COPY_OUT_RESPONSE,
  Backend.EMPTY_QUERY_RESPONSE,
  Backend.NEGOTIATE_PROTOCOL_VERSION,
  Backend.NO_DATA,
  Backend.PARSE_COMPLETE,
  Backend.PORTAL_SUSPENDED,
  Backend.READY_FOR_QUERY,
]);
const KNOWN_MESSAGES: ReadonlySet<number> = new Set(Object.values(Backend));

/**
 * Refuses a message of which only the beginning is there if it can be nothing
 * good, rather than to wait for its end and to take memory for it.
 */
function checkHeader(input: ReadBuffer): void {
  const header = input.unread();
  if (header.length < 5) return;
  const tag = header[0]!;
  if (!KNOWN_MESSAGES.has(tag)) {
    throw illegalMessage(tag, "that is not part of the protocol");
  }
  const length = new DataView(header.buffer, header.byteOffset).getInt32(1);
  if (length > MAX_SHORT_MESSAGE && SHORT_MESSAGES.has(tag)) {
    throw illegalMessage(tag, `that announces ${length} bytes`);
  }
}

function asPgError(reason: unknown): PgError {
  if (reason instanceof PgError) return reason;
  return new OperationalError(
    "Cannot go on with the connection: handling a message from the server failed",
    { cause: reason },
  );
}

/** The error for one of several that the same loss concerns: each gets its own. */
export function lossOf(failure: PgError): PgError {
  return new (failure.constructor as typeof PgError)(failure.message, {
    cause: failure,
    diag: failure.diag,
    sqlstate: failure.sqlstate,
  });
}
