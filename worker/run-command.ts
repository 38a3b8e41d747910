import { realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { RefusedError } from "../lib/contract/errors.ts";
import { DEFAULT_COMMAND_SECONDS } from "../lib/contract/limits.ts";
import { type CommandInput, type CommandResult, commandInputSchema } from "../lib/contract/worker.ts";
import { checkAllowed } from "./allowlist.ts";
import { jobEnv } from "./job-env.ts";
import { captureOf, keepOutput } from "./output/keep-output.ts";
import type { StreamName } from "./output/output-log.ts";
import { invalidInput, parse } from "./parse.ts";
import { processFailure } from "./processes/exit-problem.ts";
import { type ProcessEnd, runProcess } from "./processes/run-process.ts";
import { shellSyntax, splitWords } from "./processes/split-words.ts";
import type { StopOrder } from "./processes/stop.ts";
import type { JobContext, Outcome } from "./runner.ts";

/** Runs `command.run`. However the command ends, its result says so as data. */
export async function runCommand(job: JobContext): Promise<Outcome> {
  const input = parse(commandInputSchema, job.task.input, "input");
  const [file, ...args] = wordsOf(input);
  checkAllowed(job.config.allowlist, input.shell ? "sh" : file, { ...job.task.env, ...input.env });
  const cwd = await folderBelow(job.folder.workspace, input.cwd);
  job.limitTo(input.timeoutSeconds ?? DEFAULT_COMMAND_SECONDS);

  const stdout = logged(job, "stdout");
  const stderr = logged(job, "stderr");
  const env = jobEnv(job, input.env);
  const end = await runProcess({ file, args, cwd, env, stdin: input.stdin, stdout, stderr }, job);
  await keepOutput(job, { "stdout.log": stdout, "stderr.log": stderr });

  const result = resultOf(end, job.stop.order?.kind, stdout.bytes, stderr.bytes);
  const error = processFailure(end, file, "task.exit_code", stderr.lastLine);
  return { result, ...(error && { error: { ...error, ...hintOf(input) } }) };
}

const logged = (job: JobContext, name: StreamName) =>
  captureOf(
    job,
    `${name}.log`,
    (text) => job.log.write(name, text),
    () => !job.log.cut,
  );

/** A command that was written for a shell fails in its own way, which does not say why. */
function hintOf({ command, shell }: CommandInput): { hint?: string } {
  const syntax = shell ? undefined : shellSyntax(command);
  if (syntax === undefined) return {};
  return { hint: `no shell ran, so ${syntax} was only a word: pipes, redirections and the like need shell: true` };
}

/** The program and its arguments. With `shell`, the command is a script and the arguments are its `$1`, `$2`, … */
function wordsOf({ command, args = [], shell }: CommandInput): [string, ...string[]] {
  if (shell) return ["/bin/sh", "-c", command, "sh", ...args];
  let words: string[];
  try {
    words = splitWords(command);
  } catch (cause) {
    throw invalidInput("input.command", "a quote or a backslash is not closed", cause);
  }
  const [program, ...rest] = words;
  if (!program) throw invalidInput("input.command", "names no program");
  return [program, ...rest, ...args];
}

/** A folder in the workspace, whatever symbolic links lead to it. */
async function folderBelow(workspace: string, cwd: string | undefined): Promise<string> {
  const root = await realpath(workspace);
  if (cwd === undefined) return root;
  let folder: string;
  try {
    folder = await realpath(resolve(root, cwd));
    if (!(await stat(folder)).isDirectory()) throw new RefusedError("input.invalid", "not a folder");
  } catch (cause) {
    throw invalidInput("input.cwd", "is not a folder in the workspace", cause);
  }
  const isBelow = folder === root || folder.startsWith(root.endsWith(sep) ? root : root + sep);
  if (!isBelow) throw invalidInput("input.cwd", "leads out of the workspace");
  return folder;
}

type StopKind = StopOrder["kind"] | undefined;

function resultOf(end: ProcessEnd, stopped: StopKind, stdoutBytes: number, stderrBytes: number): CommandResult {
  return {
    exitCode: end.exitCode,
    ...(end.signal !== null && { signal: end.signal }),
    timedOut: stopped === "timeout",
    ...(stopped === "cancel" && { cancelled: true }),
    durationMs: end.durationMs,
    stdoutBytes,
    stderrBytes,
  };
}
