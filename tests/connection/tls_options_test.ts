import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { planTls } from "../../connection/tls_options.ts";
import { NotSupportedError, ProgrammingError } from "../../errors/base.ts";

Deno.test("planTls: what each sslmode tries, and in which order", () => {
  const steps = (sslmode?: string) => {
    const plan = planTls(sslmode === undefined ? {} : { sslmode });
    return [plan.mode, plan.steps.join(), plan.plainAfterFailure];
  };
  assertEquals(steps("disable"), ["disable", "plain", false]);
  assertEquals(steps("allow"), ["allow", "plain,tls", false]);
  assertEquals(steps("prefer"), ["prefer", "tls,plain", true]);
  assertEquals(steps("require"), ["require", "tls", false]);
  assertEquals(steps("verify-ca"), ["verify-ca", "tls", false]);
  assertEquals(steps("verify-full"), ["verify-full", "tls", false]);
  // Nobody has asked to fall back, so a handshake that fails is an error.
  assertEquals(steps(), ["prefer", "tls,plain", false]);
  assertEquals(
    planTls({ sslmode: "verify-full" }, { unixSocket: true }).steps,
    ["plain"],
  );
  const error = assertThrows(
    () => planTls({ sslmode: "hunter2" }),
    ProgrammingError,
  );
  assertEquals(error.message.includes("hunter2"), false);
});

Deno.test("planTls: sslrootcert=system makes it verify-full and takes nothing weaker", () => {
  assertEquals(planTls({ sslrootcert: "system" }).mode, "verify-full");
  assertEquals(
    planTls({ sslrootcert: "system", sslmode: "verify-full" }).mode,
    "verify-full",
  );
  for (
    const sslmode of ["disable", "allow", "prefer", "require", "verify-ca"]
  ) {
    const error = assertThrows(
      () => planTls({ sslrootcert: "system", sslmode }),
      ProgrammingError,
    );
    assertStringIncludes(error.message, `"${sslmode}": it is too weak`);
  }
});

Deno.test("C9 planTls: sslnegotiation=direct with sslmode=prefer or allow is an error", () => {
  for (const sslmode of ["prefer", "allow", ""]) {
    const error = assertThrows(
      () => planTls({ sslnegotiation: "direct", sslmode }),
      ProgrammingError,
    );
    assertStringIncludes(error.message, "too weak for sslnegotiation=direct");
  }
  for (const sslmode of ["require", "verify-ca", "verify-full"]) {
    assert(planTls({ sslnegotiation: "direct", sslmode }).direct);
  }
  assert(!planTls({ sslnegotiation: "postgres", sslmode: "require" }).direct);
  assertThrows(
    () => planTls({ sslnegotiation: "x", sslmode: "require" }),
    ProgrammingError,
  );
});

Deno.test("planTls: versions, SNI, and what no runtime does", () => {
  const versions = (min: string, max: string) => {
    const plan = planTls({
      sslmode: "require",
      ssl_min_protocol_version: min,
      ssl_max_protocol_version: max,
    });
    return `${plan.minVersion} ${plan.maxVersion}`;
  };
  assertEquals(versions("", ""), "TLSv1.2 TLSv1.3");
  assertEquals(versions("TLSv1", "tlsv1.2"), "TLSv1.2 TLSv1.2");
  assertEquals(versions("tlsV1.3", "TLSv1.3"), "TLSv1.3 TLSv1.3");
  for (const old of ["TLSv1", "TLSv1.1"]) {
    assertThrows(() => versions("", old), NotSupportedError);
  }
  assertEquals(
    ["1", "10", "", "0", "yes"].map((sslsni) => planTls({ sslsni }).sni),
    [true, true, true, false, false],
  );
  const refused = {
    sslcertmode: "require",
    sslkeylogfile: "/tmp/keys",
    sslkey: "engine:pkcs11",
  };
  for (const [keyword, value] of Object.entries(refused)) {
    assertThrows(
      () => planTls({ [keyword]: value }),
      NotSupportedError,
      `"${keyword}"`,
    );
    // Where TLS is ruled out it asks for nothing.
    planTls({ [keyword]: value, sslmode: "disable" });
    planTls({ [keyword]: value }, { unixSocket: true });
  }
});
