import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Diagnostic } from "../../errors/diagnostic.ts";
import { excerptAt, messageOf, stripSeverity } from "../../errors/message.ts";

function lines(...text: string[]): string {
  return text.join("\n");
}

/** The character above the caret of an excerpt, counted in code points. */
function pointedAt(excerpt: string | null): string | undefined {
  assert(excerpt !== null);
  const [line = "", caret = ""] = excerpt.split("\n");
  return [...line][[...caret].length - 1];
}

Deno.test("ER-10 stripSeverity: severities of every language go, other words stay", () => {
  assertEquals(stripSeverity("ERRORE: foo\nbar"), "foo\nbar");
  assertEquals(stripSeverity("오류: foo: bar"), "foo: bar");
  const untouched = [
    'connection to server at "2001:1488:fffe:20::229", port 5432 failed',
    "HORROR: foo",
  ];
  for (const text of untouched) assertStrictEquals(stripSeverity(text), text);
});

Deno.test("stripSeverity: what libpq and the server print, once and only in front", () => {
  const severities =
    "ERROR FATAL PANIC WARNING FEHLER PANIK ERREUR ATTENTION " +
    "FATALE BŁĄD ERRO PÂNICO ОШИБКА ВАЖНО FEL HATA ПОМИЛКА 错误 致命错误 錯誤 შეცდომა";
  for (const severity of severities.split(" ")) {
    assertEquals(stripSeverity(`${severity}:  foo\n`), "foo\n", severity);
  }
  assertEquals(stripSeverity("ÖLÜMCÜL (FATAL):  foo"), "foo");
  assertEquals(stripSeverity("ERROR: ERROR: foo"), "ERROR: foo");
  for (
    const text of ["foo\nERROR: bar", "ERROR foo", "error: foo", " ERROR: x"]
  ) {
    assertStrictEquals(stripSeverity(text), text);
  }
});

Deno.test("excerptAt: the line and a caret", () => {
  assertEquals(
    excerptAt("select * from nothing", 15),
    lines(
      "LINE 1: select * from nothing",
      "                      ^",
    ),
  );
  assertEquals(
    excerptAt("x", 1),
    lines(
      "LINE 1: x",
      "        ^",
    ),
  );
});

Deno.test("excerptAt: several lines, whatever ends them", () => {
  for (const end of ["\n", "\r"]) {
    const query = ["select 1,", "  wrong", "from x"].join(end);
    assertEquals(
      excerptAt(query, query.indexOf("wrong") + 1),
      lines(
        "LINE 2:   wrong",
        "          ^",
      ),
    );
  }
  const query = "select 1,\r\n\r\n  wrong\r\nfrom x";
  assertEquals(
    excerptAt(query, query.indexOf("wrong") + 1),
    lines(
      "LINE 3:   wrong",
      "          ^",
    ),
  );
});

Deno.test("excerptAt: the number of the line grows beyond one digit", () => {
  const query = `${"\n".repeat(99)}oops`;
  assertEquals(
    excerptAt(query, 100),
    lines(
      "LINE 100: oops",
      "          ^",
    ),
  );
});

Deno.test("excerptAt: at the end of the query and outside of it", () => {
  assertEquals(
    excerptAt("select", 7),
    lines(
      "LINE 1: select",
      "              ^",
    ),
  );
  assertEquals(
    excerptAt("select\n", 8),
    lines(
      "LINE 2: ",
      "        ^",
    ),
  );
  for (const position of [0, -1, 8, 1e9, NaN]) {
    assertStrictEquals(excerptAt("select", position), null);
  }
  assertStrictEquals(excerptAt("", 2), null);
});

