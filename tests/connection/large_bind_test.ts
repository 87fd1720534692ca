import { assertEquals } from "@std/assert";
import { DataError } from "../../mod.ts";
import {
  assertError,
  assertUsable,
  open,
  quiet,
  rejection,
} from "./support.ts";

const MEBIBYTE = 1024 * 1024;

Deno.test(
  "G2 execute: parameters past 1 GiB, 2 GiB and 4 GiB are refused before a byte is sent",
  quiet(async () => {
    await using conn = await open();
    const piece = new Uint8Array(128 * MEBIBYTE);
    const pieces = (gibibytes: number) => Array(8 * gibibytes).fill(piece);
    for (
      const params of [
        pieces(1),
        [...pieces(2), 1],
        [[...pieces(4), new Uint8Array(1)]],
      ]
    ) {
      const text = `select ${params.map(() => "%s").join()}`;
      const error = await rejection(conn.execute(text, params));
      assertError(error, {
        class: DataError,
        says: ["1 GiB"],
        usable: true,
        reached: false,
      });
      await assertUsable(conn);
    }
    // What fits goes on working, and the buffer is small again.
    const row = await conn.execute("select length(%s) as n", [
      piece.subarray(0, 16 * MEBIBYTE),
    ]).fetchOne();
    assertEquals(row, { n: 16 * MEBIBYTE });
  }),
);
