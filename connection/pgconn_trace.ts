/**
 * What goes over a connection, line by line in the layout of libpq's PQtrace.
 *
 * @module
 */

/** How a trace is written, numbered as libpq numbers it. They can be added up. */
export const TraceFlags = {
  /** Without the time in front of each line. */
  SUPPRESS_TIMESTAMPS: 1,
  /** What differs from run to run, such as OIDs, is masked. */
  REGRESS_MODE: 2,
} as const;

/** How a trace is written. */
export interface TraceOptions {
  /** A sum of numbers of {@linkcode TraceFlags}. */
  readonly flags?: number;
  /**
   * Whether values that are sent are shown, as libpq does: parameters, the rows
   * of a COPY, passwords, and keys to cancel with. By default `'****'` stands
   * for each. Texts of statements, and rows that come, are always shown.
   *
   * @default {false}
   */
  readonly showValues?: boolean;
}

/**
 * The name of each type of message, and its fields: `s` a string, `h` and `i`
 * integers of two and four bytes, `o` one of four that regress mode masks, `c` a
 * byte, `v` a value after its length, `p` one that is sent, `r` a column, `d` a
 * diagnostic, `b` the bytes that are left, which it masks too, `x` those that are
 * secret; `*` before one: its number comes first.
 */
type Messages = Readonly<
  Record<string, readonly [name: string, fields: string]>
>;

const FRONTEND: Messages = {
  B: ["Bind", "ss*h*p*h"],
  C: ["Close", "cs"],
  D: ["Describe", "cs"],
  E: ["Execute", "si"],
  H: ["Flush", ""],
  P: ["Parse", "ss*o"],
  Q: ["Query", "s"],
  S: ["Sync", ""],
  X: ["Terminate", ""],
  c: ["CopyDone", ""],
  d: ["CopyData", "x"],
  f: ["CopyFail", "s"],
  p: ["PasswordMessage", "x"],
};

const BACKEND: Messages = {
  1: ["ParseComplete", ""],
  2: ["BindComplete", ""],
  3: ["CloseComplete", ""],
  A: ["NotificationResponse", "oss"],
  C: ["CommandComplete", "s"],
  D: ["DataRow", "*v"],
  E: ["ErrorResponse", "d"],
  G: ["CopyInResponse", "c*h"],
  H: ["CopyOutResponse", "c*h"],
  I: ["EmptyQueryResponse", ""],
  K: ["BackendKeyData", "ox"],
  N: ["NoticeResponse", "d"],
  S: ["ParameterStatus", "ss"],
  T: ["RowDescription", "*r"],
  W: ["CopyBothResponse", "c*h"],
  Z: ["ReadyForQuery", "c"],
  c: ["CopyDone", ""],
  d: ["CopyData", "b"],
  n: ["NoData", ""],
  s: ["PortalSuspended", ""],
  t: ["ParameterDescription", "*o"],
};

const COLUMN = "sohohih";
/** The fields of an error that regress mode masks: where in the server it arose. */
const MASKED_FIELDS = "FLR";
const HEADER = 5;
const HIDDEN = " '****'";

/** Makes lines of the bytes that go over a connection, however they are cut. */
export class Trace {
  readonly #write: (line: string) => void;
  readonly #flags: number;
  readonly #showsValues: boolean;
  #sent: Uint8Array = new Uint8Array();
  #received: Uint8Array = new Uint8Array();

  /**
   * @param write Gets each line, without the character that ends it.
   * @param options See {@linkcode TraceOptions}.
   */
  constructor(write: (line: string) => void, options: TraceOptions = {}) {
    this.#write = write;
    this.#flags = options.flags ?? 0;
    this.#showsValues = options.showValues ?? false;
  }

  /** These bytes go to the server. They are read at once. */
  sent(bytes: Uint8Array): void {
    this.#sent = this.#lines("F", FRONTEND, joined(this.#sent, bytes));
  }

  /** These bytes came from the server. They are read at once. */
  received(bytes: Uint8Array): void {
    this.#received = this.#lines("B", BACKEND, joined(this.#received, bytes));
  }

  /** What was begun is not continued: another session has taken its place. */
  restart(): void {
    this.#sent = new Uint8Array();
    this.#received = new Uint8Array();
  }

