import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  changePasswordSql,
  encryptPassword,
  passwordAlgorithm,
} from "../../connection/passwords.ts";
import { DataError, ProgrammingError } from "../../errors/base.ts";
import { scramVerifier } from "../../protocol/auth_scram.ts";

Deno.test("LP-01 encryptPassword: MD5 of the password and the role", async () => {
  assertEquals(
    await encryptPassword("psycopg2", "ashesh", "md5"),
    "md594839d658c28a357126f105b9cb14cfc",
  );
});

Deno.test("encryptPassword: a SCRAM verifier with a salt of its own", async () => {
  const one = await encryptPassword("pencil", "ann", "scram-sha-256");
  const two = await encryptPassword("pencil", "ann", "scram-sha-256");
  assertNotEquals(one, two);
  const form =
    /^SCRAM-SHA-256\$4096:([A-Za-z0-9+/]{22}==)\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/;
  const [, salt = ""] = form.exec(one) ?? [];
  assertEquals(
    one,
    await scramVerifier("pencil", Uint8Array.fromBase64(salt), 4096),
  );
  assertMatch(two, form);
});

Deno.test("encryptPassword: the iterations are those that are given", async () => {
  const salt = new Uint8Array(16);
  const options = { salt, iterations: 7 };
  assertEquals(
    await encryptPassword("p", "u", "scram-sha-256", options),
    await scramVerifier("p", salt, 7),
  );
  for (const iterations of [0, -1, 1.5, NaN, 2 ** 31]) {
    await assertRejects(
      () => encryptPassword("p", "u", "scram-sha-256", { iterations }),
      ProgrammingError,
      "iterations",
    );
  }
});

Deno.test("encryptPassword: what is no password is refused, untold", async () => {
  for (const algorithm of ["md5", "scram-sha-256"] as const) {
    for (const password of ["hunter2\0", "hunter2\ud800"]) {
      const error = await assertRejects(
        () => encryptPassword(password, "u", algorithm),
        DataError,
      );
      assert(!error.message.includes("hunter2"));
    }
    await assertRejects(
      () => encryptPassword(null as unknown as string, "u", algorithm),
      ProgrammingError,
      "string",
    );
  }
});

Deno.test("passwordAlgorithm: the values of password_encryption, and no others", async () => {
  assertEquals(passwordAlgorithm("scram-sha-256"), "scram-sha-256");
  for (const name of ["md5", "on", "off"]) {
    assertEquals(passwordAlgorithm(name), "md5");
  }
  assertThrows(() => passwordAlgorithm("sha1"), ProgrammingError, '"md5"');
  await assertRejects(
    () => encryptPassword("p", "u", "sha1" as "md5"),
    ProgrammingError,
    "unknown algorithm",
  );
});

Deno.test("changePasswordSql: names the role and the verifier, never the password", async () => {
  const md5 = await encryptPassword("psycopg2", "ashesh", "md5");
  assertEquals(
    changePasswordSql('a"b', md5),
    `ALTER USER "a""b" PASSWORD 'md594839d658c28a357126f105b9cb14cfc'`,
  );
  const scram = await encryptPassword("pencil", "ann", "scram-sha-256");
  assertEquals(
    changePasswordSql("ann", scram),
    `ALTER USER "ann" PASSWORD '${scram}'`,
  );
  for (const password of ["hunter2", "", "md5", "md5hunter2"]) {
    const error = assertThrows(
      () => changePasswordSql("u", password),
      ProgrammingError,
      "encryptPassword",
    );
    assert(!error.message.includes("hunter2"));
  }
});
