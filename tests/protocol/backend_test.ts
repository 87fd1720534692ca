import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../errors/base.ts";
import * as backend from "../../protocol/backend.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import {
  bytes,
  concat,
  cstring,
  int16,
  int32,
  message,
} from "../support/backend.ts";

/** A message in the middle of a buffer, with bytes around that must not be read. */
function framed(tag: string, ...body: Uint8Array[]): ReadBuffer {
  const buffer = new ReadBuffer();
  buffer.push(concat(
    message("Z", bytes("I")),
    message(tag, ...body),
    message("C", bytes("\0\0\0\0\0\0\0\0")),
  ));
  buffer.nextMessage();
  buffer.nextMessage();
  return buffer;
}

interface Case {
  name: string;
  tag: string;
  read(buffer: ReadBuffer): unknown;
  body: number[] | string;
  expected: unknown;
}

const ROW_DESCRIPTION = "\0\x02" +
  "id\0\0\0\x40\0\0\x01\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0" +
  "\xc3\xa9\0\xff\xff\xff\xff\0\0\xff\xff\xff\xfe\xff\xff\0\0\0\x0e\0\x01";

const CASES: Case[] = [
  {
    name: "RowDescription",
    tag: "T",
    read: backend.readRowDescription,
    body: ROW_DESCRIPTION,
    expected: [
      {
        name: "id",
        tableOid: 16384,
        columnNumber: 1,
        typeOid: 23,
        typeSize: 4,
        typeModifier: -1,
        format: 0,
      },
      {
        name: "é",
        tableOid: 4294967295,
        columnNumber: 0,
        typeOid: 4294967294,
        typeSize: -1,
        typeModifier: 14,
        format: 1,
      },
    ],
  },
  {
    name: "ParameterDescription",
    tag: "t",
    read: backend.readParameterDescription,
    body: [0, 2, 0, 0, 0, 23, 255, 255, 255, 255],
    expected: [23, 4294967295],
  },
  {
    name: "CommandComplete",
    tag: "C",
    read: backend.readCommandComplete,
    body: "SELECT 5\0",
    expected: "SELECT 5",
  },
  {
    name: "NotificationResponse",
    tag: "A",
    read: backend.readNotification,
    body: "\0\0\x01\x02chan\0p\xc3\xa9\0",
    expected: { pid: 258, channel: "chan", payload: "pé" },
  },
  {
    name: "ParameterStatus",
    tag: "S",
    read: backend.readParameterStatus,
    body: "TimeZone\0UTC\0",
    expected: ["TimeZone", "UTC"],
  },
  {
    name: "BackendKeyData",
    tag: "K",
    read: backend.readBackendKeyData,
    body: [0, 0, 1, 0, 1, 2, 3, 255],
    expected: { processId: 256, secretKey: Uint8Array.of(1, 2, 3, 255) },
  },
  {
    name: "ReadyForQuery",
    tag: "Z",
    read: backend.readReadyForQuery,
    body: "T",
    expected: 0x54,
  },
  {
    name: "CopyInResponse",
    tag: "G",
    read: backend.readCopyResponse,
    body: [1, 0, 2, 0, 1, 0, 0],
    expected: { format: 1, columns: [1, 0] },
  },
  {
    name: "NegotiateProtocolVersion",
    tag: "v",
    read: backend.readNegotiateProtocolVersion,
    body: "\0\x03\0\0\0\0\0\x02_pq_.a\0_pq_.b\0",
    expected: { version: 0x30000, unknownOptions: ["_pq_.a", "_pq_.b"] },
  },
  {
    name: "ErrorResponse",
    tag: "E",
    read: (buffer) => backend.readDiagnostic(buffer).toJSON(),
    body: "SFEHLER\0VERROR\0C42601\0Mm\xc3\xa9\0P7\0\0",
    expected: {
      severity: "FEHLER",
      severityNonlocalized: "ERROR",
      sqlstate: "42601",
      messagePrimary: "mé",
      statementPosition: "7",
    },
  },
];

function contentOf({ body }: Case): Uint8Array {
  return typeof body === "string"
    ? Uint8Array.from(body, (char) => char.charCodeAt(0))
    : Uint8Array.from(body);
}

for (const one of CASES) {
  const content = contentOf(one);
  Deno.test(`${one.name}: golden bytes, read to the end`, () => {
    const buffer = framed(one.tag, content);
    assertEquals(one.read(buffer), one.expected);
    assertEquals(buffer.left, 0);
  });

  Deno.test(`${one.name}: cut at any length, or a byte too long, is a ProtocolError`, () => {
    for (let length = 0; length < content.length; length++) {
      const buffer = framed(one.tag, content.subarray(0, length));
      assertThrows(() => one.read(buffer), ProtocolError, "Cannot read");
    }
    if (one.name === "BackendKeyData") return; // its key has any length
    const buffer = framed(one.tag, content, Uint8Array.of(0));
    assertThrows(() => one.read(buffer), ProtocolError, "Cannot read");
  });
}

