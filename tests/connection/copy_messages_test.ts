import { assert, assertEquals } from "@std/assert";
import { askValue } from "../../connection/ask.ts";
import { openSession } from "../../connection/connector.ts";
import { closedError, type Wire } from "../../connection/wire.ts";
import {
  CopyInExchange,
  CopyOutExchange,
} from "../../protocol/copy_exchange.ts";
import { writeQuery } from "../../protocol/frontend.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { Format } from "../../types/adapt.ts";
import { adapters } from "../../types/defaults.ts";
import { OID } from "../../types/oids.ts";
import { Transformer } from "../../types/transformer.ts";
import { testDsn } from "../support/database.ts";

/** The lines that a COPY TO STDOUT gives, as bytes without the line feed. */
async function copyOut(
  wire: Wire,
  query: string,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const lines: Uint8Array<ArrayBuffer>[] = [];
  const exchange = new CopyOutExchange(query, (source) => {
    lines.push(source.bytes.slice(source.start, source.end - 1));
  });
  writeQuery(wire.engine.output, query);
  wire.enqueue(exchange);
  wire.flush();
  await exchange.done;
  assertEquals(exchange.error, null);
  return lines;
}

Deno.test("DT-12 COPY text of a timestamptz, read as that type: exact in every zone", async () => {
  const { wire, session } = await openSession(testDsn(), {});
  const loader = new Transformer(adapters, session).getLoader(
    OID.TIMESTAMPTZ,
    Format.TEXT,
  );
  for (const zone of ["UTC", "Asia/Kathmandu", "America/St_Johns"]) {
    await askValue(wire, `select set_config('timezone', '${zone}', false)`);
    const [line] = await copyOut(
      wire,
      "copy (select '2000-01-01 01:02:03.123456-10:20'::timestamptz) to stdout",
    );
    const field = new ReadBuffer(line);
    assertEquals(
      String(loader.load(field, 0, line!.length)),
      "2000-01-01T11:22:03.123456Z",
    );
  }
  await wire.close(closedError());
});

Deno.test("CopyInExchange: rows go to a real server, and an abort stores none", async () => {
  const { wire } = await openSession(testDsn(), {});
  await askValue(wire, "create temp table copied (n int)");
  for (const abort of [false, true]) {
    const query = "copy copied from stdin";
    const exchange = new CopyInExchange(query);
    writeQuery(wire.engine.output, query);
    wire.enqueue(exchange);
    wire.flush();
    await exchange.started;
    exchange.write(wire.engine, new TextEncoder().encode("1\n2\n"));
    if (abort) exchange.abort(wire.engine, "no more");
    else exchange.finish(wire.engine);
    await exchange.done;
    assertEquals(exchange.commandTag, abort ? null : "COPY 2");
    assertEquals(exchange.error !== null, abort);
    if (abort) assert(String(exchange.error).includes("no more"));
  }
  assertEquals(await askValue(wire, "select count(*) from copied"), "2");
  await wire.close(closedError());
});
