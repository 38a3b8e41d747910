import type { ChildProcess } from "node:child_process";
import { closeSync, constants, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LiveInput } from "../processes/live-input.ts";
import type { PipePair } from "../processes/pipes.ts";
import { type Output, readPipe, readStream } from "./output.ts";

export type Stdio = {
  /** For `spawn`. */
  options: ["ignore" | "pipe" | number, "pipe" | number, "pipe" | number];
  /** After `spawn`: closes this side's copies and returns what the process prints. */
  attach(child?: ChildProcess): Output[];
};

/**
 * The standard streams of a process: text on stdin as a file that ends (made in `folder` for a moment), a
 * pipe that stays open, or nothing; stdout
 * and stderr through the named pipes, which are removed, or else through sockets.
 */
export function openStdio(folder: string, stdin: string | LiveInput | undefined, pipes: PipePair | undefined): Stdio {
  const opened: number[] = [];
  const readers: Output[] = [];
  const opening = (path: string, flags: string | number) => {
    const descriptor = openSync(path, flags, 0o600);
    opened.push(descriptor);
    return descriptor;
  };
  const input = () => {
    if (stdin === undefined) return "ignore";
    if (typeof stdin !== "string") return "pipe";
    const file = join(folder, "stdin");
    writeFileSync(file, stdin, { mode: 0o600 });
    const descriptor = opening(file, "r");
    rmSync(file);
    return descriptor;
  };
  const output = (path: string | undefined) => {
    if (path === undefined) return "pipe";
    // The reading side first: without a reader, opening the writing side would block.
    const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    readers.push(readPipe(reading));
    const writing = opening(path, constants.O_WRONLY);
    rmSync(path);
    return writing;
  };
  const close = () => {
    for (const descriptor of opened.splice(0)) closeSync(descriptor);
  };
  try {
    const options: Stdio["options"] = [input(), output(pipes?.stdout), output(pipes?.stderr)];
    const attach = (child?: ChildProcess) => {
      close();
      return readers.length > 0
        ? readers
        : [child?.stdout, child?.stderr].flatMap((each) => (each ? readStream(each) : []));
    };
    return { options, attach };
  } catch (error) {
    close();
    for (const reader of readers) reader.destroy();
    throw error;
  }
}
