import { assertEquals, assertMatch } from "@std/assert";
import { Trace, TraceFlags } from "../../connection/pgconn_trace.ts";
import * as backend from "../support/backend.ts";
import {
  writeBind,
  writeClose,
  writeDescribe,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from "../../protocol/frontend.ts";
import { Target } from "../../protocol/tags.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { openLow } from "./pgconn_support.ts";
import { quiet } from "./support.ts";

const PLAIN = TraceFlags.SUPPRESS_TIMESTAMPS;
const REGRESS = TraceFlags.SUPPRESS_TIMESTAMPS | TraceFlags.REGRESS_MODE;

/** The lines for messages from the client. */
function sent(flags: number, write: (out: WriteBuffer) => void): string[] {
  const lines: string[] = [];
  const out = new WriteBuffer();
  write(out);
  new Trace((line) => lines.push(line), { flags, showValues: true })
    .sent(out.written());
  return lines;
}

/** The lines for messages from the server. */
function received(flags: number, ...messages: Uint8Array[]): string[] {
  const lines: string[] = [];
  const trace = new Trace((line) => lines.push(line), { flags });
  trace.received(backend.concat(...messages));
  return lines;
}

Deno.test("Trace: messages of the extended protocol as libpq writes them", () => {
  const value = {
    format: 0 as const,
    dump: (text: string, out: WriteBuffer) => out.text(text),
  };
  assertEquals(
    sent(PLAIN, (out) => {
      writeParse(out, "", "SELECT $1", [25]);
      writeBind(out, "", [value, null], ["a\n", null], 1);
      writeDescribe(out, Target.PORTAL, "");
      writeExecute(out, 0);
      writeClose(out, Target.STATEMENT, "s");
      writeSync(out);
      writeQuery(out, 'select "é"');
    }),
    [
      'F\t21\tParse\t "" "SELECT $1" 1 25',
      `F\t28\tBind\t "" "" 2 0 0 2 2 'a\\x0a' -1 1 1`,
      'F\t6\tDescribe\t P ""',
      'F\t9\tExecute\t "" 0',
      'F\t7\tClose\t S "s"',
      "F\t4\tSync",
      'F\t16\tQuery\t "select "é""',
    ],
  );
  assertEquals(sent(REGRESS, (out) => writeParse(out, "p", "x", [25])), [
    'F\t14\tParse\t "p" "x" 1 NNNN',
  ]);
});

Deno.test("Trace: answers as libpq writes them", () => {
  const answers = [
    backend.parseComplete(),
    backend.bindComplete(),
    backend.parameterDescription([23]),
    backend.rowDescription([{ name: "n", oid: 23 }]),
    backend.dataRow(["42"]),
    backend.dataRow([null]),
    backend.commandComplete("SELECT 2"),
    backend.readyForQuery(),
    backend.parameterStatus("TimeZone", "UTC"),
    backend.closeComplete(),
    backend.noData(),
    backend.copyOutResponse(),
    backend.copyData("1\n"),
    backend.message("!"),
  ];
  const lines = received(REGRESS, ...answers);
  assertMatch(
    lines[3] ?? "",
    /^B\t26\tRowDescription\t 1 "n" NNNN -?\d+ NNNN -?\d+ -?\d+ 0$/,
  );
  assertEquals(lines.toSpliced(3, 1), [
    "B\t4\tParseComplete",
    "B\t4\tBindComplete",
    "B\t10\tParameterDescription\t 1 NNNN",
    "B\t12\tDataRow\t 1 2 '42'",
    "B\t10\tDataRow\t 1 -1",
    'B\t13\tCommandComplete\t "SELECT 2"',
    "B\t5\tReadyForQuery\t I",
    'B\t17\tParameterStatus\t "TimeZone" "UTC"',
    "B\t4\tCloseComplete",
    "B\t4\tNoData",
    "B\t9\tCopyOutResponse\t \\x00 1 0",
    "B\t6\tCopyData\t 'BBBB'",
    "B\t4\tUnknown message: 21",
  ]);
  const fields = "SERROR\0C22012\0Mdivision by zero\0L123\0\0";
  assertEquals(received(PLAIN, backend.copyData("1\n")), [
    "B\t6\tCopyData\t '1\\x0a'",
  ]);
  const error = backend.message("E", backend.bytes(fields));
  assertEquals(received(REGRESS, error), [
    'B\tNN\tErrorResponse\t S "ERROR" C "22012" M "division by zero" L "SSSS" \\x00',
  ]);
  assertEquals(received(PLAIN, error), [
    `B\t${
      fields.length + 4
    }\tErrorResponse\t S "ERROR" C "22012" M "division by zero" L "123" \\x00`,
  ]);
});

Deno.test("Trace: the lines do not depend on how the bytes are cut", () => {
  const bytes = backend.concat(
    backend.dataRow(["one", null]),
    backend.commandComplete("SELECT 1"),
    backend.readyForQuery(),
  );
  const whole = received(PLAIN, bytes);
  for (const size of [1, 2, 3, 7, 20]) {
    const lines: string[] = [];
    const trace = new Trace((line) => lines.push(line), { flags: PLAIN });
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.slice(at, at + size);
      trace.received(piece);
      piece.fill(0xff); // The buffer that is read into is used again.
    }
    assertEquals(lines, whole);
  }
});

