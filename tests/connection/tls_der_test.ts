import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { bindingOf } from "../../connection/tls_binding.ts";
import {
  buildChain,
  isIssuedBy,
  isSelfSigned,
  readCertificate,
} from "../../connection/tls_certificate.ts";
import {
  DerError,
  DerReader,
  isPem,
  readOid,
  readPem,
  readTime,
  Tag,
  writePem,
} from "../../connection/tls_der.ts";
import { isForHost, parseAddress } from "../../connection/tls_names.ts";
import { test } from "../support/tls_server.ts";
import { certificates } from "../support/certificates.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

async function der(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const [first] = readPem((await certificates()).text(name), /^CERTIFICATE$/);
  assert(first);
  return first;
}

async function certificate(name: string) {
  return readCertificate(await der(`${name}.crt`));
}

async function digest(name: string, data: Uint8Array<ArrayBuffer>) {
  return new Uint8Array(await crypto.subtle.digest(name, data));
}

Deno.test("DerReader: elements, nesting, and the end", () => {
  const reader = new DerReader(bytes(0x30, 3, 2, 1, 5, 4, 0));
  const inner = reader.enter(Tag.SEQUENCE);
  assertEquals(inner.read(Tag.INTEGER).content, bytes(5));
  inner.end();
  assertEquals(reader.readIf(Tag.INTEGER), null);
  assertEquals(reader.read(Tag.OCTET_STRING).whole, bytes(4, 0));
  assert(reader.atEnd);
  assertEquals(reader.nextTag, -1);
  assertThrows(() => reader.read(), DerError);
});

Deno.test("DerReader: what is malformed is refused and never read past the end", () => {
  const bad = [
    bytes(2), // no length
    bytes(2, 2, 1), // shorter than it says
    bytes(2, 0x80, 0, 0), // no definite length
    bytes(2, 0x81, 1, 1), // not the shortest form
    bytes(2, 0x82, 0, 200, ...Array(200).fill(0)), // the same
    bytes(2, 0x85, 1, 0, 0, 0, 0), // too long
    bytes(2, 0x84, 0xff, 0xff, 0xff, 0xff), // longer than all memory
    bytes(0x1f, 1, 0), // a tag of several bytes
  ];
  for (const one of bad) {
    assertThrows(() => new DerReader(one).read(), DerError);
  }
  assertThrows(() => new DerReader(bytes(2, 1, 0)).read(Tag.OID), DerError);
  assertThrows(() => new DerReader(bytes(2, 1, 0)).end(), DerError);
});

Deno.test("readOid, readTime: values and what is none", () => {
  assertEquals(readOid(bytes(0x55, 4, 3)), "2.5.4.3");
  assertEquals(
    readOid(bytes(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11)),
    "1.2.840.113549.1.1.11",
  );
  for (
    const bad of [bytes(), bytes(0x55, 0x84), bytes(...Array(9).fill(0xff))]
  ) {
    assertThrows(() => readOid(bad), DerError);
  }
  const time = (tag: number, text: string) =>
    readTime({
      tag,
      content: new TextEncoder().encode(text),
      whole: bytes(),
    });
  assertEquals(
    time(Tag.UTC_TIME, "490102030405Z"),
    Date.UTC(2049, 0, 2, 3, 4, 5),
  );
  assertEquals(
    time(Tag.UTC_TIME, "500102030405Z"),
    Date.UTC(1950, 0, 2, 3, 4, 5),
  );
  assertEquals(
    time(Tag.GENERALIZED_TIME, "20500102030405Z"),
    Date.UTC(2050, 0, 2, 3, 4, 5),
  );
  for (const bad of ["4901020304Z", "491302030405Z", "490102030405", "x"]) {
    assertThrows(() => time(Tag.UTC_TIME, bad), DerError);
  }
});

Deno.test("readPem, writePem: blocks by label, and what is broken", () => {
  const one = bytes(1, 2, 3);
  const text = `text before\n${writePem(one, "CERTIFICATE")}between\r\n${
    writePem(bytes(9), "X509 CRL").replaceAll("\n", "\r\n")
  }${writePem(new Uint8Array(100), "CERTIFICATE")}`;
  assertEquals(readPem(text, /^CERTIFICATE$/), [one, new Uint8Array(100)]);
  assertEquals(readPem(text, /^X509 CRL$/), [bytes(9)]);
  assertEquals(readPem("", /./), []);
  assertThrows(() => readPem("-----BEGIN A-----\nAAAA", /^A$/), DerError);
  assertThrows(
    () => readPem("-----BEGIN A-----\n=!\n-----END A-----", /^A$/),
    DerError,
  );
  assert(isPem("\n -----BEGIN X"));
  assert(!isPem("/home/BEGIN"));
});

