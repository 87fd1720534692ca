/**
 * Conversations of a client with a server as they really happen, in steps: what
 * the client does, and all that the server answers. To be replayed in pieces,
 * with something in between, or damaged.
 *
 * @module
 */

import { Authenticator } from "../../protocol/auth.ts";
import { CopyExchange } from "../../protocol/copy_exchange.ts";
import {
  StatementExchange,
  Step,
  SyncExchange,
} from "../../protocol/extended_query.ts";
import { SimpleQueryExchange } from "../../protocol/simple_query.ts";
import { StartupExchange } from "../../protocol/startup.ts";
import * as b from "./backend.ts";
import type { Harness } from "./engine_harness.ts";
import { sessionStart } from "./scripted_session.ts";

/** One turn of a conversation. */
export interface Turn {
  /** What the client does. */
  client(harness: Harness): void;
  /** What the server then sends. */
  server: Uint8Array;
}

/** A whole conversation. */
export interface Session {
  /** What it shows. */
  name: string;
  /** Makes its turns, new for each replay. */
  turns(): Turn[];
}

/** All the steps of a statement that is parsed and described. */
export const WHOLE: number = Step.PARSE | Step.BIND | Step.DESCRIBE |
  Step.EXECUTE;

/** Two columns, as most of the sessions have them. */
export const COLUMNS: b.ColumnSpec[] = [
  { name: "id", oid: 23, size: 4, tableOid: 16384, column: 1 },
  { name: "näme", oid: 25 },
];

/** The server's answer to a whole statement, up to its command tag. */
export function answer(...rows: b.Value[][]): Uint8Array {
  return b.concat(
    b.parseComplete(),
    b.bindComplete(),
    b.rowDescription(COLUMNS),
    ...rows.map(b.dataRow),
    b.commandComplete(`SELECT ${rows.length}`),
  );
}

function startup(harness: Harness): void {
  const exchange = new StartupExchange(
    new Authenticator({ user: "u", password: null, cleartextAllowed: false }),
  );
  exchange.start(harness.engine, { user: "u" });
  harness.engine.output.clear();
  harness.send(exchange, "startup");
}

function simple(text: string): (harness: Harness) => void {
  return (harness) =>
    void harness.send(
      new SimpleQueryExchange(harness.sink("simple"), text),
      "simple",
    );
}

function extended(name = "statement"): (harness: Harness) => void {
  return (harness) =>
    void harness.send(
      new StatementExchange(harness.sink(name), { steps: WHOLE, sync: true }),
      name,
    );
}

function pipeline(count: number): (harness: Harness) => void {
  return (harness) => {
    for (let i = 0; i < count; i++) {
      const name = `item ${i}`;
      harness.enqueue(
        new StatementExchange(harness.sink(name), {
          steps: WHOLE,
          sync: false,
        }),
        name,
      );
    }
    harness.send(new SyncExchange(), "sync");
  };
}

const DIVISION = b.errorResponse({
  code: "22012",
  message: "division by zero",
  detail: "λ",
});
const IDLE = b.readyForQuery("I");

