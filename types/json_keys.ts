/**
 * Reads JSON whose keys have escape sequences. `JSON.parse` of current V8 can
 * take such a key for another one: where an object of the same keys before it
 * had one that ends in a backslash, `"\n"` is read as `"\\"` (issue 521080746 of
 * Chromium). JSON in general is in `json_text.ts`.
 *
 * @module
 */

/**
 * What `JSON.parse` calls for each value that it has read: as the standard
 * describes it, with the source of numbers and other primitives in the context.
 */
export type JsonReviver = (
  this: unknown,
  key: string,
  value: unknown,
  context: { readonly source?: string },
) => unknown;

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** Where the quote is that ends a string, or the length of the text. */
function stringEnd(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}

/** Whether a colon follows, which makes the string before it a key. */
function colonFollows(text: string, at: number): boolean {
  let code = text.charCodeAt(at);
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
    code = text.charCodeAt(++at);
  }
  return code === COLON;
}

/**
 * Whether a key has an escape sequence.
 *
 * @param text JSON; of other text the answer means nothing.
 * @returns Whether one has.
 */
export function hasEscapedKey(text: string): boolean {
  let at = text.indexOf("\\");
  while (at >= 0) {
    const end = stringEnd(text, at);
    if (colonFollows(text, end + 1)) return true;
    at = text.indexOf("\\", end + 1);
  }
  return false;
}

/**
 * Reads JSON by giving all keys names without escape sequences, and the objects
 * their keys back. Slower than `JSON.parse`, and meant for what it cannot read.
 *
 * @param text The text.
 * @param reviver What is called for each value, as `JSON.parse` does it.
 * @returns What the text stands for.
 * @throws {SyntaxError} If it is not JSON.
 */
export function parseByNames(text: string, reviver?: JsonReviver): unknown {
  const keys: string[] = [];
  const numbers = new Map<string, number>();
  let renamed = "";
  let from = 0;
  let at = text.indexOf('"');
  while (at >= 0) {
    const end = stringEnd(text, at + 1);
    if (colonFollows(text, end + 1)) {
      const key = JSON.parse(text.slice(at, end + 1)) as string;
      let number = numbers.get(key);
      if (number === undefined) {
        numbers.set(key, number = keys.length);
        keys.push(key);
      }
      renamed += `${text.slice(from, at)}"k${number}"`;
      from = end + 1;
    }
    at = text.indexOf('"', end + 1);
  }
  // No index of an array starts with a letter, nor does the key of the root.
  const keyOf = (name: string): string =>
    name.startsWith("k") ? keys[Number(name.slice(1))]! : name;

  function revive(
    this: unknown,
    name: string,
    value: unknown,
    context: { readonly source?: string },
  ): unknown {
    let revived = value;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      revived = {};
      for (const [name, item] of Object.entries(value)) {
        // Defined, not assigned: a key may be "__proto__".
        Object.defineProperty(revived, keyOf(name), {
          value: item,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
    }
    return reviver === undefined
      ? revived
      : reviver.call(this, keyOf(name), revived, context);
  }
  return JSON.parse(
    renamed + text.slice(from),
    revive as Parameters<typeof JSON.parse>[1],
  );
}
