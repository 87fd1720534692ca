/**
 * What may be done while it is one's turn on a connection: the driver's own
 * commands. Whose turn it is, is decided in `executor.ts`.
 *
 * @module
 */

import { commitFailed } from "./outcome.ts";
import type { Runner } from "./runner.ts";

/** What ends a transaction. */
export type EndCommand = "COMMIT" | "ROLLBACK";

/** The commands of the driver's own that may be run while it is one's turn. */
export class Turn {
  readonly #runner: Runner;

  /** @param runner Sends the commands. */
  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** Opens the transaction that is due. */
  async begin(): Promise<void> {
    const begin = this.#runner.transactions.nextBegin;
    if (begin !== null) await this.#runner.command(begin);
  }

  /**
   * Runs a command in no transaction but the one that is open.
   *
   * @param text The command.
   * @returns The command tag.
   */
  command(text: string): Promise<string> {
    return this.#runner.command(text);
  }

  /**
   * Ends the open transaction, if there is one.
   *
   * @param command COMMIT or ROLLBACK.
   * @returns The command tag: a COMMIT of a failed transaction is a ROLLBACK.
   * @throws {TransactionOutcomeUnknown} If a COMMIT is lost before it is answered.
   */
  async end(command: EndCommand): Promise<string> {
    if (!this.#runner.transactions.open) return command;
    try {
      return await this.#runner.command(command);
    } catch (error) {
      throw command === "COMMIT" ? commitFailed(error) : error;
    }
  }
}
