import type { Readable } from "node:stream";

/** Where a command writes: standard output and standard error, or what a test puts in their place. */
export type Output = NodeJS.WritableStream & { isTTY?: boolean };

/** What a command may touch of its process. */
export type Io = {
  stdout: Output;
  stderr: Output;
  stdin: Readable;
  env: Record<string, string | undefined>;
};

/** Writes, and resolves once the text is handed on: a reader that is slow is waited for, one that has left is not. */
export function write(output: Output, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (error) => (error && !isReaderGone(error) ? reject(error) : resolve()));
  });
}

/** A pipe without a reader, or a terminal that was closed. */
const isReaderGone = (error: Error): boolean =>
  "code" in error && ["EPIPE", "EIO", "ERR_STREAM_DESTROYED"].includes(String(error.code));

/** Whether a person watches this output, so that a line on it may be drawn over. */
export function isInteractive(output: Output, env: Io["env"]): boolean {
  return output.isTTY === true && env.TERM !== "dumb" && env.CI === undefined;
}
