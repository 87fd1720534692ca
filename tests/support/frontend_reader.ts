/**
 * Reads what a client sends, after the chapter "Message Formats" of the
 * PostgreSQL documentation: bytes in, decoded messages out. Strict: what is not
 * exactly what the chapter says is an error. Nothing here is shared with the
 * client that is tested.
 *
 * @module
 */

/** What a client can send, by its tag. Those without a tag have a name. */
export interface FrontendMessages {
  /** StartupMessage. */
  startup: { version: number; parameters: Record<string, string> };
  /** SSLRequest. */
  ssl: Empty;
  /** GSSENCRequest. */
  gssenc: Empty;
  /** CancelRequest. */
  cancel: { pid: number; key: Uint8Array };
  /** Query. */
  Q: { text: string };
  /** Parse. */
  P: { name: string; text: string; oids: number[] };
  /** Bind. A value is `null` for NULL. */
  B: {
    portal: string;
    statement: string;
    formats: number[];
    values: (Uint8Array | null)[];
    resultFormats: number[];
  };
  /** Describe: kind `S` for a statement, `P` for a portal. */
  D: { kind: string; name: string };
  /** Close: kind `S` for a statement, `P` for a portal. */
  C: { kind: string; name: string };
  /** Execute. */
  E: { portal: string; maxRows: number };
  /** Sync. */
  S: Empty;
  /** Flush. */
  H: Empty;
  /** CopyData. */
  d: { data: Uint8Array };
  /** CopyDone. */
  c: Empty;
  /** CopyFail. */
  f: { message: string };
  /** PasswordMessage, SASLInitialResponse and the like. */
  p: { body: Uint8Array };
  /** Terminate. */
  X: Empty;
}

type Empty = Record<never, never>;

/** The tag of a message from the client. */
export type FrontendTag = keyof FrontendMessages;

/** The message of one tag. */
export type MessageOf<Tag extends FrontendTag> =
  & { readonly tag: Tag }
  & Readonly<FrontendMessages[Tag]>;

/** Any message from the client. */
export type FrontendMessage = {
  [Tag in FrontendTag]: MessageOf<Tag>;
}[FrontendTag];

const CANCEL = 80877102;
const SSL = 80877103;
const GSSENC = 80877104;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The client broke the rules of the protocol. */
export class FrontendError extends Error {
  override readonly name: string = "FrontendError";
}

/**
 * Takes the bytes of one connection in any pieces, and gives its messages.
 *
 * @example All messages of a burst
 * ```ts
 * import { FrontendReader } from "./frontend_reader.ts";
 *
 * const reader = new FrontendReader({ started: true });
 * reader.push(Uint8Array.of(0x53, 0, 0, 0, 4));
 * console.log(reader.next()); // { tag: "S" }
 * ```
 */
export class FrontendReader {
  #bytes = new Uint8Array();
  #started: boolean;

  /** @param options Whether the untagged messages of the start are over. */
  constructor(options: { started?: boolean } = {}) {
    this.#started = options.started ?? false;
  }

  /** How many bytes wait for the rest of their message. */
  get pending(): number {
    return this.#bytes.length;
  }

