import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, OperationalError } from "../../mod.ts";
import { QueryCanceled } from "../../errors/mod.ts";
import { test, tlsServer } from "../support/tls_server.ts";
import {
  assertError,
  assertUsable,
  pause,
  quiet,
  rejection,
} from "./support.ts";

const server = await tlsServer();

test(
  "info, cancelSafe: TLS is told about, and a cancel request goes through it",
  quiet(async () => {
    await server.show("good");
    for (const sslNegotiation of ["postgres", "direct"]) {
      // The server takes TLS connections alone.
      await using conn = await connect({
        host: "localhost",
        hostaddr: "127.0.0.1",
        port: server.port,
        user: "postgres",
        sslMode: "verify-full",
        sslNegotiation,
        sslRootCert: server.files.path("ca.crt"),
        autocommit: true,
      });
      const { info } = conn;
      assertEquals(info.sslInUse, true);
      const row = await conn.execute(
        "select version as protocol, cipher from pg_stat_ssl where pid = pg_backend_pid()",
      ).fetchOne();
      assertEquals(row, {
        protocol: info.sslAttribute("protocol"),
        cipher: info.sslAttribute("cipher"),
      });
      assertEquals(info.sslAttributeNames.toSorted(), [
        "alpn",
        "cipher",
        "compression",
        "key_bits",
        "library",
        "protocol",
      ]);
      for (const name of info.sslAttributeNames) {
        assert(typeof info.sslAttribute(name) === "string", name);
      }
      assertEquals(info.sslAttribute("no such attribute"), null);
      assertMatch(info.dsn, /sslmode=verify-full/);

      const running = rejection(conn.execute("select pg_sleep(2)"));
      await pause(100);
      const start = performance.now();
      await conn.cancelSafe({ timeout: 5 });
      assertError(await running, { class: QueryCanceled, usable: true });
      assert(performance.now() - start < 1000);
      await assertUsable(conn);

      // A session in its place is encrypted and judged alike.
      await conn.pgconn.reset();
      assertEquals(info.sslInUse, true);
      await assertUsable(conn);
      await server.show("expired");
      const refused = await rejection(conn.pgconn.reset());
      assertError(refused, { class: OperationalError, usable: false });
      assertEquals(conn.broken, true);
      await server.show("good");
      await conn.pgconn.reset();
      await assertUsable(conn);
    }
  }),
);
