import { assertEquals } from "@std/assert";
import * as b from "../support/backend.ts";
import { Harness, splitMessages } from "../support/engine_harness.ts";
import { type Session, SESSIONS } from "../support/sessions.ts";

type Pieces = (server: Uint8Array, turn: number) => Uint8Array[];

/** Replays a session with the server's bytes in pieces, and tells what happened. */
async function replay(session: Session, pieces: Pieces): Promise<string[]> {
  const harness = new Harness();
  for (const [i, turn] of session.turns().entries()) {
    turn.client(harness);
    harness.log.push(`client sent ${harness.tags()}`);
    for (const piece of pieces(turn.server, i)) harness.feed(piece);
    await Promise.resolve(); // answers to authentication take their time
  }
  harness.log.push(
    `status ${harness.engine.transactionStatus} busy ${harness.engine.busy}`,
    `failure ${harness.engine.failure?.message ?? null}`,
  );
  for (const count of harness.settled.values()) assertEquals(count, 1);
  return harness.log;
}

const whole: Pieces = (server) => [server];

const ASYNCHRONOUS: [name: string, message: Uint8Array][] = [
  ["notice", b.noticeResponse({ message: "aside" })],
  ["notification", b.notificationResponse(7, "channel", "payload")],
  ["parameter", b.parameterStatus("application_name", "aside")],
];

for (const session of SESSIONS) {
  Deno.test(`A8 ${session.name}: split at every byte, byte by byte, or whole: the same events`, async () => {
    const expected = await replay(session, whole);
    const turns = session.turns();
    const bytewise = await replay(
      session,
      (server) => Array.from(server, (byte) => Uint8Array.of(byte)),
    );
    assertEquals(bytewise, expected, "byte by byte");
    for (const [turn, { server }] of turns.entries()) {
      for (let at = 0; at <= server.length; at++) {
        const split = await replay(
          session,
          (bytes, i) =>
            i === turn ? [bytes.subarray(0, at), bytes.subarray(at)] : [bytes],
        );
        assertEquals(split, expected, `turn ${turn} split at ${at}`);
      }
    }
  });

  Deno.test(`L3 ${session.name}: notice, notification, parameter at every position`, async () => {
    const expected = await replay(session, whole);
    for (const [name, aside] of ASYNCHRONOUS) {
      const line = name === "notice"
        ? "notice aside"
        : name === "notification"
        ? "notification 7 channel payload"
        : "parameter application_name=aside";
      for (const [turn, { server }] of session.turns().entries()) {
        const messages = splitMessages(server);
        for (let at = 0; at <= messages.length; at++) {
          const fatal = messages[at - 1]?.[0] === 0x45 &&
            expected.at(-1) !== "failure null";
          if (fatal) continue; // nothing comes after the end
          const seen = await replay(
            session,
            (bytes, i) =>
              i === turn
                ? [b.concat(...messages.toSpliced(at, 0, aside))]
                : [bytes],
          );
          const index = seen.indexOf(line);
          assertEquals(
            seen.toSpliced(index, 1),
            expected,
            `${name} at ${at} of turn ${turn}`,
          );
        }
      }
    }
  });
}
