import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  attemptErrors,
  type AttemptProgress,
  tryInOrder,
} from "../../connection/attempt_runner.ts";
import {
  type Attempt,
  type AttemptPlan,
  connectionAttempts,
} from "../../connection/attempts.ts";
import { conninfoToDict } from "../../connection/conninfo.ts";
import { resolveParameters } from "../../connection/options.ts";
import { checkSession } from "../../connection/session_attrs.ts";
import { lookupAddresses } from "../../connection/transport_dns.ts";
import {
  ConnectionTimeout,
  InterfaceError,
  OperationalError,
  PgError,
  ProgrammingError,
  ProtocolError,
} from "../../errors/base.ts";
import { Diagnostic } from "../../errors/diagnostic.ts";
import { errorFromDiagnostic } from "../../errors/from_response.ts";
import { CannotConnectNow, InvalidPassword } from "../../errors/sqlstate.ts";
import { withEnvironment } from "./environment.ts";

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "foo.com": ["10.0.0.1"],
  "bar.com": ["10.0.0.2"],
  "two.com": ["fe80::1", "10.0.0.3"],
  "many.com": Array.from({ length: 20 }, (_, index) => `10.0.1.${index}`),
  "covered.com": ["covered.com"],
};

/** A plan, and the names that were looked up for it. */
async function plan(
  conninfo: string,
  random?: () => number,
): Promise<AttemptPlan & { names: string[]; lines: string[] }> {
  const names: string[] = [];
  const resolve = (host: string) => {
    names.push(host);
    const found = ADDRESSES[host];
    return found === undefined
      ? Promise.reject(new OperationalError(`Cannot look up "${host}"`))
      : Promise.resolve(found);
  };
  const made = await connectionAttempts(conninfoToDict(conninfo), {
    resolve,
    random,
  });
  return { ...made, names, lines: made.attempts.map(lineOf) };
}

function lineOf({ host, hostaddr, port }: Attempt): string {
  return `${host}|${hostaddr ?? "-"}|${port}`;
}

/** Numbers that look random and are always the same. */
function fixedRandom(): () => number {
  let seed = 1;
  return () => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647;
  };
}

type Step = (
  attempt: Attempt,
  progress: AttemptProgress,
) => unknown;

/** Tries the attempts of a connection string; each step is one attempt. */
async function run(
  conninfo: string,
  steps: readonly Step[],
  signal?: AbortSignal,
): Promise<{ tried: string[]; result: unknown; error: unknown }> {
  const { attempts, unresolved } = await plan(conninfo);
  const tried: string[] = [];
  let result: unknown;
  let error: unknown;
  try {
    result = await tryInOrder(
      { attempts, unresolved },
      async (attempt, progress) => {
        const step = steps[tried.length];
        tried.push(lineOf(attempt));
        await Promise.resolve();
        return step?.(attempt, progress) ?? attempt.host;
      },
      { signal },
    );
  } catch (caught) {
    error = caught;
  }
  return { tried, result, error };
}

function fail(error: unknown): never {
  throw error;
}

const refuse: Step = ({ hostaddr, port }) =>
  fail(
    new OperationalError(`Cannot connect to "${hostaddr}:${port}": refused`),
  );

const timeOut: Step = (_attempt, { answered }) => {
  answered();
  fail(new ConnectionTimeout("Cannot connect: no answer"));
};

function serverSays(code: string, message: string): Step {
  return (_attempt, { answered }) => {
    answered();
    fail(errorFromDiagnostic(diagnostic(code, message)));
  };
}

function diagnostic(code: string, message: string): Diagnostic {
  return new Diagnostic({ S: "FATAL", V: "FATAL", C: code, M: message });
}

const standby: Step = (attempt) =>
  checkSession(
    attempt.targetSessionAttrs,
    { defaultTransactionReadOnly: "off", inHotStandby: "off" },
    () => fail(new Error("asked")),
  );

