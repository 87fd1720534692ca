import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, ProgrammingError } from "../../errors/base.ts";
import * as frontend from "../../protocol/frontend.ts";
import { Target } from "../../protocol/tags.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { readFrontend } from "../support/frontend_reader.ts";

function written(write: (out: WriteBuffer) => void): Uint8Array {
  const out = new WriteBuffer(4);
  out.uint8(0xee); // a message need not be at the start
  write(out);
  return out.written().slice(1);
}

function golden(...parts: (string | number | number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string"
        ? Array.from(part, (char) => char.charCodeAt(0))
        : part
    ),
  );
}

/** Appends text as a value in a format. */
function writer(format: 0 | 1): frontend.ValueWriter {
  return {
    format,
    dump(value: unknown, out: WriteBuffer): void | null {
      if (value === undefined) return null;
      out.text(String(value));
    },
  };
}

Deno.test("writeStartup: golden bytes", () => {
  assertEquals(
    written((out) => frontend.writeStartup(out, { user: "é", database: "" })),
    golden(
      [0, 0, 0, 27, 0, 3, 0, 0],
      "user\0",
      [0xc3, 0xa9, 0],
      "database\0\0",
      0,
    ),
  );
  assertEquals(
    written((out) => frontend.writeStartup(out, {})),
    golden([0, 0, 0, 9, 0, 3, 0, 0, 0]),
  );
});

Deno.test("writeStartup: a NUL in any parameter is refused, its value not quoted", () => {
  const names = ["user", "database", "application_name", "options", "TimeZone"];
  for (const name of names) {
    const out = new WriteBuffer();
    const error = assertThrows(
      () => frontend.writeStartup(out, { user: "u", [name]: "secret\0x" }),
      DataError,
      "NUL",
    );
    assert(!error.message.includes("secret"));
  }
  assertThrows(
    () => frontend.writeStartup(new WriteBuffer(), { "a\0b": "1" }),
    DataError,
  );
});

Deno.test("writeCancelRequest: golden bytes, with a key of 4 and of 32 bytes", () => {
  assertEquals(
    written((out) =>
      frontend.writeCancelRequest(out, 0x0a0b, Uint8Array.of(1, 2, 3, 4))
    ),
    golden([0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 10, 11, 1, 2, 3, 4]),
  );
  const key = new Uint8Array(32).fill(9);
  assertEquals(
    written((out) => frontend.writeCancelRequest(out, -1, key)),
    golden([0, 0, 0, 44, 4, 210, 22, 46, 255, 255, 255, 255], [...key]),
  );
});

Deno.test("writeAuthentication: golden bytes", () => {
  assertEquals(
    written((out) => frontend.writeAuthentication(out, golden("pw\0"))),
    golden("p", [0, 0, 0, 7], "pw\0"),
  );
});

Deno.test("writeQuery: golden bytes", () => {
  assertEquals(
    written((out) => frontend.writeQuery(out, "")),
    golden("Q", [0, 0, 0, 5, 0]),
  );
  assertEquals(
    written((out) => frontend.writeQuery(out, "select '€'")),
    golden("Q", [0, 0, 0, 17], "select '", [0xe2, 0x82, 0xac], "'\0"),
  );
});

Deno.test("writeParse: golden bytes; OIDs are unsigned", () => {
  assertEquals(
    written((out) => frontend.writeParse(out, "s", "q", [23, 4294967295, 0])),
    golden(
      "P",
      [0, 0, 0, 22],
      "s\0q\0",
      [0, 3, 0, 0, 0, 23, 255, 255, 255, 255, 0, 0, 0, 0],
    ),
  );
  assertEquals(
    written((out) => frontend.writeParse(out, "", "", [])),
    golden("P", [0, 0, 0, 8, 0, 0, 0, 0]),
  );
});

Deno.test("writeBind: golden bytes with text, binary, empty, NULL and a dumper's null", () => {
  assertEquals(
    written((out) =>
      frontend.writeBind(
        out,
        "s",
        [writer(0), writer(1), null, writer(1), writer(0)],
        ["ab", "é", "ignored", undefined, ""],
        [1, 0],
      )
    ),
    golden(
      "B",
      [0, 0, 0, 51, 0],
      "s\0",
      [0, 5, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0],
      [0, 5],
      [0, 0, 0, 2],
      "ab",
      [0, 0, 0, 2, 0xc3, 0xa9],
      [255, 255, 255, 255],
      [255, 255, 255, 255],
      [0, 0, 0, 0],
      [0, 2, 0, 1, 0, 0],
    ),
  );
  assertEquals(
    written((out) => frontend.writeBind(out, "", [], [], 1)),
    golden("B", [0, 0, 0, 14, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]),
  );
  assertEquals(
    written((out) => frontend.writeBind(out, "", [], [], [])),
    golden("B", [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0]),
  );
});

