/**
 * The types of full text search, tsvector and tsquery, as the text that the
 * server writes. They go in as text: the server is the one that parses them.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { Registrar } from "./adapt.ts";
import { OID } from "./oids.ts";
import { malformedValue, registerStringType } from "./string_type.ts";

/** The weights of a lexeme, from bit 0 on; the first is not written in a tsvector. */
const WEIGHTS = "DCBA";

const VALUE = 1;
const OPERATOR = 2;
const NOT = 1;
const PHRASE = 4;
/** How strong each operator binds, by its number: NOT, AND, OR, PHRASE. */
const PRIORITIES: readonly number[] = [0, 4, 2, 1, 3];
const SIGNS: readonly string[] = ["", "!", " & ", " | ", ""];
const OPERAND_PRIORITY = 5;

function quote(lexeme: string): string {
  return `'${lexeme.replaceAll(/['\\]/g, "$&$&")}'`;
}

/** Reads the parts of one binary value, in their order. */
class Reader {
  readonly #name: string;
  readonly #source: ReadBuffer;
  readonly #end: number;
  #at: number;

  constructor(name: string, source: ReadBuffer, start: number, end: number) {
    this.#name = name;
    this.#source = source;
    this.#at = start;
    this.#end = end;
  }

  byte(): number {
    return this.#source.view.getUint8(this.#advance(1));
  }

  int16(): number {
    return this.#source.view.getUint16(this.#advance(2));
  }

  count(): number {
    const count = this.#source.view.getInt32(this.#advance(4));
    if (count < 0) throw this.malformed(`it says it has ${count} parts`);
    return count;
  }

  lexeme(): string {
    const stop = this.#source.bytes.indexOf(0, this.#at);
    if (stop < 0 || stop >= this.#end) {
      throw this.malformed("a lexeme has no end");
    }
    const text = this.#source.text(this.#at, stop);
    this.#at = stop + 1;
    return quote(text);
  }

  expectEnd(): void {
    if (this.#at !== this.#end) {
      throw this.malformed("something follows its end");
    }
  }

  malformed(what: string): Error {
    return malformedValue(this.#name, what);
  }

  #advance(count: number): number {
    const at = this.#at;
    if (at + count > this.#end) throw this.malformed("it ends too early");
    this.#at += count;
    return at;
  }
}

function readTsvector(source: ReadBuffer, start: number, end: number): string {
  const reader = new Reader("tsvector", source, start, end);
  const lexemes: string[] = [];
  for (let left = reader.count(); left > 0; left--) {
    const lexeme = reader.lexeme();
    const positions: string[] = [];
    for (let more = reader.int16(); more > 0; more--) {
      const position = reader.int16();
      const weight = position >> 14;
      positions.push(
        (position & 0x3fff) + (weight === 0 ? "" : WEIGHTS[weight]!),
      );
    }
    lexemes.push(
      positions.length === 0 ? lexeme : `${lexeme}:${positions.join(",")}`,
    );
  }
  reader.expectEnd();
  return lexemes.join(" ");
}

/** A part of a tsquery: a lexeme, or an operator, whose operands follow it. */
interface Item {
  /** The text of a lexeme, or what stands between the operands. */
  readonly text: string;
  /** The number of an operator, 0 of a lexeme. */
  readonly operator: number;
}

function readItem(reader: Reader): Item {
  switch (reader.byte()) {
    case VALUE: {
      const weights = reader.byte();
      const isPrefix = reader.byte() !== 0;
      let flags = isPrefix ? "*" : "";
      for (let bit = WEIGHTS.length - 1; bit >= 0; bit--) {
        if ((weights & 1 << bit) !== 0) flags += WEIGHTS[bit];
      }
      const lexeme = reader.lexeme();
      return {
        text: flags === "" ? lexeme : `${lexeme}:${flags}`,
        operator: 0,
      };
    }
    case OPERATOR: {
      const operator = reader.byte();
      if (operator === PHRASE) {
        const distance = reader.int16();
        return { text: distance === 1 ? " <-> " : ` <${distance}> `, operator };
      }
      const text = operator > 0 ? SIGNS[operator] : undefined;
      if (text === undefined) {
        throw reader.malformed(`nobody knows its operator ${operator}`);
      }
      return { text, operator };
    }
    default:
      throw reader.malformed("a part is neither a lexeme nor an operator");
  }
}

/** What was put together of some items. */
interface Expression {
  readonly text: string;
  readonly operator: number;
}

function priorityOf({ operator }: Expression): number {
  return operator === 0 ? OPERAND_PRIORITY : PRIORITIES[operator]!;
}

/** An operand, in parentheses if it binds less than its operator, or as much and to the wrong side. */
function operandText(
  operand: Expression,
  operator: number,
  isRight: boolean,
): string {
  const least = PRIORITIES[operator]!;
  const inner = operand.operator === PHRASE && operator === PHRASE && isRight;
  return priorityOf(operand) < least || inner
    ? `( ${operand.text} )`
    : operand.text;
}

/** An operator stands before its operands, the right one first. */
function readTsquery(source: ReadBuffer, start: number, end: number): string {
  const reader = new Reader("tsquery", source, start, end);
  const items: Item[] = [];
  for (let left = reader.count(); left > 0; left--) {
    items.push(readItem(reader));
  }
  reader.expectEnd();
  // From the end on, so that operands are there before their operator, however
  // deep they are nested.
  const stack: Expression[] = [];
  const operand = (): Expression => {
    const expression = stack.pop();
    if (expression === undefined) {
      throw reader.malformed("an operator lacks an operand");
    }
    return expression;
  };
  for (let index = items.length - 1; index >= 0; index--) {
    const { text, operator } = items[index]!;
    if (operator === 0) stack.push({ text, operator });
    else if (operator === NOT) {
      stack.push({
        text: text + operandText(operand(), operator, false),
        operator,
      });
    } else {
      const right = operandText(operand(), operator, true);
      const left = operandText(operand(), operator, false);
      stack.push({ text: left + text + right, operator });
    }
  }
  if (stack.length > 1) throw reader.malformed("it lacks an operator");
  return stack[0]?.text ?? "";
}

/**
 * Registers the loaders and dumpers of tsvector and tsquery.
 *
 * @param map Where to register them.
 */
export function registerTextSearch(map: Registrar): void {
  registerStringType(map, {
    oid: OID.TSVECTOR,
    name: "tsvector",
    form: "a list of lexemes",
    readBinary: readTsvector,
  });
  registerStringType(map, {
    oid: OID.TSQUERY,
    name: "tsquery",
    form: "a query",
    readBinary: readTsquery,
  });
}
