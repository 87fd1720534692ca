import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  connect,
  OperationalError,
  ProgrammingError,
  resolveSrv,
} from "../../mod.ts";
import { orderSrv } from "../../connection/srv.ts";
import { startDns } from "../support/dns_server.ts";
import { testServer } from "../support/database.ts";
import { withEnvironment } from "./environment.ts";
import { quiet } from "./support.ts";

const ZONE = {
  "_pg._tcp.foo.com": [[0, 0, 5432, "db1.example.com"]],
  "_pg._tcp.bar.com": [
    [20, 0, 5434, "last.example.com"],
    [10, 0, 5433, "first.example.com"],
  ],
  "plain.example.com": [[0, 0, 6543, "db9.example.com"]],
  "_none._tcp.foo.com": [[0, 0, 5432, "."]],
  "_odd._tcp.foo.com": [
    [0, 0, 5432, "a,b"],
    [0, 0, 5432, "/tmp"],
    [0, 0, 0, "db1.example.com"],
  ],
} as const;

/** Host and port after the look-up. */
async function hosts(
  conninfo: string,
  nameServer: { port: number },
  variables: Readonly<Record<string, string>> = {},
): Promise<(string | undefined)[]> {
  const { host, port } = await withEnvironment(
    variables,
    () =>
      resolveSrv(conninfo, {
        nameServer: { ipAddr: "127.0.0.1", port: nameServer.port },
      }),
  );
  return [host, port];
}

Deno.test(
  "AT-29 resolveSrv: a service becomes its hosts and ports, others stay",
  quiet(async () => {
    await using dns = await startDns(ZONE);
    for (
      const [conninfo, expected] of [
        ["host=foo.com,_pg._tcp.foo.com", ["foo.com,db1.example.com", ",5432"]],
        ["host=_pg._tcp.foo.com", ["db1.example.com", "5432"]],
        ["host=_pg._tcp.foo.com port=1", ["db1.example.com", "5432"]],
        ["postgresql://_pg._tcp.foo.com/x", ["db1.example.com", "5432"]],
        [
          "host=_pg._tcp.bar.com,foo.com port=1,2",
          ["first.example.com,last.example.com,foo.com", "5433,5434,2"],
        ],
        ["host=plain.example.com port=srv", ["db9.example.com", "6543"]],
        [
          "host=foo.com,plain.example.com port=7,SRV",
          ["foo.com,db9.example.com", "7,6543"],
        ],
      ] as const
    ) assertEquals(await hosts(conninfo, dns), [...expected], conninfo);
    assertEquals(
      await hosts("dbname=x", dns, {
        PGHOST: "plain.example.com",
        PGPORT: "SRV",
      }),
      ["db9.example.com", "6543"],
    );
    const before = dns.asked.length;
    // Nothing to look up: an address is given, or no service.
    for (
      const [conninfo, expected] of [
        [
          "host=_pg._tcp.foo.com hostaddr=1.2.3.4",
          ["_pg._tcp.foo.com", undefined],
        ],
        ["host=foo.com,/tmp port=1,2", ["foo.com,/tmp", "1,2"]],
        ["dbname=x", [undefined, undefined]],
      ] as const
    ) assertEquals(await hosts(conninfo, dns), [...expected], conninfo);
    assertEquals(dns.asked.length, before);
    await assertRejects(
      () => hosts("host=_pg._tcp.foo.com port=1,2", dns),
      ProgrammingError,
      "2 port numbers to 1 hosts",
    );
  }),
);

Deno.test(
  "AT-31 resolveSrv: what cannot be looked up is dropped while other hosts are left, else an OperationalError",
  quiet(async () => {
    await using dns = await startDns(ZONE);
    assertEquals(
      await hosts("host=_pg._tcp.nowhere.com,foo.com port=1,2", dns),
      ["foo.com", "2"],
    );
    assertEquals(
      await hosts("host=_pg._tcp.nowhere.com,_pg._tcp.foo.com", dns),
      ["db1.example.com", "5432"],
    );
    for (
      const name of [
        "_pg._tcp.nowhere.com",
        "_none._tcp.foo.com",
        "_odd._tcp.foo.com",
      ] as const
    ) {
      const error = await assertRejects(
        () => hosts(`host=${name}`, dns),
        OperationalError,
        name,
      );
      assertEquals(error.connectionUsable, false);
    }
    await assertRejects(
      () => hosts("host=_a._tcp.nowhere.com,_b._tcp.nowhere.com", dns),
      OperationalError,
      '"_a._tcp.nowhere.com" cannot be looked up, there are no SRV records; the service "_b._tcp',
    );
  }),
);

Deno.test(
  "resolveSrv: what comes out connects, and options stay what they are",
  quiet(async () => {
    const { host, port, user } = testServer();
    await using dns = await startDns({
      "_postgresql._tcp.here.test": [
        [1, 1, 1, host],
        [2, 1, port, host],
      ],
    });
    const options = {
      host: "_postgresql._tcp.here.test",
      user,
      dbname: "postgres",
      autocommit: true,
      password: () => "never asked for",
    };
    await using conn = await connect(
      await resolveSrv(options, {
        nameServer: { ipAddr: "127.0.0.1", port: dns.port },
      }),
    );
    assertEquals(conn.info.port, port);
    assertEquals(conn.autocommit, true);
    const reason = new Error("enough");
    const given = { signal: AbortSignal.abort(reason) };
    assertEquals(
      await resolveSrv(options, given).catch((error) => error),
      reason,
    );
  }),
);

Deno.test("orderSrv: by priority, then by lot and weight as RFC 2782 draws it", () => {
  const record = (priority: number, weight: number) => ({
    priority,
    weight,
    port: weight,
    target: `${priority}/${weight}`,
  });
  const records = [
    record(2, 5),
    record(1, 30),
    record(1, 0),
    record(1, 10),
  ];
  const targets = (random: () => number) =>
    orderSrv(records, random).map(({ target }) => target);
  assertEquals(targets(() => 0), ["1/0", "1/10", "1/30", "2/5"]);
  assertEquals(targets(() => 0.9999), ["1/30", "1/10", "1/0", "2/5"]);
  // Of many drawings those with three times the weight win three times as often.
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 0x7fffffff) / 0x7fffffff;
  const first = new Map<string, number>();
  for (let n = 0; n < 10_000; n++) {
    const [target = ""] = targets(random);
    first.set(target, (first.get(target) ?? 0) + 1);
  }
  const heavy = first.get("1/30") ?? 0;
  const light = first.get("1/10") ?? 0;
  assert(Math.abs(heavy / light - 3) < 0.3, `${heavy} to ${light}`);
  assert((first.get("1/0") ?? 0) > 0, "no chance without weight");
  assertEquals(first.has("2/5"), false);
  assertEquals(orderSrv([]), []);
});

Deno.test({
  name:
    "resolveSrv: without the permission to ask it says which one is missing",
  permissions: { net: false, env: false },
  fn: async () => {
    const nameServer = { ipAddr: "127.0.0.1", port: 53 };
    await assertRejects(
      () => resolveSrv("host=_pg._tcp.foo.com", { nameServer }),
      OperationalError,
      "grant --allow-net",
    );
  },
});