/** The conversations. */
export const SESSIONS: readonly Session[] = [
  {
    name: "startup, then a query",
    turns: () => [
      {
        client: startup,
        server: b.concat(b.authenticationOk(), ...sessionStart()),
      },
      {
        client: simple("select 1"),
        server: b.concat(
          b.rowDescription(COLUMNS),
          b.dataRow(["1", "é"]),
          b.commandComplete("SELECT 1"),
          IDLE,
        ),
      },
    ],
  },
  {
    name: "several statements in one simple query, the last one fails",
    turns: () => [{
      client: simple("create table t(); select * from t; ; select 1/0"),
      server: b.concat(
        b.commandComplete("CREATE TABLE"),
        b.rowDescription(COLUMNS),
        b.dataRow(["1", null]),
        b.dataRow([null, ""]),
        b.commandComplete("SELECT 2"),
        b.emptyQueryResponse(),
        b.rowDescription([]),
        b.dataRow([]),
        b.commandComplete("SELECT 1"),
        DIVISION,
        IDLE,
      ),
    }],
  },
  {
    name: "extended statements: rows, an error after rows, no rows, empty",
    turns: () => [
      {
        client: extended(),
        server: b.concat(answer(["1", "a"], ["2", "b"]), IDLE),
      },
      {
        client: extended("failing"),
        server: b.concat(
          b.parseComplete(),
          b.bindComplete(),
          b.rowDescription(COLUMNS),
          b.dataRow(["1", "x"]),
          DIVISION,
          b.readyForQuery("E"),
        ),
      },
      {
        client: extended("insert"),
        server: b.concat(
          b.parseComplete(),
          b.bindComplete(),
          b.noData(),
          b.commandComplete("INSERT 0 3"),
          b.readyForQuery("T"),
        ),
      },
      {
        client: extended("empty"),
        server: b.concat(
          b.parseComplete(),
          b.bindComplete(),
          b.noData(),
          b.emptyQueryResponse(),
          IDLE,
        ),
      },
    ],
  },
  {
    name: "a pipeline with an error, then a group that runs",
    turns: () => [
      {
        client: (harness) => {
          pipeline(4)(harness);
          pipeline(2)(harness);
        },
        server: b.concat(
          answer(["1", "kept"]),
          b.parseComplete(),
          DIVISION,
          IDLE,
          answer(["5", "a"]),
          answer(),
          IDLE,
        ),
      },
    ],
  },
  {
    name: "a statement that closes two others and asks for its parameters",
    turns: () => [{
      client: (harness) =>
        void harness.send(
          new StatementExchange(harness.sink("prepare"), {
            steps: Step.PARSE | Step.PARAMETERS | Step.DESCRIBE,
            closes: 2,
            sync: true,
          }),
          "prepare",
        ),
      server: b.concat(
        b.closeComplete(),
        b.closeComplete(),
        b.parseComplete(),
        b.parameterDescription([23, 4294967295]),
        b.rowDescription(COLUMNS),
        IDLE,
      ),
    }],
  },
  {
    name: "COPY in, and COPY in that the server refuses half-way",
    turns: () => {
      const copies = ["a", "b"].map((name) => new CopyExchange(name, () => {}));
      const begin = (i: number): Turn => ({
        client: (harness) => void harness.send(copies[i]!, `copy ${i}`),
        server: b.concat(
          b.parseComplete(),
          b.bindComplete(),
          b.copyInResponse([0, 0]),
        ),
      });
      return [
        begin(0),
        {
          client: (harness) => {
            copies[0]!.write(harness.engine, b.bytes("1\ta\n"));
            copies[0]!.finish(harness.engine);
          },
          server: b.concat(b.commandComplete("COPY 1"), IDLE),
        },
        begin(1),
        {
          client: (harness) =>
            copies[1]!.write(harness.engine, b.bytes("1\ta\n")),
          server: b.concat(b.errorResponse({ code: "23505" }), IDLE),
        },
      ];
    },
  },
  {
    name: "COPY out, and COPY out that ends with an error",
    turns: () => {
      const copyOut = (name: string) => (harness: Harness): void => {
        harness.send(
          new CopyExchange("copy", (source) => {
            const block = source.bytes.slice(source.start, source.end);
            harness.log.push(`${name} data ${block}`);
          }),
          name,
        );
      };
      return [
        {
          client: copyOut("whole"),
          server: b.concat(
            b.parseComplete(),
            b.bindComplete(),
            b.copyOutResponse([1], 1),
            b.copyData(Uint8Array.of(0, 255)),
            b.copyData(""),
            b.copyDone(),
            b.commandComplete("COPY 2"),
            IDLE,
          ),
        },
        {
          client: copyOut("broken"),
          server: b.concat(
            b.parseComplete(),
            b.bindComplete(),
            b.copyOutResponse(),
            b.copyData("a\n"),
            DIVISION,
            IDLE,
          ),
        },
      ];
    },
  },
  {
    name: "a FATAL in the middle of a pipeline",
    turns: () => [{
      client: pipeline(3),
      server: b.concat(
        answer(["1", "kept"]),
        b.errorResponse({
          severity: "FATAL",
          code: "57P01",
          message: "terminating",
        }),
      ),
    }],
  },
];
