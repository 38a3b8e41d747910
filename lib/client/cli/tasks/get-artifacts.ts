import { mkdir, realpath } from "node:fs/promises";
import { dirname, join, parse, resolve, sep } from "node:path";
import { codeOf, DispatchError, type Problem, RefusedError } from "../../../contract/errors.ts";
import { isTerminal } from "../../../contract/lifecycle.ts";
import type { Artifact, ClientTask } from "../../sdk/task.ts";
import type { Context } from "../context.ts";
import { exitCodeOfProblem, NOT_ENDED } from "../exit-code.ts";
import { write } from "../io.ts";
import { oneLine, printJson, printProblem } from "../print.ts";
import { inTerms } from "../terms.ts";
import { untilDeparture } from "../until-departure.ts";
import { safePath } from "./safe-path.ts";
import { readingTask, type TaskOptions } from "./with-task.ts";
import { writeNewFile } from "./write-file.ts";

type GetOptions = TaskOptions & { to: string; force?: boolean };

/** What became of a file: where it is, or why it is not there. */
type Got = { id: string; name: string; path: string; sizeBytes?: number; error?: Problem };

/**
 * `agent-dispatch artifacts get <id> [names…] [--to <folder>] [--force]`: brings files that a task left, by their names or ids,
 * or all of them. Prints where each is; one that fails keeps no other from being brought. Resolves with 0, or with the exit
 * code of the first that failed.
 */
export function getArtifacts(
  context: Context,
  text: string,
  names: readonly string[],
  options: GetOptions,
): Promise<number> {
  return readingTask(context, options, text, (task) =>
    untilDeparture(context, (signal) => bringAll(context, task, { names, options, signal })),
  );
}

type Bringing = { names: readonly string[]; options: GetOptions; signal: AbortSignal };

async function bringAll({ io }: Context, task: ClientTask, { names, options, signal }: Bringing): Promise<number> {
  const { status, artifacts } = await task.result({ preview: true, signal });
  if (!isTerminal(status)) {
    await write(io.stderr, `the task has not ended: it is ${status.replaceAll("_", " ")}\n`);
    return NOT_ENDED;
  }
  const folder = await madeFolder(resolve(options.to));
  const got: Got[] = [];
  for (const [artifact, path] of placed(chosen(artifacts, names, task.id))) {
    const one = await bring(task, artifact, { folder, path, force: options.force ?? false, signal });
    const error = one.error && inTerms(one.error, options);
    got.push({ ...one, ...(error && { error }) });
    if (options.json) continue;
    if (error) await printProblem(io, error);
    else await write(io.stdout, `${oneLine(one.path, 4096)}\n`);
  }
  if (options.json) await printJson(io, { taskId: task.id, files: got });
  const failed = got.find(({ error }) => error)?.error;
  return failed ? exitCodeOfProblem(failed) : 0;
}

/** Those that are named, or all. Throws RefusedError `artifact.not_found`. */
function chosen(artifacts: readonly Artifact[], names: readonly string[], taskId: string): readonly Artifact[] {
  if (names.length === 0) return artifacts;
  return names.flatMap((wanted) => {
    const found = artifacts.filter(({ id, name }) => id === wanted || name === wanted);
    if (found.length > 0) return found;
    throw new RefusedError("artifact.not_found", `task ${taskId} has no artifact ${JSON.stringify(wanted)}`, {
      hint: `agent-dispatch artifacts ${taskId} lists them`,
    });
  });
}

/** Each with its path below the folder: of two whose names come to the same, the second has its id in it. */
function placed(artifacts: readonly Artifact[]): [Artifact, string][] {
  const taken = new Set<string>();
  return artifacts.map((artifact) => {
    const plain = safePath(artifact.name ?? artifact.id);
    const { dir, name, ext } = parse(plain);
    const path = taken.has(plain.toLowerCase()) ? join(dir, `${name}~${safePath(artifact.id)}${ext}`) : plain;
    taken.add(path.toLowerCase());
    return [artifact, path];
  });
}

async function bring(
  task: ClientTask,
  { id, name = id, sizeBytes, sha256 }: Artifact,
  { folder, path, force, signal }: { folder: string; path: string; force: boolean; signal: AbortSignal },
): Promise<Got> {
  const target = join(folder, path);
  const told = { id, name, path: target, ...(sizeBytes !== undefined && { sizeBytes }) };
  try {
    await madeFolder(dirname(target), folder);
    await writeNewFile(target, task.artifact(id).stream({ signal }), { force, sha256 });
    return told;
  } catch (error) {
    if (error instanceof DispatchError) return { ...told, error: error.problem };
    throw error;
  }
}

/** The folder, made where it is missing, without links on the way; below `root` nothing may lead out of that. */
async function madeFolder(folder: string, root?: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    const real = await realpath(folder);
    if (root === undefined || real === root || real.startsWith(root + sep)) return real;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new RefusedError("client.file_unwritable", `the folder ${folder} cannot be made (${codeOf(error)})`, {
      hint: "name another with --to",
      cause: error,
    });
  }
  throw new RefusedError("client.file_unwritable", `${folder} leads out of ${root}`, {
    hint: "take the link away, or name another folder with --to",
  });
}
