import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  listsCleartext,
  parseRequireAuth,
} from "../../connection/require_auth.ts";
import { ProgrammingError } from "../../errors/base.ts";
import type { AuthMethodName } from "../../protocol/auth.ts";

const ALL: AuthMethodName[] = [
  "password",
  "md5",
  "gss",
  "sspi",
  "scram-sha-256",
  "oauth",
  "none",
];

function allowed(value: string): string[] | null {
  const methods = parseRequireAuth(value);
  return methods && [...methods].sort();
}

function allBut(...methods: string[]): string[] {
  return ALL.filter((one) => !methods.includes(one)).sort();
}

function invalid(value: string, about: string): void {
  assertThrows(() => parseRequireAuth(value), ProgrammingError, about);
}

Deno.test("D8 parseRequireAuth: lists, negation, duplicates, mixing and none", () => {
  assertEquals(allowed(""), null);
  for (const method of ALL) {
    assertEquals(allowed(method), [method]);
    assertEquals(allowed(`!${method}`), allBut(method));
    invalid(`${method},${method}`, "more than once");
    invalid(`!${method},!${method}`, "more than once");
    invalid(`${method},!password`, '"!"');
    invalid(`!${method},password`, '"!"');
  }
  assertEquals(allowed("md5,scram-sha-256"), ["md5", "scram-sha-256"]);
  assertEquals(allowed("scram-sha-256,md5"), ["md5", "scram-sha-256"]);
  assertEquals(allowed("scram-sha-256,none"), ["none", "scram-sha-256"]);
  assertEquals(allowed("none"), ["none"]);
  assertEquals(allowed("!none"), allBut("none"));
  assertEquals(allowed("!password,!md5"), allBut("password", "md5"));
  assertEquals(allowed("!gss,!sspi"), allBut("gss", "sspi"));
  assertEquals(allowed(ALL.join(",")), [...ALL].sort());
  assertEquals(allowed(ALL.map((one) => `!${one}`).join(",")), []);
  invalid("bogus", "invalid method");
  invalid("!bogus", "invalid method");
  invalid("md5,md5", '"md5" is given more than once');
  invalid("none,md5,none", '"none" is given more than once');
  invalid("md5,", "invalid method");
  invalid(",", "invalid method");
  invalid("!", "invalid method");
  invalid("!!md5", "invalid method");
  invalid("MD5", "invalid method");
  // libpq takes no spaces.
  invalid(" scram-sha-256 , md5 ", "invalid method");
});

Deno.test("parseRequireAuth: the message names the parameter and not what was given", () => {
  for (const value of ["hunter2", "!hunter2", "md5,!hunter2", "!md5,hunter2"]) {
    const error = assertThrows(
      () => parseRequireAuth(value, "the option"),
      ProgrammingError,
      "Cannot use the option: ",
    );
    assert(!error.message.includes("hunter2"));
  }
});

Deno.test("listsCleartext: only a method that is listed counts", () => {
  assert(listsCleartext("password"));
  assert(listsCleartext("md5,password"));
  assert(!listsCleartext(""));
  assert(!listsCleartext("!md5"));
  assert(!listsCleartext("!password"));
  assert(!listsCleartext("md5"));
});
