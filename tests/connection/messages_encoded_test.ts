import { assert, assertEquals } from "@std/assert";
import { connect, PgError } from "../../mod.ts";
import { Identifier } from "../../sql/mod.ts";
import { testDsn } from "../support/database.ts";
import { open, quiet, rejection } from "./support.ts";

Deno.test(
  "ER-04 Connection: a non-ASCII message is read as it is in utf8 and latin9 sessions, in notices and errors",
  quiet(async () => {
    for (const encoding of ["utf8", "latin9"]) {
      await using conn = await open({ clientEncoding: encoding });
      const notices: (string | null)[] = [];
      conn.addNoticeHandler((diag) => void notices.push(diag.messagePrimary));
      const say = (level: string) =>
        conn.execute(`do $$ begin raise ${level} 'prix: 5 € à œuvre'; end $$`);
      await say("notice");
      assertEquals(notices, ["prix: 5 € à œuvre"]);
      const error = await rejection(say("exception"));
      assert(error instanceof PgError);
      assertEquals(error.message, "prix: 5 € à œuvre");
      assertEquals(error.diag.messagePrimary, "prix: 5 € à œuvre");
    }
  }),
);

Deno.test(
  "SQ-07 Identifier: every character from 1 to 127 is quoted alike with and without a connection",
  quiet(async () => {
    await using conn = await connect(testDsn(), { autocommit: true });
    for (let code = 1; code < 128; code++) {
      const name = String.fromCharCode(code);
      const identifier = new Identifier(name);
      assertEquals(identifier.asString(), identifier.asString(conn));
      const cursor = await conn.execute(`select 1 as ${identifier.asString()}`);
      assertEquals(cursor.description?.[0]?.name, name);
    }
  }),
);
