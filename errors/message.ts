/**
 * The text of an error: what the server said first, and the place in the query
 * that it pointed at. Which class the error becomes is decided in
 * `from_response.ts`.
 *
 * @module
 */

import type { Diagnostic } from "./diagnostic.ts";

/** How wide the excerpt of a query may be, as psql has it. */
const EXCERPT_COLUMNS = 60;
/** How many of these columns are kept for what follows the position. */
const COLUMNS_AFTER = 10;
/** More code units than this on one side of the position are never looked at. */
const MAX_UNITS = 400;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const DOUBLE_WIDTH =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{1B2FB}\u{1F300}-\u{1F64F}\u{1F680}-\u{1F6FF}\u{1F900}-\u{1FAFF}\u{20000}-\u{3FFFD}]$/u;

/**
 * The severities of all the languages that PostgreSQL has been translated into,
 * each as the server would write it before a message.
 */
const SEVERITIES: readonly string[] = [
  "DEBUG|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC", // en, and es and ja today
  "HINWEIS|WARNUNG|FEHLER|PANIK", // de
  "ADVERTENCIA", // es
  "ATTENTION|ERREUR", // fr
  "PERINGATAN|PANIK", // id
  "NOTIFICA|ATTENZIONE|ERRORE|FATALE|PANICO", // it
  "გამართვა|ჟურნალი|ინფორმაცია|გაფრთხილება|შეცდომა|ფატალური|პანიკა", // ka
  "디버그|로그|정보|알림|경고|오류|치명적오류|손상", // ko
  "DZIENNIK|INFORMACJA|UWAGA|OSTRZEŻENIE|BŁĄD|KATASTROFALNY|PANIKA", // pl
  "DEPURAÇÃO|NOTA|AVISO|ERRO|PÂNICO", // pt_BR
  "ОТЛАДКА|СООБЩЕНИЕ|ИНФОРМАЦИЯ|ЗАМЕЧАНИЕ|ПРЕДУПРЕЖДЕНИЕ|ОШИБКА|ВАЖНО|ПАНИКА", // ru
  "LOGG|NOTIS|VARNING|FEL|FATALT|PANIK", // sv
  "BİLGİ|NOT|UYARI|HATA|ÖLÜMCÜL(?: \\(FATAL\\))?|KRİTİK", // tr
  "НАЛАГОДЖЕННЯ|ЗАПИСУВАННЯ|ІНФОРМАЦІЯ|ПОВІДОМЛЕННЯ|ПОПЕРЕДЖЕННЯ|ПОМИЛКА|ФАТАЛЬНО|ПАНІКА", // uk
  "调试|日志|信息|注意|警告|错误|致命错误|比致命错误还过分的错误", // zh_CN
  "除錯|錯誤|嚴重錯誤", // zh_TW
];
const SEVERITY_PREFIX = new RegExp(`^(?:${SEVERITIES.join("|")}): +`, "u");

/**
 * Takes the severity off a message that was sent as plain text, in whatever
 * language it is.
 *
 * A message with fields has none; plain text comes from a server that could not
 * start a process for the connection, and from what speaks an older protocol.
 *
 * @param text A message such as `ERREUR:  …`.
 * @returns The text without the severity; the same text where it has none.
 */
export function stripSeverity(text: string): string {
  return text.replace(SEVERITY_PREFIX, "");
}

/** What is printed for one character: nothing may move the caret or the line. */
function printable(char: string): string {
  // A surrogate alone is half of a character that MAX_UNITS cut.
  return /^[\p{Cc}\p{Cs}]$/u.test(char) ? " " : char;
}

function columnsOf(char: string): number {
  if (char <= "~") return 1;
  if (ZERO_WIDTH.test(char)) return 0;
  return DOUBLE_WIDTH.test(char) ? 2 : 1;
}

interface Place {
  /** The number of the line, starting at 1. */
  line: number;
  /** Where the line starts, in code units. */
  lineStart: number;
  /** Where the character is that the position means, in code units. */
  at: number;
}