Deno.test("AT-01 connectionAttempts: an empty host is one attempt, nothing is looked up", async () => {
  const { attempts, names, lines } = await plan("host='' user=bar");
  assertEquals(names, []);
  assertEquals(lines, ["localhost|-|5432"]);
  assertEquals(attempts[0]?.targetSessionAttrs, "any");
  assertEquals((await plan("user=bar")).lines, ["localhost|-|5432"]);
});

Deno.test("AT-03 connectionAttempts: two addresses are two attempts in order", async () => {
  const { lines, names } = await plan("host=1.1.1.1,2.2.2.2");
  assertEquals(lines, ["1.1.1.1|1.1.1.1|5432", "2.2.2.2|2.2.2.2|5432"]);
  assertEquals(names, []);
});

Deno.test("AT-05 connectionAttempts: an empty port in a list is the default", async () => {
  const { lines } = await plan("host=1.1.1.1,2.2.2.2 port='5432,'");
  assertEquals(lines, ["1.1.1.1|1.1.1.1|5432", "2.2.2.2|2.2.2.2|5432"]);
  const { lines: other } = await plan("host=1.1.1.1,2.2.2.2 port='5433,'");
  assertEquals(other, ["1.1.1.1|1.1.1.1|5433", "2.2.2.2|2.2.2.2|5432"]);
});

Deno.test("AT-07 connectionAttempts: lists that do not fit together are an error", async () => {
  for (
    const conninfo of [
      "host=foo.com port=1,2",
      "host=a,b,c port=1,2",
      "port=1,2",
      "host=a,b hostaddr=1.1.1.1",
      "host=a hostaddr=1.1.1.1,2.2.2.2",
      "hostaddr=1.1.1.1 port=1,2",
    ]
  ) {
    await assertRejects(() => plan(conninfo), ProgrammingError, "match");
  }
  await assertRejects(
    () => plan("host=a,b port=1,x"),
    ProgrammingError,
    "port",
  );
});

Deno.test("AT-09 connectionAttempts: with an address the name is not looked up", async () => {
  const { parameters } = withEnvironment(
    { PGHOSTADDR: "1.1.1.1" },
    () => resolveParameters("host=foo.com", { user: "u" }, new Set()),
  );
  const resolve = () => fail(new Error("looked up"));
  const { attempts } = await connectionAttempts(parameters, { resolve });
  assertEquals(attempts.map(lineOf), ["foo.com|1.1.1.1|5432"]);
});

Deno.test("AT-11 connectionAttempts: names that are not known are left out", async () => {
  const { lines, unresolved } = await plan("host=foo.com,nosuchhost.com");
  assertEquals(lines, ["foo.com|10.0.0.1|5432"]);
  assertEquals(unresolved.length, 1);
  for (
    const conninfo of ["host=foo.com,nosuch.com", "host=nosuch.com,foo.com"]
  ) {
    const { result, error } = await run(conninfo, []);
    assertEquals(result, "foo.com");
    assertEquals(error, undefined);
  }
});

Deno.test("AT-13 tryInOrder: only names that are not known are an error that names them", async () => {
  const { error, tried } = await run("host=bad1.com,bad2.com", []);
  assertInstanceOf(error, OperationalError);
  assertStringIncludes(error.message, "bad1.com");
  assertStringIncludes(error.message, "bad2.com");
  assertEquals(attemptErrors(error).map(({ host }) => host), [
    "bad1.com",
    "bad2.com",
  ]);
  assertEquals(tried, []);
});

Deno.test("AT-15 connectionAttempts: prefer-standby goes over the hosts twice", async () => {
  const { attempts } = await plan(
    "host=foo.com,bar.com target_session_attrs=prefer-standby",
  );
  assertEquals(
    attempts.map(({ host, targetSessionAttrs }) => [host, targetSessionAttrs]),
    [
      ["foo.com", "standby"],
      ["bar.com", "standby"],
      ["foo.com", "any"],
      ["bar.com", "any"],
    ],
  );
});

