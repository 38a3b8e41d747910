import { execFile } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { replaceFile } from "../../../config/replace-file.ts";
import { RefusedError } from "../../../contract/errors.ts";
import type { Assistant, Machine, Step, Wish } from "../assistants/assistant.ts";
import { changedLines } from "../assistants/changed-lines.ts";
import { findProgram } from "../assistants/on-path.ts";
import { quote } from "../command-name.ts";
import type { Io } from "../io.ts";
import { oneLine, paint } from "../print.ts";

const COMMAND_TIMEOUT_MS = 60_000;

/** What an assistant needs to know us, or to know us no more. */
export type Planned = { assistant: Assistant; steps: Step[] };

export const planAll = (chosen: readonly Assistant[], machine: Machine, wish: Wish): Planned[] =>
  chosen.map((assistant) => ({ assistant, steps: assistant.plan(machine, wish) }));

/** A step as a person reads it before it is done: the lines of a file that change, or the command. */
export function stepText(io: Io, step: Step): string {
  if (step.kind === "command") return `  ${step.words.map(quote).join(" ")}\n`;
  const { gone, come } = changedLines(step.before, step.after);
  const line = (sign: string, style: "red" | "green") => (text: string) =>
    `  ${paint(io.stdout, style, `${sign} ${indentOf(text)}${oneLine(text, 2000)}`)}\n`;
  return `  ${oneLine(step.file, 4096)}\n${gone.map(line("-", "red")).join("")}${come.map(line("+", "green")).join("")}`;
}

const indentOf = (line: string): string => /^[ \t]*/.exec(line)?.[0] ?? "";

/** Does it. Throws RefusedError `client.assistant_failed` or `configuration.unwritable`. */
export async function doStep(step: Step, env: Io["env"]): Promise<void> {
  if (step.kind === "command") return await runCommand(step.words, env);
  const { file, after } = step;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0o600;
  await replaceFile(file, after, { mode: mode & 0o777 });
}

async function runCommand(words: readonly [string, ...string[]], env: Io["env"]): Promise<void> {
  const [name, ...args] = words;
  const program = findProgram(name, env);
  const failed = (message: string, cause?: unknown) =>
    new RefusedError("client.assistant_failed", message, {
      hint: `once that is mended, do the same again, or by hand: ${words.map(quote).join(" ")}`,
      cause,
    });
  if (program === undefined) throw failed(`there is no program ${name} on the PATH`);
  try {
    const child = promisify(execFile)(program, args, { env, timeout: COMMAND_TIMEOUT_MS });
    // It must not wait for what a person types here.
    child.child.stdin?.end();
    await child;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    throw failed(`${name} has refused: ${oneLine(said) || "it said nothing"}`, error);
  }
}