/** The place of a position that counts characters, as the server counts them. */
function findPlace(query: string, position: number): Place | null {
  let line = 1;
  let lineStart = 0;
  let at = 0;
  for (let left = position - 1; left > 0; left--) {
    const char = query.codePointAt(at);
    if (char === undefined) return null;
    at += char > 0xffff ? 2 : 1;
    // Carriage return and line feed together are one end of line.
    if (
      char === LINE_FEED ||
      char === CARRIAGE_RETURN && query.charCodeAt(at) !== LINE_FEED
    ) {
      line++;
      lineStart = at;
    }
  }
  return { line, lineStart, at };
}

/**
 * The line of a query that a position lies in, and a caret below the position.
 * A long line is cut, a tab and every other control character becomes one blank.
 *
 * @param query The text of the query as the server got it.
 * @param position The number of the character, starting at 1; one more than
 *   there are characters means the end.
 * @returns Two lines without a line feed at the end, or `null` where the
 *   position lies outside the query.
 */
export function excerptAt(query: string, position: number): string | null {
  if (!(position >= 1)) return null;
  const place = findPlace(query, position);
  if (place === null) return null;
  const { line, lineStart, at } = place;

  const leftFrom = Math.max(lineStart, at - MAX_UNITS);
  const left = Array.from(query.slice(leftFrom, at), printable);
  const rest = query.slice(at, at + MAX_UNITS);
  const lineEnd = rest.search(/[\r\n]/);
  const right = Array.from(
    lineEnd < 0 ? rest : rest.slice(0, lineEnd),
    printable,
  );

  let cutLeft = leftFrom > lineStart;
  let cutRight = lineEnd < 0 && at + MAX_UNITS < query.length;
  let leftColumns = sumOfColumns(left);
  let rightColumns = sumOfColumns(right);
  let from = 0;
  let to = right.length;
  // The position is near the start: the right end alone can give way.
  const rightLimit = Math.max(COLUMNS_AFTER, EXCERPT_COLUMNS - leftColumns);
  if (leftColumns + rightColumns > EXCERPT_COLUMNS) {
    while (rightColumns > rightLimit) {
      rightColumns -= columnsOf(right[--to] ?? "");
      cutRight = true;
    }
    while (leftColumns + rightColumns > EXCERPT_COLUMNS && from < left.length) {
      leftColumns -= columnsOf(left[from++] ?? "");
      cutLeft = true;
    }
  }

  const label = `LINE ${line}: ${cutLeft ? "..." : ""}`;
  const before = left.slice(from).join("");
  const after = right.slice(0, to).join("");
  const caret = " ".repeat(label.length + leftColumns) + "^";
  return `${label}${before}${after}${cutRight ? "..." : ""}\n${caret}`;
}

function sumOfColumns(chars: readonly string[]): number {
  let sum = 0;
  for (const char of chars) sum += columnsOf(char);
  return sum;
}

/**
 * The message of an error from the server: its primary message and, where it
 * points into the query, the line with a caret. Detail, hint and context stay
 * in the diagnostic alone, because they may hold values of rows.
 *
 * @param diag What the server said.
 * @param query The text of the query as the server got it, where it is known.
 * @returns The message, without a line feed at the end.
 */
export function messageOf(diag: Diagnostic, query?: string | null): string {
  const primary = diag.messagePrimary?.trimEnd();
  if (!primary) {
    return diag.sqlstate
      ? `The server reported an error without a message: the SQLSTATE is "${diag.sqlstate}"`
      : "The server reported an error without a message and without an SQLSTATE";
  }
  const position = diag.statementPosition;
  if (query === undefined || query === null || position === null) {
    return primary;
  }
  if (!/^[0-9]{1,10}$/.test(position)) return primary;
  const excerpt = excerptAt(query, Number(position));
  return excerpt === null ? primary : `${primary}\n${excerpt}`;
}