  /** Adds bytes. */
  push(chunk: Uint8Array): void {
    const bytes = new Uint8Array(this.#bytes.length + chunk.length);
    bytes.set(this.#bytes);
    bytes.set(chunk, this.#bytes.length);
    this.#bytes = bytes;
  }

  /**
   * Gives the next message, or `null` if it is not there whole.
   *
   * @throws {FrontendError} If it is not what the protocol says.
   */
  next(): FrontendMessage | null {
    const header = this.#started ? 5 : 4;
    if (this.#bytes.length < header) return null;
    const length = new DataView(this.#bytes.buffer).getInt32(header - 4);
    if (length < 4) throw new FrontendError(`A message of length ${length}`);
    const end = header - 4 + length;
    if (this.#bytes.length < end) return null;
    const tag = String.fromCharCode(this.#bytes[0]!);
    const body = new Body(this.#bytes.slice(header, end));
    this.#bytes = this.#bytes.slice(end);
    const message = this.#started ? readTagged(tag, body) : readUntagged(body);
    body.end(message.tag);
    if (message.tag === "startup") this.#started = true;
    return message;
  }

  /** Gives all messages that are there whole. */
  all(): FrontendMessage[] {
    const messages: FrontendMessage[] = [];
    for (let next = this.next(); next !== null; next = this.next()) {
      messages.push(next);
    }
    return messages;
  }
}

/**
 * Decodes a burst that must consist of whole messages.
 *
 * @param bytes What the client sent after the start.
 * @returns The messages.
 * @throws {FrontendError} If something is left, or wrong.
 */
export function readFrontend(bytes: Uint8Array): FrontendMessage[] {
  const reader = new FrontendReader({ started: true });
  reader.push(bytes);
  const messages = reader.all();
  if (reader.pending > 0) {
    throw new FrontendError(`${reader.pending} bytes are left over`);
  }
  return messages;
}

/** The values of a Bind as text, for comparing. */
export function textValues(message: MessageOf<"B">): (string | null)[] {
  return message.values.map((value) => value && decoder.decode(value));
}

function readUntagged(body: Body): FrontendMessage {
  const code = body.int32();
  switch (code) {
    case SSL:
      return { tag: "ssl" };
    case GSSENC:
      return { tag: "gssenc" };
    case CANCEL:
      return { tag: "cancel", pid: body.int32(), key: body.rest() };
  }
  const parameters: Record<string, string> = {};
  for (let name = body.cstring(); name !== ""; name = body.cstring()) {
    if (Object.hasOwn(parameters, name)) {
      throw new FrontendError(`Parameter ${name} is there twice`);
    }
    parameters[name] = body.cstring();
  }
  return { tag: "startup", version: code, parameters };
}

function readTagged(tag: string, body: Body): FrontendMessage {
  switch (tag) {
    case "Q":
      return { tag, text: body.cstring() };
    case "P":
      return {
        tag,
        name: body.cstring(),
        text: body.cstring(),
        oids: body.list(() => body.int32() >>> 0),
      };
    case "B": {
      const message: MessageOf<"B"> = {
        tag,
        portal: body.cstring(),
        statement: body.cstring(),
        formats: body.list(() => body.format()),
        values: body.list(() => body.value()),
        resultFormats: body.list(() => body.format()),
      };
      const { length } = message.formats;
      if (length > 1 && length !== message.values.length) {
        throw new FrontendError(
          `Bind has ${length} formats for ${message.values.length} values`,
        );
      }
      return message;
    }
    case "D":
    case "C":
      return { tag, kind: body.kind(), name: body.cstring() };
    case "E":
      return { tag, portal: body.cstring(), maxRows: body.int32() };
    case "S":
    case "H":
    case "c":
    case "X":
      return { tag };
    case "d":
      return { tag, data: body.rest() };
    case "f":
      return { tag, message: body.cstring() };
    case "p":
      return { tag, body: body.rest() };
    default:
      throw new FrontendError(`There is no message of type "${tag}"`);
  }
}

/** The body of one message, read from its start to its end. */
class Body {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  int16(): number {
    return this.#view.getInt16(this.#advance(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  take(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.#bytes.slice(at, at + count);
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at);
  }

  cstring(): string {
    const stop = this.#bytes.indexOf(0, this.#at);
    if (stop < 0) throw new FrontendError("A string has no end");
    const text = decoder.decode(this.#bytes.subarray(this.#at, stop));
    this.#at = stop + 1;
    return text;
  }

  list<T>(read: () => T): T[] {
    const count = this.int16() & 0xffff;
    return Array.from({ length: count }, read);
  }

  format(): number {
    const format = this.int16();
    if (format !== 0 && format !== 1) {
      throw new FrontendError(`There is no format ${format}`);
    }
    return format;
  }

  value(): Uint8Array | null {
    const length = this.int32();
    if (length < -1) throw new FrontendError(`A value of length ${length}`);
    return length < 0 ? null : this.take(length);
  }

  kind(): string {
    const kind = String.fromCharCode(...this.take(1));
    if (kind !== "S" && kind !== "P") {
      throw new FrontendError(`There is nothing of kind "${kind}"`);
    }
    return kind;
  }

  end(tag: string): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) {
      throw new FrontendError(`${left} bytes too many in message "${tag}"`);
    }
  }

  #advance(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) {
      throw new FrontendError("A message ends too early");
    }
    this.#at = at + count;
    return at;
  }
}