test("readCertificate: fields of certificates that openssl made", async () => {
  const good = await certificate("good");
  const ca = await certificate("ca");
  const intermediate = await certificate("intermediate");
  assertEquals(good.commonName, "localhost");
  assertEquals(good.dnsNames, ["localhost"]);
  assertEquals(good.ipAddresses.map((one) => one.length), [4, 16]);
  assert(good.notBefore <= Date.now() && good.notAfter > Date.now());
  assert(isIssuedBy(good, ca) && !isIssuedBy(good, good));
  assert(!isIssuedBy(good, await certificate("forger")));
  assert(isSelfSigned(ca) && !isSelfSigned(good));
  assert(isSelfSigned(await certificate("ed25519")));
  assert(isIssuedBy(await certificate("rsa_pss"), await certificate("other")));
  assert(good.isForServers && !(await certificate("client")).isForServers);
  assertEquals((await certificate("rsa_pss")).algorithm, {
    kind: "rsa-pss",
    hash: "sha384",
    saltLength: 48,
  });
  const chained = await certificate("chained");
  assertEquals(buildChain(chained, [intermediate], [ca]), [
    chained,
    intermediate,
    ca,
  ]);
  assertEquals(buildChain(chained, [], [ca]), null);
  assertEquals(buildChain(good, [ca], [await certificate("forger")]), null);
});

Deno.test("readCertificate: cut or changed bytes are an error, never a hang or a crash", async () => {
  const good = await der("good.crt");
  for (let length = 0; length < good.length; length++) {
    assertThrows(() => readCertificate(good.slice(0, length)), DerError);
  }
  for (let at = 0; at < good.length; at++) {
    const changed = good.slice();
    changed[at]! ^= 0xff;
    try {
      assertNotEquals(readCertificate(changed).der, good);
    } catch (error) {
      assert(error instanceof DerError, String(error));
    }
  }
});

Deno.test("bindingOf: SHA-2 as it is, SHA-256 in place of weaker, RSA-PSS by its parameters, none for Ed25519", async () => {
  const cases = [
    ["good.crt", "SHA-256"], // ECDSA
    ["rsa.crt", "SHA-256"],
    ["sha512.crt", "SHA-512"],
    ["rsa_pss.crt", "SHA-384"],
  ] as const;
  for (const [name, hash] of cases) {
    const bytes = await der(name);
    assertEquals(bindingOf(bytes), {
      type: "tls-server-end-point",
      data: await digest(hash, bytes),
    }, name);
  }
  assertEquals(bindingOf(await der("ed25519.crt")), null);
  assertEquals(bindingOf(bytes(1, 2, 3)), null);

  // The same certificate as if it had been signed with an older hash.
  const rsa = await der("rsa_signed.crt");
  const sha256WithRsa = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
  for (
    const [last, hash] of [[4, "SHA-256"], [5, "SHA-256"], [
      12,
      "SHA-384",
    ]] as const
  ) {
    const changed = rsa.slice();
    let found = 0;
    for (let at = 0; at < changed.length - 9; at++) {
      if (!sha256WithRsa.every((byte, i) => changed[at + i] === byte)) continue;
      changed[at + 8] = last;
      found++;
    }
    assertEquals(found, 2);
    assertEquals(bindingOf(changed)?.data, await digest(hash, changed));
  }
});

Deno.test("isForHost: names, wildcards, addresses and the common name, by libpq's rules", async () => {
  const good = await certificate("good");
  for (
    const host of [
      "localhost",
      "LOCALHOST",
      "127.0.0.1",
      "::1",
      "0:0:0:0:0:0:0:1",
    ]
  ) {
    assert(isForHost(good, host), host);
  }
  for (
    const host of ["", "local", "localhost.", "x.localhost", "127.0.0.2", "::2"]
  ) {
    assert(!isForHost(good, host), host);
  }
  // The common name counts only where no alternative name is of the same kind.
  assert(!isForHost(await certificate("wrong_name"), "localhost"));
  const cnOnly = await certificate("cn_only");
  assert(isForHost(cnOnly, "localhost") && !isForHost(cnOnly, "127.0.0.1"));
  const named = (dnsNames: string[], commonName: string | null = null) => ({
    ...cnOnly,
    dnsNames,
    commonName,
  });
  const wild = named(["*.example.com"], "other.example");
  assert(
    isForHost(wild, "db.example.com") && isForHost(wild, "DB.Example.Com"),
  );
  for (
    const host of [
      "example.com",
      ".example.com",
      "a.b.example.com",
      "other.example",
    ]
  ) {
    assert(!isForHost(wild, host), host);
  }
  assert(!isForHost(named(["d*.example.com"]), "db.example.com"));
  assert(!isForHost(named(["*"]), "db"));
  assert(!isForHost(named(["db.example.com\0.evil.org"]), "db.example.com"));
  // An address may stand among the names of hosts, and in the common name.
  assert(isForHost(named(["10.0.0.1"]), "10.0.0.1"));
  assert(isForHost(named(["db"], "10.0.0.1"), "10.0.0.1"));
});

Deno.test("parseAddress: both kinds, and what is a name", () => {
  assertEquals(parseAddress("1.2.3.255"), bytes(1, 2, 3, 255));
  assertEquals(
    parseAddress("::ffff:1.2.3.4")?.slice(10),
    bytes(255, 255, 1, 2, 3, 4),
  );
  assertEquals(
    parseAddress("2001:db8::")?.slice(0, 5),
    bytes(0x20, 1, 0xd, 0xb8, 0),
  );
  for (
    const name of ["1.2.3.256", "localhost", "fe80::1%eth0", ":::", "a:b", ""]
  ) {
    assertEquals(parseAddress(name), null, name);
  }
});
