import { execFile } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { replaceFile } from "../../../config/replace-file.ts";
import { RefusedError } from "../../../contract/errors.ts";
import type { Assistant, Machine, Step, Wish } from "../assistants/assistant.ts";
import { findProgram } from "../assistants/on-path.ts";
import { quote } from "../command-name.ts";
import type { Io } from "../io.ts";
import { oneLine, paint } from "../print.ts";

const COMMAND_TIMEOUT_MS = 60_000;

/** What an assistant needs to know us, or to know us no more. */
export type Planned = { assistant: Assistant; steps: Step[] };

export const planAll = (chosen: readonly Assistant[], machine: Machine, wish: Wish): Planned[] =>
  chosen.map((assistant) => ({ assistant, steps: assistant.plan(machine, wish) }));

/** A step as a person reads it before it is done: what goes from a file and comes into it, or the command. */
export function stepText(io: Io, step: Step): string {
  if (step.kind === "command") return `  ${step.shown.map(quote).join(" ")}\n`;
  const { gone, come } = step;
  const line = (sign: string, style: "red" | "green") => (text: string) =>
    `  ${paint(io.stdout, style, `${sign} ${indentOf(text)}${oneLine(text, 2000)}`)}\n`;
  return `  ${oneLine(step.file, 4096)}\n${gone.map(line("-", "red")).join("")}${come.map(line("+", "green")).join("")}`;
}

const indentOf = (line: string): string => /^[ \t]*/.exec(line)?.[0] ?? "";

/** Does it. Throws RefusedError `client.assistant_failed` or `configuration.unwritable`. */
export async function doStep(step: Step, env: Io["env"]): Promise<void> {
  if (step.kind === "command") return await carryOut(step, env);
  const { file, after } = step;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0o600;
  await replaceFile(file, after, { mode: mode & 0o777 });
}

async function carryOut({ words, shown, otherwise }: Step & { kind: "command" }, env: Io["env"]): Promise<void> {
  const problem = await runCommand(words, env);
  if (problem === undefined) return;
  const hint = `once that is mended, do the same again, or by hand: ${shown.map(quote).join(" ")}`;
  if (!otherwise) throw new RefusedError("client.assistant_failed", problem, { hint });
  const lost = await runCommand(otherwise, env);
  const state = lost === undefined ? "what was registered is back" : "what was registered is gone";
  throw new RefusedError("client.assistant_failed", `${problem}; ${state}`, { hint });
}

/** What kept the command from its end; undefined where nothing did. */
async function runCommand(
  [name, ...args]: readonly [string, ...string[]],
  env: Io["env"],
): Promise<string | undefined> {
  const program = findProgram(name, env);
  if (program === undefined) return `there is no program ${name} on the PATH`;
  try {
    const child = promisify(execFile)(program, args, { env, timeout: COMMAND_TIMEOUT_MS });
    // It must not wait for what a person types here.
    child.child.stdin?.end();
    await child;
    return undefined;
  } catch (error) {
    // Not its message, which has the words.
    const said = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    return `${name} has refused: ${oneLine(said) || "it said nothing"}`;
  }
}
