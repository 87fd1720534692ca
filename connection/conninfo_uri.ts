/**
 * Connection URIs as libpq reads them: several hosts, percent encoding in every
 * part, parameters in the query. `URL` knows nothing of several hosts.
 *
 * As in `conninfo_keywords.ts`, messages tell positions and never quote.
 *
 * @module
 */

import type { ProgrammingError } from "../errors/base.ts";
import { malformed, storeParameter } from "./conninfo_keywords.ts";

const PREFIX = /^postgres(?:ql)?:\/\//;

/**
 * Whether a connection string is a URI.
 *
 * @param text The string.
 * @returns Whether it begins like one.
 */
export function isUri(text: string): boolean {
  return PREFIX.test(text);
}

/**
 * Parses a connection URI.
 *
 * @param text The URI.
 * @returns The parameters by keyword.
 * @throws {ProgrammingError} If it is malformed or names an unknown parameter.
 */
export function parseUri(text: string): Record<string, string> {
  return new UriParser(text).parse();
}

/** Reads a URI from left to right. */
class UriParser {
  readonly #text: string;
  readonly #out: Record<string, string> = {};
  #at: number;

  constructor(text: string) {
    this.#text = text;
    this.#at = PREFIX.exec(text)?.[0].length ?? 0;
  }

  parse(): Record<string, string> {
    this.#userInfo();
    this.#hosts();
    if (this.#next === "/") {
      this.#at++;
      this.#store("dbname", this.#until("?"));
    }
    if (this.#next === "?") {
      this.#at++;
      this.#query();
    }
    return this.#out;
  }

  get #next(): string {
    return this.#text.charAt(this.#at);
  }

  /** Moves on to the first of `stops`, or to the end. */
  #until(stops: string): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !stops.includes(this.#next)) {
      this.#at++;
    }
    return this.#text.slice(start, this.#at);
  }

  /** Stores a part of the URI; an empty one is as good as absent. */
  #store(keyword: string, part: string): void {
    if (part !== "") {
      this.#out[keyword] = decodePart(part, this.#at - part.length);
    }
  }

  /** `user:password@`, if there is an `@` before the first `/`. */
  #userInfo(): void {
    const start = this.#at;
    const rest = this.#until("@/");
    if (this.#next !== "@") {
      this.#at = start;
      return;
    }
    const colon = rest.indexOf(":");
    this.#at = colon < 0 ? this.#at : start + colon;
    this.#store("user", colon < 0 ? rest : rest.slice(0, colon));
    if (colon >= 0) {
      this.#at = start + rest.length;
      this.#store("password", rest.slice(colon + 1));
    }
    this.#at++;
  }

  /** `host:port,host:port`. The lists are decoded whole, as libpq does it. */
  #hosts(): void {
    const start = this.#at;
    const hosts: string[] = [];
    const ports: string[] = [];
    for (;;) {
      hosts.push(this.#next === "[" ? this.#ipv6() : this.#until(":/?,"));
      if (this.#next === ":") {
        this.#at++;
        ports.push(this.#until("/?,"));
      } else {
        ports.push("");
      }
      if (this.#next !== ",") break;
      this.#at++;
    }
    const host = hosts.join(",");
    const port = ports.join(",");
    if (host !== "") this.#out.host = decodePart(host, start);
    if (port !== "") this.#out.port = decodePart(port, start);
  }

  #ipv6(): string {
    const open = this.#at++;
    const host = this.#until("]");
    if (this.#next !== "]") {
      throw malformed(`the bracket at position ${open + 1} is not closed`);
    }
    if (host === "") {
      throw malformed(
        `the brackets at position ${
          open + 1
        } hold no address, write an IPv6 address between them`,
      );
    }
    this.#at++;
    if (!":/?,".includes(this.#next)) {
      throw malformed(
        `":" or "/" or the end must follow the bracket at position ${this.#at}`,
      );
    }
    return host;
  }

  #query(): void {
    while (this.#at < this.#text.length) {
      const start = this.#at;
      const pair = this.#until("&");
      this.#at++;
      const equals = pair.indexOf("=");
      if (equals < 0) {
        throw malformed(
          `the query parameter at position ${start + 1} has no "="`,
        );
      }
      if (pair.includes("=", equals + 1)) {
        throw malformed(
          `the query parameter at position ${
            start + 1
          } has a second "=", write %3D inside of a value`,
        );
      }
      this.#parameter(
        decodePart(pair.slice(0, equals), start),
        decodePart(pair.slice(equals + 1), start + equals + 1),
        start,
      );
    }
  }

  #parameter(keyword: string, value: string, position: number): void {
    // What drivers of other languages write for sslmode=require.
    const known = keyword === "ssl" && value === "true"
      ? storeParameter(this.#out, "sslmode", "require")
      : storeParameter(this.#out, keyword, value);
    if (!known) {
      throw malformed(
        `the query parameter at position ${
          position + 1
        } is not a connection parameter`,
      );
    }
  }
}

/**
 * Decodes a part of a URI. Spaces around it are dropped.
 *
 * @param part The part.
 * @param position Where it starts in the URI.
 */
function decodePart(part: string, position: number): string {
  const trimmed = trimSpaces(part);
  if (trimmed.includes(" ")) {
    throw malformedPart(position, "contains a space, write %20");
  }
  if (!trimmed.includes("%")) return trimmed;
  for (let at = 0; (at = trimmed.indexOf("%", at)) >= 0; at += 3) {
    const digits = trimmed.slice(at + 1, at + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
      throw malformedPart(
        position,
        'contains a "%" that two hexadecimal digits do not follow, write "%" itself as %25',
      );
    }
    if (digits === "00") throw malformedPart(position, "contains %00");
  }
  try {
    return decodeURIComponent(trimmed);
  } catch {
    throw malformedPart(
      position,
      "contains percent-encoded bytes that are not UTF-8",
    );
  }
}

/** Without the spaces around it; other white space stays, as in libpq. */
function trimSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charAt(start) === " ") start++;
  while (end > start && text.charAt(end - 1) === " ") end--;
  return text.slice(start, end);
}

function malformedPart(position: number, reason: string): ProgrammingError {
  return malformed(`the part at position ${position + 1} ${reason}`);
}