Deno.test("A11 backend: negative and hostile counts in T, t, D, G, H and v", () => {
  const tail = new Uint8Array(64);
  for (const count of [-1, -2, -32768, 32767]) {
    for (const body of [[int16(count)], [int16(count), tail]]) {
      assertThrows(
        () => backend.readRowDescription(framed("T", ...body)),
        ProtocolError,
        `${count} columns`,
      );
      assertThrows(
        () => backend.readParameterDescription(framed("t", ...body)),
        ProtocolError,
        `${count & 0xffff} parameters`,
      );
      for (const tag of ["G", "H", "W"]) {
        assertThrows(
          () =>
            backend.readCopyResponse(framed(tag, Uint8Array.of(0), ...body)),
          ProtocolError,
          `${count} columns`,
        );
      }
    }
  }
  for (const count of [-1, -2147483648, 2147483647, 65]) {
    assertThrows(
      () =>
        backend.readNegotiateProtocolVersion(
          framed("v", int32(0x30000), int32(count), tail),
        ),
      ProtocolError,
      `${count} options`,
    );
  }
  assertEquals(backend.readRowDescription(framed("T", int16(0))), []);
  assertEquals(backend.readParameterDescription(framed("t", int16(0))), []);
});

Deno.test("readParameterDescription: 65535 parameters are no negative number", () => {
  const oids = backend.readParameterDescription(
    framed("t", int16(65_535), new Uint8Array(4 * 65_535).fill(1)),
  );
  assertEquals(oids.length, 65_535);
  assertEquals(oids[65_534], 0x01010101);
});

Deno.test("readRowDescription, readCopyResponse: a format other than 0 and 1", () => {
  const column = concat(cstring("n"), new Uint8Array(16));
  for (const format of [2, -1, 256]) {
    assertThrows(
      () =>
        backend.readRowDescription(
          framed("T", int16(1), column, int16(format)),
        ),
      ProtocolError,
      `format ${format}`,
    );
    assertThrows(
      () =>
        backend.readCopyResponse(
          framed("G", Uint8Array.of(0), int16(1), int16(format)),
        ),
      ProtocolError,
      `format ${format}`,
    );
  }
  assertThrows(
    () => backend.readCopyResponse(framed("G", Uint8Array.of(2), int16(0))),
    ProtocolError,
    "format 2",
  );
});

Deno.test("A10 readDiagnostic: repeated and unknown fields, and a missing terminator", () => {
  for (const tag of ["E", "N"]) {
    const fields = [
      "SERROR",
      "C42601",
      "Mfirst",
      "Mstill not a schema",
      "?unknown",
      "\x01control",
      "Ddetail",
      "Csecond",
    ].map(cstring);
    const buffer = framed(tag, ...fields, Uint8Array.of(0));
    const diag = backend.readDiagnostic(buffer);
    assertEquals(diag.toJSON(), {
      severity: "ERROR",
      sqlstate: "42601",
      messagePrimary: "first",
    });
    assertEquals(diag.messageDetail, "detail");
    assertEquals(diag.schemaName, null);
    assertThrows(
      () => backend.readDiagnostic(framed(tag, ...fields)),
      ProtocolError,
      "ends too early",
    );
    assertThrows(
      () => backend.readDiagnostic(framed(tag, bytes("Mno end"))),
      ProtocolError,
      "no end",
    );
    assertThrows(() => backend.readDiagnostic(framed(tag)), ProtocolError);
    assertEquals(
      backend.readDiagnostic(framed(tag, Uint8Array.of(0))).toJSON(),
      {},
    );
  }
});

Deno.test("readDiagnostic: bytes that are not UTF-8 do not hide the SQLSTATE", () => {
  const diag = backend.readDiagnostic(framed(
    "E",
    cstring("C28000"),
    bytes("M"),
    Uint8Array.of(0x72, 0xf4, 0x6c, 0x65, 0),
    Uint8Array.of(0),
  ));
  assertEquals(diag.sqlstate, "28000");
  assertEquals(diag.messagePrimary, "r\uFFFDle");
});

Deno.test("A15 readReadyForQuery: a status other than I, T and E", () => {
  for (const status of ["I", "T", "E"]) {
    assertEquals(
      backend.readReadyForQuery(framed("Z", bytes(status))),
      status.charCodeAt(0),
    );
  }
  for (const status of ["i", "X", "\0", "\x7f"]) {
    assertThrows(
      () => backend.readReadyForQuery(framed("Z", bytes(status))),
      ProtocolError,
      "no transaction status",
    );
  }
});

Deno.test("readBackendKeyData: keys of 4 to 256 bytes", () => {
  for (const length of [4, 32, 256]) {
    const key = new Uint8Array(length).fill(3);
    const buffer = framed("K", int32(-1), key);
    const { processId, secretKey } = backend.readBackendKeyData(buffer);
    assertEquals([processId, secretKey], [-1, key]);
    buffer.bytes.fill(9); // the key must not alias the buffer
    assertEquals(secretKey, key);
  }
  for (const length of [0, 3, 257]) {
    const buffer = framed("K", int32(1), new Uint8Array(length));
    assertThrows(
      () => backend.readBackendKeyData(buffer),
      ProtocolError,
      `${length} bytes`,
    );
  }
});
