import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { capabilities, version } from "../../connection/capabilities.ts";
import { canUseNodeTls } from "../../connection/tls_runtime.ts";
import { NotSupportedError } from "../../errors/base.ts";
import config from "../../deno.json" with { type: "json" };

Deno.test("CP-02 capabilities: what is not there is false, and an error if it is demanded", () => {
  let missing = 0;
  for (const [name, ask] of Object.entries(capabilities)) {
    if (ask()) {
      assertEquals(ask(true), true, name);
      continue;
    }
    missing++;
    assertEquals(ask(false), false);
    assertEquals(ask({}), false);
    assertEquals(ask({ check: false }), false);
    for (const check of [true, { check: true }]) {
      const error = assertThrows(() => ask(check), NotSupportedError);
      assertStringIncludes(error.message, 'the feature "');
      assertStringIncludes(error.message, `pgts ${version}`);
      assertStringIncludes(error.message, `Deno ${Deno.version.deno}`);
    }
  }
  assertEquals(capabilities.hasUsedGssapi(), false);
  assertThrows(
    () => capabilities.hasUsedGssapi(true),
    NotSupportedError,
    'the feature "PgConn.usedGssapi"',
  );
  assertEquals(missing > 0, true);
});

Deno.test("capabilities: every one that psycopg has, and those of pgts", () => {
  assertEquals(Object.keys(capabilities), [
    "hasEncryptPassword",
    "hasHostaddr",
    "hasPipeline",
    "hasSetTraceFlags",
    "hasCancelSafe",
    "hasStreamChunked",
    "hasSendClosePrepared",
    "hasUsedGssapi",
    "hasFullProtocolVersion",
    "hasRequirePeer",
    "hasCrl",
    "hasSync",
    "hasUnixSocket",
  ]);
  const present = Object.entries(capabilities)
    .filter(([, ask]) => ask()).map(([name]) => name);
  assertEquals(present, [
    "hasEncryptPassword",
    "hasHostaddr",
    "hasPipeline",
    "hasSetTraceFlags",
    "hasCancelSafe",
    "hasStreamChunked",
    "hasSendClosePrepared",
    "hasFullProtocolVersion",
    ...Deno.build.os === "windows" ? [] : ["hasRequirePeer"],
    ...canUseNodeTls() ? ["hasCrl"] : [],
    ...Deno.build.os === "windows" ? [] : ["hasUnixSocket"],
  ]);
});

Deno.test("version: the one that is published", () => {
  assertEquals(version, config.version);
});