Deno.test("Trace: the time is in front of each line unless it is suppressed", () => {
  const [line = ""] = received(0, backend.noData());
  assertMatch(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\tB\t4\tNoData$/);
});

Deno.test("Trace: malformed messages are no reason to throw", () => {
  assertEquals(received(PLAIN, backend.message("C", backend.bytes("cut"))), [
    "B\t7\tCommandComplete\t",
  ]);
  assertEquals(received(PLAIN, backend.header("D", -1)), ["B\t-1\tDataRow\t"]);
});

/** What PQtrace of libpq 18.4 wrote for each of the statements below. */
const RECORDED = `
F	24	Parse	 "p" "select $1::text" 0
F	4	Sync
B	4	ParseComplete
B	5	ReadyForQuery	 I
F	7	Describe	 S "p"
F	4	Sync
B	10	ParameterDescription	 1 NNNN
B	29	RowDescription	 1 "text" NNNN 0 NNNN 65535 -1 0
B	5	ReadyForQuery	 I
F	7	Close	 S "p"
F	4	Sync
B	4	CloseComplete
B	5	ReadyForQuery	 I
F	15	Query	 "select 1/0"
B	NN	ErrorResponse	 S "ERROR" V "ERROR" C "22012" M "division by zero" F "SSSS" L "SSSS" R "SSSS" \\x00
B	5	ReadyForQuery	 I
F	5	Query	 ""
B	4	EmptyQueryResponse
B	5	ReadyForQuery	 I
F	28	Parse	 "" "select $1::int4 as n" 0
F	20	Bind	 "" "" 0 1 2 '42' 1 0
F	6	Describe	 P ""
F	9	Execute	 "" 0
F	4	Sync
B	4	ParseComplete
B	4	BindComplete
B	26	RowDescription	 1 "n" NNNN 0 NNNN 4 -1 0
B	12	DataRow	 1 2 '42'
B	13	CommandComplete	 "SELECT 1"
B	5	ReadyForQuery	 I
`.trim().split("\n");

Deno.test(
  "LP-13 PgConn.trace: lists what is sent and the replies as libpq does, but for the formats in Bind",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn } = opened;
    const lines: string[] = [];
    pgconn.trace((line) => lines.push(line), {
      flags: REGRESS,
      showValues: true,
    });
    await pgconn.prepare("p", "select $1::text");
    await pgconn.describePrepared("p");
    await pgconn.closePrepared("p");
    await pgconn.exec("select 1/0").catch(() => {});
    await pgconn.exec("");
    await pgconn.execParams("select $1::int4 as n", ["42"]);
    // Where no formats are given libpq names none, and pgts the one it is.
    const expected = RECORDED.map((line) =>
      line.startsWith("F\t20\tBind")
        ? `F\t22\tBind\t "" "" 1 0 1 2 '42' 1 0`
        : line
    );
    assertEquals(lines, expected);
    pgconn.untrace();
    await pgconn.exec("select 1");
    assertEquals(lines, expected);
  }),
);

Deno.test(
  "E3 PgConn.trace: masks Bind values, 'p' messages and cancel keys unless told otherwise",
  quiet(async () => {
    const secret = "s3cr3t";
    await using opened = await openLow();
    const { pgconn } = opened;
    for (
      const [options, shows] of [[{}, false], [
        { showValues: true },
        true,
      ]] as const
    ) {
      const lines: string[] = [];
      const write = (line: string) => void lines.push(line);
      pgconn.trace(write, { flags: PLAIN, ...options });
      await pgconn.execParams("select length($1), $2::int", [secret, null]);
      const trace = new Trace(write, { flags: PLAIN, ...options });
      trace.sent(backend.message("p", backend.bytes(`${secret}\0`)));
      trace.sent(backend.message("d", backend.bytes(`${secret}\n`)));
      trace.received(
        backend.message("K", backend.bytes(`\0\0\0\x07${secret}`)),
      );
      const text = lines.join("\n");
      assertEquals(text.includes(secret), shows, text);
      const bind = lines.find((line) => line.includes("Bind\t"));
      assertEquals(
        bind,
        `F\t32\tBind\t "" "" 2 0 0 2 6 '${shows ? secret : "****"}' -1 1 0`,
      );
      if (shows) continue;
      assertEquals(lines.slice(-3), [
        "F\t11\tPasswordMessage\t '****'",
        "F\t11\tCopyData\t '****'",
        "B\t14\tBackendKeyData\t 7 '****'",
      ]);
    }
  }),
);
