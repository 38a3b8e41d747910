import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuiltInFramework, builtInFramework } from "../../../../lib/contract/frameworks.ts";
import { fixture, startWorker, type TestWorker, temporaryFolder } from "../../start-worker.ts";

/** What a program was given when it was started. */
type Seen = { args: string[]; env: Record<string, string>; cwd: string; stdin: string; files: Record<string, string> };

const homes = temporaryFolder();

/** The input of a task for that framework, with these of its options. */
export const taskFor =
  (framework: BuiltInFramework) =>
  (runtimeTools: Record<string, unknown> = {}) => ({ instruction: "do it", framework, runtime_tools: runtimeTools });

/**
 * A worker on whose PATH a program is that prints one recording of the real one, and a home of its own. Of `lines`, counted
 * from 1, it prints these alone, and then waits.
 */
export async function replayed(
  program: BuiltInFramework,
  recording: string,
  env: Record<string, string> | ((home: string) => Record<string, string>) = {},
  lines?: readonly number[],
): Promise<{ worker: TestWorker; home: string; seen(): Seen; [Symbol.asyncDispose](): Promise<void> }> {
  const home = mkdtempSync(join(homes, "home-"));
  const bin = join(home, "bin");
  mkdirSync(bin);
  const script = join(bin, builtInFramework(program)?.program ?? program);
  const saw = join(home, "saw.json");
  const whole = fixture(`agents/${program}/${recording}.txt`);
  const part = join(home, "part.txt");
  const all = readFileSync(whole, "utf8").split("\n");
  if (lines) writeFileSync(part, [...lines.map((number) => all[number - 1]), "!wait"].join("\n"));
  const words = [process.execPath, fixture("agents/replay.mjs"), lines ? part : whole, saw];
  writeFileSync(script, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`);
  chmodSync(script, 0o755);
  const worker = await startWorker({
    PATH: `${bin}:${process.env.PATH}`,
    HOME: home,
    ...(typeof env === "function" ? env(home) : env),
  });
  return {
    worker,
    home,
    seen: () => JSON.parse(readFileSync(saw, "utf8")) as Seen,
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}