Deno.test("AT-19 connectionAttempts: random order of the addresses of a name", async () => {
  const conninfo = "host=many.com load_balance_hosts=random";
  const given = ADDRESSES["many.com"] ?? [];
  const addresses = async (text: string, random?: () => number) =>
    (await plan(text, random)).attempts.map(({ hostaddr }) => hostaddr);
  assertEquals(await addresses("host=many.com"), [...given]);
  const shuffled = await addresses(conninfo);
  assertNotEquals(shuffled, [...given]);
  assertEquals([...shuffled].sort(), [...given].sort());
  const fixed = await addresses(conninfo, fixedRandom());
  assertEquals(fixed, await addresses(conninfo, fixedRandom()));
  assertNotEquals(fixed, [...given]);
});

Deno.test("connectionAttempts: random order is even, and of hosts too", async () => {
  const random = fixedRandom();
  const counts = new Map<string, number>();
  const rounds = 6000;
  for (let round = 0; round < rounds; round++) {
    const { attempts } = await plan(
      "host=1.1.1.1,2.2.2.2,3.3.3.3 port=1,2,3 load_balance_hosts=random",
      random,
    );
    // What belongs to a host stays with it.
    for (const { host, port } of attempts) {
      assertEquals(host.startsWith(String(port)), true);
    }
    const key = attempts.map(({ port }) => port).join("");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  assertEquals(counts.size, 6);
  for (const count of counts.values()) {
    assert(Math.abs(count - rounds / 6) < rounds / 30, `${count}`);
  }
});

Deno.test("connectionAttempts: all addresses of a name, before the next host", async () => {
  const { lines, names } = await plan("host=two.com,foo.com port=1,2");
  assertEquals(lines, [
    "two.com|fe80::1|1",
    "two.com|10.0.0.3|1",
    "foo.com|10.0.0.1|2",
  ]);
  assertEquals(names, ["two.com", "foo.com"]);
});

Deno.test("connectionAttempts: sockets, addresses and gaps in lists need no look-up", async () => {
  const { lines, names } = await plan(
    "host=/run/a,@abstract,::1,,name hostaddr=',,,,9.9.9.9' port=5433",
  );
  assertEquals(lines, [
    "/run/a|-|5433",
    "@abstract|-|5433",
    "::1|::1|5433",
    "localhost|-|5433",
    "name|9.9.9.9|5433",
  ]);
  assertEquals(names, []);
  assertEquals((await plan("hostaddr=1.1.1.1,::1")).lines, [
    "|1.1.1.1|5432",
    "|::1|5432",
  ]);
});

Deno.test("connectionAttempts: a name that is its own address is left to the dialler", async () => {
  assertEquals((await plan("host=covered.com")).lines, ["covered.com|-|5432"]);
});

Deno.test("AT-21 tryInOrder: one attempt that fails is its own error", async () => {
  for (
    const conninfo of [
      "host=foo.com",
      "host=foo.com target_session_attrs=prefer-standby",
    ]
  ) {
    const { error } = await run(conninfo, [refuse, refuse]);
    assertInstanceOf(error, OperationalError);
    assertEquals(error.message, 'Cannot connect to "10.0.0.1:5432": refused');
    assertEquals(attemptErrors(error), []);
    assert(!("errors" in error));
  }
});

Deno.test("tryInOrder: the first that succeeds ends it", async () => {
  const { tried, result } = await run("host=foo.com,bar.com,two.com", [
    refuse,
    () => "open",
  ]);
  assertEquals(result, "open");
  assertEquals(tried, ["foo.com|10.0.0.1|5432", "bar.com|10.0.0.2|5432"]);
});

Deno.test("tryInOrder: refused, timeout, wrong role and wrong password in turn", async () => {
  const { error, tried } = await run(
    "host=two.com,foo.com,bar.com,1.1.1.1,2.2.2.2 target_session_attrs=standby",
    [
      refuse,
      timeOut,
      standby,
      timeOut,
      serverSays("28P01", 'password authentication failed for user "u"'),
    ],
  );
  // As in libpq, a wrong password leaves the last host untried.
  assertEquals(tried.length, 5);
  assertInstanceOf(error, InvalidPassword);
  assertEquals(error.sqlstate, "28P01");
  assertEquals(error.diag.sqlstate, "28P01");
  assertEquals(error.connectionUsable, false);
  const lines = error.message.split("\n");
  assertEquals(lines.length, 6);
  assertStringIncludes(lines[0] ?? "", "5 attempts failed");
  assertStringIncludes(lines[0] ?? "", "no other is made");
  assertEquals(
    lines[1],
    '- "two.com" (fe80::1), port 5432: Cannot connect to "fe80::1:5432": refused',
  );
  assertStringIncludes(lines[2] ?? "", "10.0.0.3");
  assertStringIncludes(lines[2] ?? "", "no answer");
  assertStringIncludes(lines[3] ?? "", "standby");
  assertStringIncludes(lines[5] ?? "", '- "1.1.1.1", port 5432: ');
  assertStringIncludes(lines[5] ?? "", "password authentication failed");
  const errors = attemptErrors(error);
  assertEquals(
    errors.map(({ host, hostaddr, port }) => [host, hostaddr, port]),
    [
      ["two.com", "fe80::1", 5432],
      ["two.com", "10.0.0.3", 5432],
      ["foo.com", "10.0.0.1", 5432],
      ["bar.com", "10.0.0.2", 5432],
      ["1.1.1.1", "1.1.1.1", 5432],
    ],
  );
  assertEquals((error as PgError & { errors: unknown }).errors, errors);
  assertStringIncludes(errors[0]?.reason ?? "", "refused");
  assert(error.cause === errors[4]?.error);
});

Deno.test("tryInOrder: a server that cannot take sessions now makes room for the next host", async () => {
  const starting = serverSays("57P03", "the database system is starting up");
  const { result, tried } = await run("host=two.com,foo.com", [starting]);
  assertEquals(result, "foo.com");
  // Not for another address of the same host.
  assertEquals(tried, ["two.com|fe80::1|5432", "foo.com|10.0.0.1|5432"]);
  const { error } = await run("host=foo.com,bar.com", [starting, starting]);
  assertInstanceOf(error, CannotConnectNow);
  assertEquals(error.sqlstate, "57P03");
});

Deno.test("tryInOrder: whatever else a server says decides for all", async () => {
  for (const code of ["28P01", "28000", "3D000", "53300"]) {
    const { error, tried } = await run("host=two.com,foo.com", [
      serverSays(code, "no"),
    ]);
    assertEquals(tried.length, 1);
    assertInstanceOf(error, PgError);
    assertEquals(error.sqlstate, code);
    assert(!error.message.includes("attempts"));
  }
});

Deno.test("tryInOrder: a failure after the server has answered decides, before it does not", async () => {
  const refused = () => fail(new OperationalError("Cannot trust the server"));
  const after: Step = (_attempt, { answered }) => (answered(), refused());
  assertEquals((await run("host=two.com,foo.com", [after])).tried.length, 1);
  assertEquals((await run("host=two.com,foo.com", [refused])).tried.length, 2);
  const missing = () => fail(new InterfaceError("a permission is missing"));
  assertEquals((await run("host=two.com,foo.com", [missing])).tried.length, 2);
  for (const ErrorClass of [ProtocolError, ProgrammingError]) {
    const wrong = () => fail(new ErrorClass("wrong"));
    const { tried, error } = await run("host=two.com,foo.com", [wrong]);
    assertEquals(tried.length, 1);
    assertInstanceOf(error, ErrorClass);
  }
  const { tried, error } = await run("host=two.com,foo.com", [
    refuse,
    () => fail(new ProgrammingError("wrong")),
    refuse,
  ]);
  assertEquals(tried.length, 2);
  assertInstanceOf(error, ProgrammingError);
  assertEquals(attemptErrors(error).length, 2);
});

Deno.test("tryInOrder: the class is that of all failures, else general", async () => {
  const timeouts = await run("host=foo.com,bar.com", [timeOut, timeOut]);
  assertInstanceOf(timeouts.error, ConnectionTimeout);
  const mixed = await run("host=foo.com,bar.com", [timeOut, refuse]);
  assertInstanceOf(mixed.error, OperationalError);
  assert(!(mixed.error instanceof ConnectionTimeout));
  assertEquals(mixed.error.sqlstate, null);
  assertStringIncludes(mixed.error.message, "all 2 attempts failed");
  // The server's own word comes last where localhost has two addresses.
  const last = await run("host=two.com", [refuse, serverSays("28P01", "no")]);
  assertInstanceOf(last.error, InvalidPassword);
});

Deno.test("tryInOrder: prefer-standby takes the first server where none is a standby", async () => {
  const { tried, result } = await run(
    "host=two.com,foo.com target_session_attrs=prefer-standby",
    [standby, standby],
  );
  assertEquals(result, "two.com");
  assertEquals(tried, [
    "two.com|fe80::1|5432",
    "foo.com|10.0.0.1|5432",
    "two.com|fe80::1|5432",
  ]);
});

Deno.test("tryInOrder: hosts that could not be looked up are among the failures", async () => {
  const { error } = await run("host=bad.com,foo.com", [refuse]);
  assertInstanceOf(error, OperationalError);
  assertEquals(
    attemptErrors(error).map(({ host, hostaddr }) => [host, hostaddr]),
    [
      ["bad.com", null],
      ["foo.com", "10.0.0.1"],
    ],
  );
});

Deno.test("tryInOrder: an abort ends the attempts with its reason", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = () => {
    controller.abort(reason);
    fail(new OperationalError("Cannot connect: aborted"));
  };
  const { error, tried } = await run("host=foo.com,bar.com", [aborted], signal);
  assert(error === reason);
  assertEquals(tried.length, 1);
  const late = await run("host=foo.com", [], signal);
  assert(late.error === reason);
  assertEquals(late.tried, []);
  const none = await run("host=bad.com", [], signal);
  assert(none.error === reason);
});

