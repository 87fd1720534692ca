import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type Certificate,
  readCertificate,
} from "../../connection/tls_certificate.ts";
import { findRevoked, readRevocationLists } from "../../connection/tls_crl.ts";
import { DerError, readPem } from "../../connection/tls_der.ts";
import { test } from "../support/tls_server.ts";
import { certificates } from "../support/certificates.ts";

const files = await certificates();

function certificate(name: string): Certificate {
  const [first] = readPem(files.text(`${name}.crt`), /^CERTIFICATE$/);
  assert(first);
  return readCertificate(first);
}

function lists(...names: string[]) {
  return names.flatMap((name) =>
    readRevocationLists(Deno.readFileSync(files.path(name)))
  );
}

/** The verdict on a chain. */
function verdict(chain: string[], ...names: string[]): string | null {
  return findRevoked(chain.map(certificate), lists(...names), Date.now());
}

Deno.test("readRevocationLists: PEM, several in one file, DER, and what is none", () => {
  const [pem] = lists("ca.crl");
  const [der] = lists("ca_der.crl");
  assertEquals(pem, der);
  assertEquals(pem?.serials, new Set([certificate("revoked").serial]));
  assertEquals(pem?.isComplete, true);
  assertEquals(lists("both_empty.crl").length, 2);
  const bytes = Deno.readFileSync(files.path("ca_der.crl"));
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => readRevocationLists(bytes.slice(0, length)), DerError);
  }
  for (const bad of ["", "nonsense", files.text("ca.crt")]) {
    assertThrows(
      () => readRevocationLists(new TextEncoder().encode(bad)),
      DerError,
    );
  }
});

test("findRevoked: good, revoked, and a revoked one in between", () => {
  assertEquals(verdict(["good", "ca"], "ca.crl"), null);
  assertEquals(verdict(["revoked", "ca"], "ca_empty.crl"), null);
  assertEquals(verdict(["revoked", "ca"], "ca.crl"), "it has been revoked");
  const chain = ["chained", "intermediate", "ca"];
  assertEquals(verdict(chain, "both_empty.crl"), null);
  assertEquals(
    verdict(chain, "ca.crl", "intermediate.crl"),
    "it has been revoked",
  );
  assertEquals(
    verdict(chain, "ca_without_intermediate.crl", "intermediate_empty.crl"),
    "a certificate between it and the trusted root has been revoked",
  );
  assertEquals(verdict(["rsa_pss", "other"], "other_pss.crl"), null);
  assertEquals(verdict(["rsa_pss", "other"], "other.crl"), null);
});

test("findRevoked: every certificate of the chain needs a list", () => {
  const chain = ["chained", "intermediate", "ca"];
  assertStringIncludes(
    verdict(chain, "ca.crl") ?? "",
    "it is on no revocation list",
  );
  assertStringIncludes(
    verdict(chain, "intermediate_empty.crl") ?? "",
    "a certificate between it and the trusted root is on no revocation list",
  );
  assertStringIncludes(
    verdict(["good", "ca"]) ?? "",
    "it is on no revocation list",
  );
  assertStringIncludes(
    verdict(["self_signed"], "ca.crl") ?? "",
    "no revocation list",
  );
});

test("findRevoked: forged, expired, future and changed lists count for nothing", () => {
  const chain = ["good", "ca"];
  assertStringIncludes(
    verdict(chain, "forged.crl") ?? "",
    "is not signed by it",
  );
  assertStringIncludes(
    verdict(chain, "ca_expired.crl") ?? "",
    "has expired on 2021-01-01",
  );
  assertStringIncludes(
    verdict(chain, "ca_future.crl") ?? "",
    "is not in force yet",
  );
  // Beside a good one they do no harm, and do not hide what it says.
  assertEquals(verdict(chain, "forged.crl", "ca_expired.crl", "ca.crl"), null);
  assertEquals(
    verdict(["revoked", "ca"], "forged.crl", "ca.crl"),
    "it has been revoked",
  );
  const [list] = lists("ca.crl");
  assert(list);
  const good = chain.map(certificate);
  const judge = (change: object) =>
    findRevoked(good, [{ ...list, ...change }], Date.now());
  assertEquals(judge({}), null);
  assertStringIncludes(judge({ isComplete: false }) ?? "", "cannot judge");
  const signed = list.signed.slice();
  signed[signed.length - 1]! ^= 1;
  assertStringIncludes(judge({ signed }) ?? "", "is not signed by it");
  for (const hash of ["sha1", "md5"] as const) {
    const algorithm = { ...list.algorithm, hash };
    assertStringIncludes(judge({ algorithm }) ?? "", "is not signed by it");
  }
  const [leaf, root] = good;
  assert(leaf && root);
  assertStringIncludes(
    findRevoked([leaf, { ...root, maySignLists: false }], [list], Date.now()) ??
      "",
    "may not sign",
  );
});
