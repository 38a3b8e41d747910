import { Readable, Writable } from "node:stream";
import type { Io } from "../../../lib/client/cli/io.ts";

/** Streams that keep what is written to them. */
export function memoryIo(env: Io["env"] = {}): Io & { out(): string; err(): string } {
  const [stdout, out] = keeper();
  const [stderr, err] = keeper();
  return { stdout, stderr, stdin: Readable.from([]), env, out, err };
}

function keeper(): [Writable, () => string] {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return [stream, () => text];
}
