import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  adapters,
  AdaptersMap,
  CopyEncoder,
  type CopyWriter,
  DataError,
  InterfaceError,
  StreamWriter,
} from "../../mod.ts";
import { assertError, open, quiet, rejection } from "./support.ts";

Deno.test(
  "COPY-12 CopyEncoder: a file that is made without a connection is what a server reads",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table t (a int, b text)");
    for (const binary of [false, true]) {
      const { readable, writable } = new TransformStream<
        Uint8Array,
        Uint8Array
      >();
      const file = new Response(
        readable as ReadableStream<Uint8Array<ArrayBuffer>>,
      )
        .bytes();
      const encoder = new CopyEncoder(new StreamWriter(writable), { binary });
      encoder.setTypes(["int4", "text"]);
      for (let n = 0; n < 20_000; n++) await encoder.writeRow([n, `\t${n}`]);
      await encoder.end();
      assertError(await rejection(encoder.writeRow([1, "a"])), {
        class: InterfaceError,
      });
      const bytes = await file;
      await conn.copy(
        `copy t from stdin (format ${binary ? "binary" : "text"})`,
        (copy) => copy.write(bytes),
      );
      const row = await conn.execute(
        "select count(*)::int as n from t where b = E'\\t' || a",
      ).fetchOne();
      assertEquals(row, { n: 20_000 });
      await conn.execute("truncate t");
    }
  }),
);

Deno.test(
  "CopyEncoder: own adapters, rows of one length, and a writer that fails or is told of a failure",
  quiet(async () => {
    const map = new AdaptersMap(adapters);
    map.registerDumper("boolean", (value: boolean) => value ? "yes" : "no");
    let text = "";
    const finished: unknown[] = [];
    const writer: CopyWriter = {
      write: (block) => {
        text += new TextDecoder().decode(block);
        return Promise.resolve();
      },
      finish: (error) => {
        finished.push(error);
        return Promise.resolve();
      },
    };
    const encoder = new CopyEncoder(writer, { adapters: map });
    await encoder.writeRow([true, null]);
    assertError(await rejection(encoder.writeRow([true])), {
      class: DataError,
    });
    await encoder.writeRow([false, "\\"]);
    await encoder.end();
    assertEquals([text, finished.splice(0)], ["yes\t\\N\nno\t\\\\\n", [
      undefined,
    ]]);

    const reason = new RangeError("mine");
    const given = new CopyEncoder(writer);
    await given.abort(reason);
    assertStrictEquals(finished[0], reason);
    const full = new CopyEncoder({
      ...writer,
      write: () => Promise.reject(reason),
    });
    assertStrictEquals(await rejection(full.write("x".repeat(70_000))), reason);
    assertStrictEquals(await rejection(full.end()), reason);
  }),
);

Deno.test(
  "CopyEncoder: what is not awaited keeps its order",
  quiet(async () => {
    const written: string[] = [];
    const encoder = new CopyEncoder({
      write: async (block) => {
        const text = new TextDecoder().decode(block);
        await new Promise((resolve) => setTimeout(resolve, 1));
        written.push(text);
      },
      finish: () => Promise.resolve(),
    });
    const large = (letter: string) => `${letter.repeat(200_000)}\n`;
    await Promise.all([
      encoder.writeRow([1]),
      encoder.write(large("a")),
      encoder.writeRow([2]),
      encoder.write(new TextEncoder().encode(large("b"))),
      encoder.writeRow([3]),
      encoder.end(),
    ]);
    assertEquals(written.join(""), `1\n${large("a")}2\n${large("b")}3\n`);
  }),
);
