import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  checkSession,
  isSessionMismatch,
  judgeSession,
  type ServerState,
  sessionQuestion,
  type TargetSessionAttrs,
} from "../../connection/session_attrs.ts";
import { OperationalError } from "../../errors/base.ts";

const ALL: TargetSessionAttrs[] = [
  "any",
  "read-write",
  "read-only",
  "primary",
  "standby",
  "prefer-standby",
];

/** A server that tells everything by itself. */
function state(readOnly: string, standby: string): ServerState {
  return { defaultTransactionReadOnly: readOnly, inHotStandby: standby };
}

const PRIMARY = state("off", "off");
const READ_ONLY_PRIMARY = state("on", "off");
const STANDBY = state("off", "on");
const SILENT: ServerState = {
  defaultTransactionReadOnly: null,
  inHotStandby: null,
};

function never(): Promise<never> {
  throw new Error("asked");
}

async function accepted(
  server: ServerState,
  ask: (query: string) => Promise<string | null> = never,
): Promise<string[]> {
  const out: string[] = [];
  for (const wanted of ALL) {
    try {
      await checkSession(wanted, server, ask);
      out.push(wanted);
    } catch (error) {
      assert(error instanceof OperationalError);
      assert(isSessionMismatch(error));
    }
  }
  return out;
}

Deno.test("checkSession: what servers since 14 tell is enough", async () => {
  assertEquals(await accepted(PRIMARY), ["any", "read-write", "primary"]);
  assertEquals(await accepted(READ_ONLY_PRIMARY), [
    "any",
    "read-only",
    "primary",
  ]);
  const onStandby = ["any", "read-only", "standby", "prefer-standby"];
  assertEquals(await accepted(STANDBY), onStandby);
  assertEquals(await accepted(state("on", "on")), onStandby);
});

Deno.test("checkSession: older servers and some poolers are asked", async () => {
  const asked: string[] = [];
  const answers = (readOnly: string, recovery: string) => (query: string) => {
    asked.push(query);
    return Promise.resolve(query.startsWith("SHOW") ? readOnly : recovery);
  };
  assertEquals(await accepted(SILENT, answers("off", "f")), [
    "any",
    "read-write",
    "primary",
  ]);
  assertEquals(asked, [
    "SHOW transaction_read_only",
    "SHOW transaction_read_only",
    "SELECT pg_catalog.pg_is_in_recovery()",
    "SELECT pg_catalog.pg_is_in_recovery()",
    "SELECT pg_catalog.pg_is_in_recovery()",
  ]);
  assertEquals(await accepted(SILENT, answers("on", "t")), [
    "any",
    "read-only",
    "standby",
    "prefer-standby",
  ]);
  assertEquals(await accepted(SILENT, answers("on", "f")), [
    "any",
    "read-only",
    "primary",
  ]);
});

Deno.test("sessionQuestion: half of what is needed is not enough", () => {
  const half = { defaultTransactionReadOnly: "off", inHotStandby: null };
  assertEquals(
    sessionQuestion("read-write", half),
    "SHOW transaction_read_only",
  );
  assertEquals(
    judgeSession("read-write", half, "on"),
    "the session is read-only",
  );
  const other = { defaultTransactionReadOnly: null, inHotStandby: "off" };
  assertEquals(
    sessionQuestion("read-only", other),
    "SHOW transaction_read_only",
  );
  assertEquals(sessionQuestion("primary", other), null);
  assertEquals(sessionQuestion("any", SILENT), null);
});

Deno.test("checkSession: the error tells what the session is and what was wanted", async () => {
  const messages: [TargetSessionAttrs, ServerState, string][] = [
    [
      "read-write",
      STANDBY,
      'the session is read-only, and target_session_attrs asks for "read-write"',
    ],
    [
      "read-only",
      PRIMARY,
      'the session is not read-only, and target_session_attrs asks for "read-only"',
    ],
    [
      "primary",
      STANDBY,
      'the server is in hot standby mode, and target_session_attrs asks for "primary"',
    ],
    [
      "standby",
      PRIMARY,
      'the server is not in hot standby mode, and target_session_attrs asks for "standby"',
    ],
  ];
  for (const [wanted, server, message] of messages) {
    await assertRejects(
      () => checkSession(wanted, server, never),
      OperationalError,
      message,
    );
  }
});

Deno.test("checkSession: a server that gives no answer makes room for the next", async () => {
  const cause = new Error("lost");
  for (
    const ask of [() => Promise.reject(cause), () => Promise.resolve(null)]
  ) {
    const error = await assertRejects(
      () => checkSession("primary", SILENT, ask),
      OperationalError,
      "pg_is_in_recovery",
    );
    assert(isSessionMismatch(error));
  }
  assert(!isSessionMismatch(cause));
  assert(!isSessionMismatch(null));
});
