/**
 * Where in SQL a position is: in the statement proper, or inside a string, a
 * quoted identifier or a comment. See the chapter "Lexical Structure".
 *
 * @module
 */

/** What a position can be inside of. */
export type Inside =
  | "the statement"
  | "a string"
  | "a quoted identifier"
  | "a dollar-quoted string"
  | "a comment";

const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const WORD = /[\w$\u0080-\uffff]/;

/** Reads SQL piece by piece and knows where its end is. */
export class SqlScanner {
  readonly #backslashes: boolean;
  #inside: Inside = "the statement";
  /** What ends the string or comment that is open. */
  #end = "";
  #escapes = false;
  #depth = 0;
  #last = "";

  /**
   * @param standardStrings Whether a backslash in a plain string stands for
   * itself, as `standard_conforming_strings` says.
   */
  constructor(standardStrings: boolean) {
    this.#backslashes = !standardStrings;
  }

  /** What the end of the text read so far is inside of. */
  get inside(): Inside {
    return this.#inside;
  }

  /** Reads on. */
  read(sql: string): void {
    for (let at = 0; at < sql.length;) {
      at = this.#inside === "the statement"
        ? this.#readStatement(sql, at)
        : this.#readQuoted(sql, at);
    }
  }

  #readStatement(sql: string, at: number): number {
    const char = sql[at]!;
    const before = at > 0 ? sql[at - 1]! : this.#last;
    this.#last = char;
    const next = sql[at + 1];
    if (char === "'") {
      this.#open("a string", "'");
      this.#escapes = this.#backslashes || this.#afterE(sql, at);
    } else if (char === '"') this.#open("a quoted identifier", '"');
    else if (char === "-" && next === "-") this.#open("a comment", "\n");
    else if (char === "/" && next === "*") {
      this.#open("a comment", "*/");
      this.#depth = 1;
      return at + 2;
    } else if (char === "$" && !WORD.test(before)) {
      DOLLAR_QUOTE.lastIndex = at;
      const tag = DOLLAR_QUOTE.exec(sql)?.[0];
      if (tag !== undefined) {
        this.#open("a dollar-quoted string", tag);
        return at + tag.length;
      }
    }
    return at + 1;
  }

  #readQuoted(sql: string, at: number): number {
    const end = this.#end;
    if (end === "*/" && sql.startsWith("/*", at)) {
      this.#depth++;
      return at + 2;
    }
    if (this.#escapes && sql[at] === "\\") return at + 2;
    if (!sql.startsWith(end, at)) return at + 1;
    // A doubled quote ends the string and starts another: nothing to remember.
    if (end !== "*/" || --this.#depth === 0) {
      this.#inside = "the statement";
      this.#last = "";
      // The string that a doubled quote goes on with is of the same kind.
      if (end === "'" && sql[at + 1] === "'") {
        this.#inside = "a string";
        return at + 2;
      }
    }
    return at + end.length;
  }

  #open(inside: Inside, end: string): void {
    this.#inside = inside;
    this.#end = end;
    this.#escapes = false;
  }

  /** Whether the quote at `at` follows an E that is not the end of a longer word. */
  #afterE(sql: string, at: number): boolean {
    const letter = sql[at - 1];
    if (letter !== "E" && letter !== "e") return false;
    return at < 2 || !WORD.test(sql[at - 2]!);
  }
}
