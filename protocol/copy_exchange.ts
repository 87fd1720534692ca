/**
 * COPY in and COPY out by the simple query protocol. See the chapter "Message
 * Flow", section "COPY Operations".
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
import { writeCopyData, writeCopyDone, writeCopyFail } from "./frontend.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { Backend } from "./tags.ts";

/** The error for a COPY that was run by `execute()`. */
export function copyRefused(): ProgrammingError {
  return new ProgrammingError(
    "Cannot run COPY with execute(): its data is neither parameters nor rows, and pgts has no method for it yet, use INSERT or SELECT",
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

/** How far a COPY is; `"aborting"` when it was given up and only an error can follow. */
type Phase = "starting" | "copying" | "aborting" | "ending" | "ended";

/** What COPY IN and COPY OUT share: how they start and how they end. */
abstract class CopyExchange extends Exchange {
  override readonly queryText: string;
  /** Settles when data may be sent or will come, or when the exchange is over. */
  readonly started: Promise<void>;
  /** The formats, once it has started. */
  formats: CopyFormats | null = null;
  /** The command tag, once it has ended well. */
  commandTag: string | null = null;

  protected phase: Phase = "starting";
  protected readonly start: () => void;

  /** @param queryText The text that was sent, a single COPY statement. */
  constructor(queryText: string) {
    super(true);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.started = promise;
    this.start = resolve;
    this.queryText = queryText;
  }

  override row(source: ReadBuffer): void {
    throw illegalMessage(source.tag, "in answer to COPY");
  }

  override settle(): void {
    this.start();
    super.settle();
  }

  override mayBeReady(): boolean {
    return this.phase === "ended";
  }

  protected begin(source: ReadBuffer): void {
    if (this.phase !== "starting") {
      throw illegalMessage(source.tag, "in the middle of COPY");
    }
    this.formats = readCopyResponse(source);
    this.phase = "copying";
    this.start();
  }

  protected complete(source: ReadBuffer): void {
    if (this.phase !== "ending") {
      throw illegalMessage(source.tag, "in the middle of COPY");
    }
    this.commandTag = readCommandComplete(source);
    this.phase = "ended";
  }
}

/** COPY FROM STDIN: data goes to the server. */
export class CopyInExchange extends CopyExchange {
  override receive(source: ReadBuffer): boolean {
    if (this.failed) {
      throw illegalMessage(source.tag, "after an error, before ReadyForQuery");
    }
    switch (source.tag) {
      case Backend.COPY_IN_RESPONSE:
        this.begin(source);
        return false;
      case Backend.COMMAND_COMPLETE:
        this.complete(source);
        return false;
      default:
        throw illegalMessage(source.tag, "in answer to COPY FROM STDIN");
    }
  }

  /** Whether the server still wants data: false after an error. */
  get wantsData(): boolean {
    return this.phase === "copying" && !this.failed;
  }

  /** Appends a block of data. Dropped where the server wants none. */
  write(conversation: Conversation, data: Uint8Array): void {
    if (this.wantsData) writeCopyData(conversation.output, data);
  }

  /** Ends the data, and sends all. */
  finish(conversation: Conversation): void {
    if (!this.wantsData) return;
    this.phase = "ending";
    writeCopyDone(conversation.output);
    conversation.flush();
  }

  /** Gives up: the server will answer with an error that quotes `reason`. */
  abort(conversation: Conversation, reason: string): void {
    if (!this.wantsData) return;
    this.phase = "aborting";
    writeCopyFail(conversation.output, reason);
    conversation.flush();
  }
}

/** COPY TO STDOUT: data comes from the server. */
export class CopyOutExchange extends CopyExchange {
  readonly #take: (source: ReadBuffer) => void;

  /**
   * @param queryText The text that was sent, a single COPY statement.
   * @param take Takes each block: `source.bytes[source.start..source.end)`, to be copied.
   */
  constructor(queryText: string, take: (source: ReadBuffer) => void) {
    super(queryText);
    this.#take = take;
  }

  override receive(source: ReadBuffer): boolean {
    if (this.failed) {
      throw illegalMessage(source.tag, "after an error, before ReadyForQuery");
    }
    switch (source.tag) {
      case Backend.COPY_OUT_RESPONSE:
        this.begin(source);
        return false;
      case Backend.COPY_DATA:
        if (this.phase !== "copying") {
          throw illegalMessage(source.tag, "outside COPY");
        }
        if (this.error === null) this.#deliver(source);
        return false;
      case Backend.COPY_DONE:
        if (this.phase !== "copying") {
          throw illegalMessage(source.tag, "outside COPY");
        }
        source.expectEnd();
        this.phase = "ending";
        return false;
      case Backend.COMMAND_COMPLETE:
        this.complete(source);
        return false;
      default:
        throw illegalMessage(source.tag, "in answer to COPY TO STDOUT");
    }
  }

  #deliver(source: ReadBuffer): void {
    try {
      this.#take(source);
    } catch (error) {
      this.reject(error);
    }
  }
}
