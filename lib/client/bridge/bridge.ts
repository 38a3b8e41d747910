import type { Readable, Writable } from "node:stream";
import manifest from "../../../package.json" with { type: "json" };
import { DispatchError } from "../../contract/errors.ts";
import type { Door, Target } from "../http/door.ts";
import { makeCollector } from "./collector.ts";
import { help, readOptions } from "./options.ts";
import { Output } from "./output.ts";
import { Pipe } from "./pipe.ts";
import { stderrLog } from "./stderr-log.ts";
import { Turn } from "./turn.ts";

/** A call is answered within 50 s; what has begun is waited for a little longer. */
const FINISH_MS = 60_000;

export type BridgeParts = {
  stdin: Readable;
  /** Of messages alone. */
  stdout: Writable;
  stderr: Writable;
  env: Readonly<Record<string, string | undefined>>;
  open(target: Target): Door;
  /** Calls back at each signal that asks for the end. */
  onSignal(end: () => void): void;
};

/**
 * Runs the bridge with the words of its command line, until its input ends, nobody reads its output or a signal asks it to
 * end, and what was under way has. Resolves with the exit code: 0, or 2 for words that it does not know.
 */
export async function runBridge(words: readonly string[], parts: BridgeParts): Promise<number> {
  const { stdin, stdout, stderr, env, onSignal } = parts;
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(words, env);
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    stderr.write(`✖ ${error.message}\n\n${help}`);
    return 2;
  }
  const output = new Output(stdout);
  if (options.show) {
    stdout.write(options.show === "help" ? help : `${manifest.version}\n`);
    await output.flushed();
    return 0;
  }
  const log = stderrLog(stderr, options.logLevel);
  let door: Door | undefined;
  const open = () => {
    door ??= parts.open(options.target);
    return door;
  };
  const pipe = new Pipe(output, { open, large: new Turn(), passed: makeCollector(), log });
  const signalled = new Promise<void>((resolve) => {
    let signals = 0;
    onSignal(() => {
      signals += 1;
      stdin.destroy();
      // Whoever asks twice does not want to wait.
      if (signals > 1) pipe.giveUp();
      resolve();
    });
  });
  await Promise.race([pipe.read(stdin), signalled]);
  await pipe.finish(FINISH_MS);
  await output.flushed();
  return 0;
}
