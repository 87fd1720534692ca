/**
 * The data of a COPY as the streams of the platform.
 *
 * @module
 */

/** What a stream into a COPY needs of it. */
interface Sink {
  write(data: Uint8Array): Promise<void>;
  end(): Promise<void>;
  abort(reason: unknown): Promise<void>;
}

/**
 * The data that comes out as a stream, which reads no further than its reader.
 *
 * @param next Gets the next piece, an empty one at the end.
 * @param cancel Gives the COPY up.
 * @returns The stream.
 */
export function readableOf(
  next: () => Promise<Uint8Array<ArrayBuffer>>,
  cancel: (reason: unknown) => Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const chunk = await next();
      if (chunk.length > 0) controller.enqueue(chunk);
      else controller.close();
    },
    cancel,
  }, { highWaterMark: 0 });
}

/**
 * A stream whose data goes in.
 *
 * @param copy The COPY.
 * @returns The stream.
 */
export function writableOf(copy: Sink): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    write: (chunk) => copy.write(chunk),
    close: () => copy.end(),
    abort: (reason) => copy.abort(reason),
  });
}
