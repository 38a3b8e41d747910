import { Socket } from "node:net";
import type { Readable } from "node:stream";

/** Takes what a process prints. Nothing more is read before the promise resolves, and then the bytes are reused. */
export type Sink = { write(chunk: Buffer): Promise<void> };

/** One output of a process. */
export type Output = {
  /** Reads to the end, or to `destroy`. Never rejects. */
  drainTo(sink: Sink): Promise<void>;
  destroy(): void;
};

/**
 * Reads a pipe through one buffer. A stream makes a new one for every 64 KB, and a program that prints 200 MB would
 * leave that much to the garbage collector.
 */
export function readPipe(descriptor: number): Output {
  const ended = Promise.withResolvers<void>();
  const buffer = Buffer.allocUnsafe(64 * 1024);
  let sink: Sink | undefined;
  let writing = Promise.resolve();
  const take = (size: number) => {
    writing = writing.then(() => sink?.write(buffer.subarray(0, size))).catch(() => {});
    void writing.then(() => socket.resume());
    return false; // stop reading
  };
  const onread = { buffer, callback: take };
  const socket = new Socket({ fd: descriptor, readable: true, writable: false, onread });
  socket.on("error", () => {});
  socket.once("close", () => void writing.then(ended.resolve));
  return {
    drainTo(into) {
      sink = into;
      socket.resume();
      return ended.promise;
    },
    destroy: () => socket.destroy(),
  };
}

/** Reads a stream, where there is no pipe of our own. */
export function readStream(stream: Readable): Output {
  const drainTo = async (sink: Sink) => {
    try {
      for await (const chunk of stream) await sink.write(chunk);
    } catch {
      // Cut off by us, or broken: what came until then was taken.
    }
  };
  return { drainTo, destroy: () => stream.destroy() };
}
