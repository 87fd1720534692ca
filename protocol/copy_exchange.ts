/**
 * COPY in and COPY out by the extended query protocol, which takes no more than
 * one statement. See the chapter "Message Flow", section "COPY Operations".
 *
 * Here too: what the other exchanges do when a statement turns out to be a COPY
 * that nobody asked for.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import {
  type CopyFormats,
  readCommandComplete,
  readCopyResponse,
} from "./backend.ts";
import { type Conversation, Exchange, illegalMessage } from "./exchange.ts";
import {
  writeBind,
  writeCopyData,
  writeCopyDone,
  writeCopyFail,
  writeExecute,
  writeFlush,
  writeParse,
  writeSync,
} from "./frontend.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { Backend } from "./tags.ts";
import type { WriteBuffer } from "./write_buffer.ts";

/** The error for a COPY that was run by `execute()`. */
export function copyRefused(): ProgrammingError {
  return new ProgrammingError(
    "Cannot run COPY with execute(): its data is neither parameters nor rows, use copy() of the cursor or connection",
  );
}

/**
 * How far a COPY is that nobody wants. After `"in"` only an error can follow,
 * after `"done"` only the command tag.
 */
export type UnwantedCopy = "none" | "in" | "out" | "done";

/**
 * Reads over a message of a COPY OUT that nobody wants.
 *
 * @param source The message, CopyData or CopyDone.
 * @param state How far the COPY is.
 * @returns How far it is then.
 */
export function readUnwantedCopyOut(
  source: ReadBuffer,
  state: UnwantedCopy,
): UnwantedCopy {
  if (state !== "out") {
    throw illegalMessage(source.tag, "while no COPY was under way");
  }
  if (source.tag === Backend.COPY_DATA) return "out";
  source.expectEnd();
  return "done";
}

/**
 * Appends the messages that start a COPY. A Sync among them would be dropped
 * while data goes to the server, so that the exchange sends it when it is due.
 *
 * @param out Where to append.
 * @param text A single COPY statement.
 */
export function writeCopyStart(out: WriteBuffer, text: string): void {
  writeParse(out, "", text, []);
  writeBind(out, "", [], [], 0);
  writeExecute(out, 1); // Of a SELECT that was taken for a COPY one row is enough.
  writeFlush(out);
}

/** How far a COPY is; `"aborting"` when it was given up and only an error can follow. */
type Phase =
  | "parsing"
  | "binding"
  | "starting"
  | "copying"
  | "aborting"
  | "ending"
  | "ended";

/** One COPY, in the direction that its statement says. */
export class CopyExchange extends Exchange {
  override readonly queryText: string;
  /** Settles when data may be sent or will come, or when the exchange is over. */
  readonly started: Promise<void>;
  /** Where the data goes: in to the server or out of it; `null` until it has started. */
  direction: "in" | "out" | null = null;
  /** The formats, once it has started. */
  formats: CopyFormats | null = null;
  /** The command tag, once it has ended well. */
  commandTag: string | null = null;

  #phase: Phase = "parsing";
  #synced = false;
  readonly #start: () => void;
  readonly #take: (source: ReadBuffer) => void;

  /**
   * @param queryText The text that was sent, see {@linkcode writeCopyStart}.
   * @param take Takes each block that comes from the server:
   * `source.bytes[source.start..source.end)`, to be copied.
   */
  constructor(queryText: string, take: (source: ReadBuffer) => void) {
    super(true);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.started = promise;
    this.#start = resolve;
    this.#take = take;
    this.queryText = queryText;
  }

  /** Whether the server still wants data: false after an error. */
  get wantsData(): boolean {
    return this.direction === "in" && this.#phase === "copying" && !this.failed;
  }

  /** Whether all data has come from the server. */
  get exhausted(): boolean {
    return this.failed || this.#phase === "ending" || this.#phase === "ended";
  }

  /** Appends a block of data. Dropped where the server wants none. */
  write(conversation: Conversation, data: Uint8Array): void {
    if (this.wantsData) writeCopyData(conversation.output, data);
  }