Deno.test("tryInOrder: a fault in the code is not hidden among the hosts", async () => {
  const fault = new TypeError("fault");
  const { error, tried } = await run("host=foo.com,bar.com", [
    () => fail(fault),
  ]);
  assert(error === fault);
  assertEquals(tried.length, 1);
});

Deno.test("tryInOrder: a message of several lines becomes one", async () => {
  const { error } = await run("host=foo.com,bar.com", [
    refuse,
    serverSays("28000", "first\nsecond"),
  ]);
  assertInstanceOf(error, OperationalError);
  assertEquals(error.message.split("\n").length, 3);
  assertStringIncludes(error.message, "first second");
});

Deno.test("lookupAddresses: the addresses of a name, or an error that names it", async () => {
  const found = await lookupAddresses("localhost", 5432);
  assert(found.length > 0);
  for (const address of found) assert(/^(127\.|::1$)/.test(address), address);
  await assertRejects(
    () => lookupAddresses("nosuch.invalid", 5432),
    OperationalError,
    '"nosuch.invalid"',
  );
});

Deno.test({
  name:
    "lookupAddresses: the name itself where only the name is granted, port included",
  permissions: { net: ["localhost:5432"] },
  async fn() {
    assertEquals(await lookupAddresses("localhost", 5432), ["localhost"]);
    assertEquals(await lookupAddresses("nosuch.invalid", 5432), [
      "nosuch.invalid",
    ]);
  },
});

Deno.test({
  name: "lookupAddresses: the name itself where its addresses are not granted",
  permissions: { net: ["localhost"] },
  async fn() {
    assertEquals(await lookupAddresses("localhost", 5432), ["localhost"]);
  },
});

Deno.test("lookupAddresses: an abort ends the wait", async () => {
  const reason = new Error("enough");
  const lookup = lookupAddresses("localhost", 5432, AbortSignal.abort(reason));
  assert(await lookup.catch((error) => error) === reason);
});