Deno.test("writeBind: a writer that throws is told apart by its place", () => {
  const reason = new Error("no");
  const failing: frontend.ValueWriter = {
    format: 0,
    dump() {
      throw reason;
    },
  };
  const out = new WriteBuffer();
  let thrown: unknown;
  try {
    const writers = [...Array(6).fill(writer(0)), failing, writer(0)];
    frontend.writeBind(out, "", writers, Array(8).fill(1), 0);
  } catch (error) {
    thrown = error;
  }
  assert(thrown instanceof frontend.ParameterFailure);
  assertEquals([thrown.index, thrown.reason], [6, reason]);
});

Deno.test("writeParse, writeBind: 65535 parameters pass, 65536 are refused before a byte", () => {
  const oids = Array(65_535).fill(23);
  const bytes = written((out) => {
    frontend.writeParse(out, "", "q", oids);
    frontend.writeBind(
      out,
      "",
      Array(65_535).fill(writer(0)),
      Array(65_535).fill("1"),
      0,
    );
  });
  const [parse, bind] = readFrontend(bytes);
  assert(parse?.tag === "P" && bind?.tag === "B");
  assertEquals([parse.oids.length, bind.values.length], [65_535, 65_535]);

  const out = new WriteBuffer();
  assertThrows(
    () => frontend.writeParse(out, "", "q", [...oids, 23]),
    ProgrammingError,
    "65536 parameters",
  );
  assertThrows(
    () => frontend.writeBind(out, "", Array(65_536).fill(null), [], 0),
    ProgrammingError,
  );
  assertEquals(out.length, 0);
});

Deno.test("writeDescribe, writeClose: golden bytes of statements and portals", () => {
  assertEquals(
    written((out) => frontend.writeDescribe(out, Target.STATEMENT, "s")),
    golden("D", [0, 0, 0, 7], "Ss\0"),
  );
  assertEquals(
    written((out) => frontend.writeDescribe(out, Target.PORTAL, "")),
    golden("D", [0, 0, 0, 6], "P\0"),
  );
  assertEquals(
    written((out) => frontend.writeClose(out, Target.STATEMENT, "s1")),
    golden("C", [0, 0, 0, 8], "Ss1\0"),
  );
  assertEquals(
    written((out) => frontend.writeClose(out, Target.PORTAL, "")),
    golden("C", [0, 0, 0, 6], "P\0"),
  );
});

Deno.test("writeExecute: golden bytes", () => {
  assertEquals(
    written((out) => frontend.writeExecute(out, 0)),
    golden("E", [0, 0, 0, 9, 0, 0, 0, 0, 0]),
  );
  assertEquals(
    written((out) => frontend.writeExecute(out, 258)),
    golden("E", [0, 0, 0, 9, 0, 0, 0, 1, 2]),
  );
});

Deno.test("writeSync, writeFlush, writeTerminate: golden bytes", () => {
  assertEquals(written(frontend.writeSync), golden("S", [0, 0, 0, 4]));
  assertEquals(written(frontend.writeFlush), golden("H", [0, 0, 0, 4]));
  assertEquals(written(frontend.writeTerminate), golden("X", [0, 0, 0, 4]));
});

Deno.test("writeCopyData, writeCopyDone, writeCopyFail: golden bytes", () => {
  assertEquals(
    written((out) => frontend.writeCopyData(out, Uint8Array.of(0, 255))),
    golden("d", [0, 0, 0, 6, 0, 255]),
  );
  assertEquals(
    written((out) => frontend.writeCopyData(out, new Uint8Array())),
    golden("d", [0, 0, 0, 4]),
  );
  assertEquals(written(frontend.writeCopyDone), golden("c", [0, 0, 0, 4]));
  assertEquals(
    written((out) => frontend.writeCopyFail(out, "no")),
    golden("f", [0, 0, 0, 7], "no\0"),
  );
});

Deno.test("frontend: a NUL or a lone surrogate is refused in every text", () => {
  const writes: ((out: WriteBuffer, text: string) => void)[] = [
    (out, text) => frontend.writeQuery(out, text),
    (out, text) => frontend.writeParse(out, text, "q", []),
    (out, text) => frontend.writeParse(out, "", text, []),
    (out, text) => frontend.writeBind(out, text, [], [], 0),
    (out, text) => frontend.writeBind(out, "", [writer(0)], [text], 0),
    (out, text) => frontend.writeDescribe(out, Target.STATEMENT, text),
    (out, text) => frontend.writeClose(out, Target.STATEMENT, text),
    (out, text) => frontend.writeCopyFail(out, text),
  ];
  for (const write of writes) {
    for (const text of ["a\0b", "a\ud800b"]) {
      let thrown: unknown;
      try {
        write(new WriteBuffer(), text);
      } catch (error) {
        thrown = error instanceof frontend.ParameterFailure
          ? error.reason
          : error;
      }
      assert(thrown instanceof DataError, `${write}`);
    }
  }
});