  /** Ends the data, and sends all. */
  finish(conversation: Conversation): void {
    if (!this.wantsData) return;
    this.#phase = "ending";
    writeCopyDone(conversation.output);
    this.#sync(conversation);
  }

  /** Gives up: the server will answer with an error that quotes `reason`. */
  abort(conversation: Conversation, reason: string): void {
    if (!this.wantsData) return;
    this.#phase = "aborting";
    writeCopyFail(conversation.output, reason);
    this.#sync(conversation);
  }

  override row(source: ReadBuffer): void {
    if (this.#phase !== "starting" || this.failed) {
      throw illegalMessage(source.tag, "in the middle of COPY");
    }
    this.reject(notCopy());
  }

  override receive(source: ReadBuffer, conversation: Conversation): boolean {
    if (this.failed) {
      throw illegalMessage(source.tag, "after an error, before ReadyForQuery");
    }
    switch (source.tag) {
      case Backend.PARSE_COMPLETE:
        this.#step(source, "parsing", "binding");
        source.expectEnd();
        break;
      case Backend.BIND_COMPLETE:
        this.#step(source, "binding", "starting");
        source.expectEnd();
        break;
      case Backend.COPY_IN_RESPONSE:
        this.#begin(source, "in");
        break;
      case Backend.COPY_OUT_RESPONSE:
        this.#begin(source, "out");
        this.#sync(conversation);
        break;
      case Backend.COPY_DATA:
        if (this.direction !== "out" || this.#phase !== "copying") {
          throw illegalMessage(source.tag, "outside COPY");
        }
        if (this.error === null) this.#deliver(source);
        break;
      case Backend.COPY_DONE:
        if (this.direction !== "out") {
          throw illegalMessage(source.tag, "outside COPY");
        }
        this.#step(source, "copying", "ending");
        source.expectEnd();
        break;
      case Backend.COMMAND_COMPLETE:
        if (this.#phase === "ending") {
          this.commandTag = readCommandComplete(source);
          this.#phase = "ended";
        } else {
          this.#step(source, "starting", "ended");
          readCommandComplete(source);
          this.#refuse(conversation);
        }
        break;
      case Backend.PORTAL_SUSPENDED:
      case Backend.EMPTY_QUERY_RESPONSE:
        this.#step(source, "starting", "ended");
        source.expectEnd();
        this.#refuse(conversation);
        break;
      default:
        throw illegalMessage(source.tag, "in answer to COPY");
    }
    return false;
  }

  /** The server drops what it is sent up to a Sync. */
  override afterError(conversation: Conversation): void {
    this.#sync(conversation);
  }

  override settle(): void {
    this.#start();
    super.settle();
  }

  override mayBeReady(): boolean {
    return this.#phase === "ended";
  }

  override get begun(): boolean {
    return this.direction !== null;
  }

  #begin(source: ReadBuffer, direction: "in" | "out"): void {
    this.#step(source, "starting", "copying");
    this.formats = readCopyResponse(source);
    this.direction = direction;
    this.#start();
  }

  #step(source: ReadBuffer, from: Phase, to: Phase): void {
    if (this.#phase !== from) {
      throw illegalMessage(source.tag, "at the wrong time of a COPY");
    }
    this.#phase = to;
  }

  #refuse(conversation: Conversation): void {
    this.reject(notCopy());
    this.#sync(conversation);
  }

  #sync(conversation: Conversation): void {
    if (this.#synced) return;
    this.#synced = true;
    writeSync(conversation.output);
    conversation.flush();
  }

  #deliver(source: ReadBuffer): void {
    try {
      this.#take(source);
    } catch (error) {
      this.reject(error);
    }
  }
}

function notCopy(): ProgrammingError {
  return new ProgrammingError(
    "Cannot copy: the statement is neither COPY FROM STDIN nor COPY TO STDOUT, and it has run, use execute() for it",
  );
}