  /** Writes a line for each message that is complete, and gives what is left. */
  #lines(side: string, messages: Messages, bytes: Uint8Array): Uint8Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    let at = 0;
    while (bytes.length - at >= HEADER) {
      const size = view.getInt32(at + 1);
      const end = at + 1 + size;
      if (size >= 4 && end > bytes.length) break;
      const tag = String.fromCharCode(bytes[at]!);
      const body = bytes.subarray(at + HEADER, Math.max(end, at + HEADER));
      this.#write(this.#line(side, tag, messages[tag], size, body));
      at = Math.max(end, at + HEADER);
    }
    return bytes.slice(at);
  }

  #line(
    side: string,
    tag: string,
    message: Messages[string] | undefined,
    size: number,
    body: Uint8Array,
  ): string {
    const isRegress = (this.#flags & TraceFlags.REGRESS_MODE) !== 0;
    const [name, fields] = message ??
      [`Unknown message: ${hex(tag.charCodeAt(0))}`, ""];
    const length = isRegress && fields === "d" ? "NN" : String(size);
    const parts = [side, length, name];
    if (fields !== "") {
      parts.push(new Body(body, isRegress, this.#showsValues).print(fields));
    }
    if ((this.#flags & TraceFlags.SUPPRESS_TIMESTAMPS) === 0) {
      parts.unshift(timestamp(new Date()));
    }
    return parts.join("\t");
  }
}

/** The body of a message, read from its start. What is not there is not printed. */
class Body {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isRegress: boolean;
  readonly #showsValues: boolean;
  #at = 0;

  constructor(bytes: Uint8Array, isRegress: boolean, showsValues: boolean) {
    this.#showsValues = showsValues;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#isRegress = isRegress;
  }

  print(fields: string): string {
    let out = "";
    try {
      for (let i = 0; i < fields.length; i++) {
        if (fields[i] !== "*") {
          out += this.#field(fields[i]!);
          continue;
        }
        i++;
        const count = this.#uint16();
        out += ` ${count}`;
        for (let n = 0; n < count; n++) out += this.#field(fields[i]!);
      }
    } catch (error) {
      // A message that is cut short ends the connection elsewhere.
      if (!(error instanceof RangeError)) throw error;
    }
    return out;
  }

  #field(kind: string): string {
    switch (kind) {
      case "s":
        return ` "${this.#string()}"`;
      case "h":
        return ` ${this.#uint16()}`;
      case "i":
        return ` ${this.#int32()}`;
      case "o": {
        const number = this.#int32();
        return this.#isRegress ? " NNNN" : ` ${number}`;
      }
      case "c":
        return ` ${printable(this.#byte())}`;
      case "v": {
        const size = this.#int32();
        return size < 0 ? ` ${size}` : ` ${size}${this.#chars(size)}`;
      }
      case "p": {
        if (this.#showsValues) return this.#field("v");
        const size = this.#int32();
        this.#at += Math.max(size, 0);
        return size < 0 ? ` ${size}` : ` ${size}${HIDDEN}`;
      }
      case "x":
        return this.#showsValues ? this.#field("b") : HIDDEN;
      case "r":
        return this.print(COLUMN);
      case "d":
        return this.#diagnostic();
      default:
        if (this.#isRegress) return " 'BBBB'";
        return this.#chars(this.#bytes.length - this.#at);
    }
  }

  #diagnostic(): string {
    let out = "";
    for (;;) {
      const letter = printable(this.#byte());
      out += ` ${letter}`;
      if (letter === "\\x00") return out;
      const text = this.#string();
      const isMasked = this.#isRegress && MASKED_FIELDS.includes(letter);
      out += ` "${isMasked ? "SSSS" : text}"`;
    }
  }

  #chars(size: number): string {
    const bytes = this.#bytes.subarray(this.#at, this.#at += size);
    return ` '${Array.from(bytes, printable).join("")}'`;
  }

  #string(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new RangeError("No zero byte ends the string");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return new TextDecoder().decode(bytes);
  }

  #byte(): number {
    return this.#view.getUint8(this.#at++);
  }

  #uint16(): number {
    return this.#view.getUint16((this.#at += 2) - 2);
  }

  #int32(): number {
    return this.#view.getInt32((this.#at += 4) - 4);
  }
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f
    ? String.fromCharCode(byte)
    : `\\x${hex(byte)}`;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length === 0) return right;
  const out = new Uint8Array(left.length + right.length);
  out.set(left);
  out.set(right, left.length);
  return out;
}

/** The local time as libpq writes it, with microseconds. */
function timestamp(now: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${
    two(now.getDate())
  }`;
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two)
    .join(":");
  return `${day} ${time}.${String(now.getMilliseconds()).padStart(3, "0")}000`;
}