Deno.test("excerptAt: positions count characters, not UTF-16 units", () => {
  // Each of the two takes two UTF-16 units and, on a terminal, two columns.
  assertEquals(
    excerptAt("select '😀😀', wrong", 14),
    lines(
      "LINE 1: select '😀😀', wrong",
      "                       ^",
    ),
  );
  // Four columns of text for two characters, and a mark that takes none.
  assertEquals(
    excerptAt("select '日本' x", 13),
    lines(
      "LINE 1: select '日本' x",
      "                      ^",
    ),
  );
  assertEquals(
    excerptAt("select 'e\u0301' x", 13),
    lines(
      "LINE 1: select 'e\u0301' x",
      "                   ^",
    ),
  );
  // A line of narrow characters outside the BMP: code points are columns.
  const query = "𐌰𐌱𐌲 𐌳";
  assertEquals(pointedAt(excerptAt(query, 5)), "𐌳");
});

Deno.test("excerptAt: tabs and control characters become one blank each", () => {
  assertEquals(
    excerptAt("select\t\t1,\u001b\twrong", 13),
    lines(
      "LINE 1: select  1,  wrong",
      "                    ^",
    ),
  );
});

Deno.test("excerptAt: a long line is cut around the position", () => {
  const cells = Array.from({ length: 40 }, (_, index) => `col${index + 10}`);
  const query = `select ${cells.join(" ")}\nfrom x`;
  assertEquals(
    excerptAt(query, 8),
    lines(
      "LINE 1: select col10 col11 col12 col13 col14 col15 col16 col17 col18...",
      "               ^",
    ),
  );
  assertEquals(
    excerptAt(query, query.indexOf("col30") + 1),
    lines(
      "LINE 1: ...1 col22 col23 col24 col25 col26 col27 col28 col29 col30 col3...",
      " ".repeat("LINE 1: ...".length + 50) + "^",
    ),
  );
  assertEquals(
    excerptAt(query, query.indexOf("col49") + 1),
    lines(
      "LINE 1: ... col40 col41 col42 col43 col44 col45 col46 col47 col48 col49",
      " ".repeat("LINE 1: ...".length + 55) + "^",
    ),
  );
});

Deno.test("excerptAt: every position of a long line shows its own character", () => {
  const alphabet =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const query = alphabet.repeat(20);
  for (let position = 1; position <= query.length; position++) {
    const excerpt = excerptAt(query, position);
    assertEquals(pointedAt(excerpt), query[position - 1], `${position}`);
    const shown = excerpt?.split("\n")[0]?.slice("LINE 1: ".length) ?? "";
    assert(shown.replaceAll("...", "").length <= 60, shown);
  }
});

Deno.test("excerptAt: a huge line is looked at around the position only", () => {
  const query = "😀".repeat(1_000_000);
  const started = performance.now();
  const excerpt = excerptAt(query, 999_999);
  assert(performance.now() - started < 2000);
  assertEquals(
    excerpt,
    `LINE 1: ...${"😀".repeat(29)}😀\n${
      " ".repeat("LINE 1: ...".length + 56)
    }^`,
  );
});

Deno.test("messageOf: primary message and position, without what may hold values", () => {
  const diag = new Diagnostic({
    S: "FEHLER",
    V: "ERROR",
    C: "42P01",
    M: 'relation "nothing" does not exist\n',
    D: "the detail",
    H: "the hint",
    W: "the context",
    P: "15",
  });
  const primary = 'relation "nothing" does not exist';
  const query = "select * from nothing";
  assertEquals(
    messageOf(diag, query),
    lines(
      primary,
      "LINE 1: select * from nothing",
      "                      ^",
    ),
  );
  assertEquals(messageOf(diag), primary);
  assertEquals(messageOf(diag, null), primary);
  assertEquals(messageOf(diag, "too short"), primary);
});

Deno.test("messageOf: a position that is no number is left out", () => {
  for (const P of ["", "x", "-1", "1.5", "0", "1e3", "99999999999999999999"]) {
    assertEquals(messageOf(new Diagnostic({ M: "oops", P }), "select"), "oops");
  }
});

Deno.test("messageOf: a response without a primary message still says something", () => {
  assertEquals(
    messageOf(new Diagnostic({ C: "57P01" })),
    'The server reported an error without a message: the SQLSTATE is "57P01"',
  );
  assertEquals(
    messageOf(new Diagnostic({ M: " \n" })),
    "The server reported an error without a message and without an SQLSTATE",
  );
});
