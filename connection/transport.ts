/**
 * What a connection needs of the network: bytes in, bytes out.
 *
 * @module
 */

/** A stream of bytes to a server and back. */
export interface Transport {
  /** The address that is connected to, for messages: `host:port` or a path. */
  readonly address: string;
  /** The IP address that is connected to, or `null` for a Unix socket. */
  readonly hostaddr: string | null;
  /**
   * Fills the start of `into`.
   *
   * @returns The number of bytes read, or `null` at the end.
   */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes all of `bytes`, which must not change until the promise settles. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes at once. What waits for a read or a write is rejected. Never throws. */
  close(): void;
  /** Lets the process stay alive for a read that is pending. */
  ref(): void;
  /** Lets the process end although a read is pending. */
  unref(): void;
  /** Opens another stream to the same address. */
  dialAgain(signal: AbortSignal): Promise<Transport>;
}
