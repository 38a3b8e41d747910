import type { PlacedJob } from "../backends/adapter.ts";
import { leavesWorkspace } from "../contract/command-line.ts";
import { InvalidInputError } from "../contract/errors.ts";

/**
 * Throws InvalidInputError for a command whose `cwd` is outside of the workspace that it will have. Without a workspace it
 * is a new folder; where its path is known to the worker alone (`unknown`), only a relative path can be judged.
 */
export function refuseOutside(workspace: string | { unknown: true } | undefined, job: PlacedJob): void {
  const { cwd } = job.input;
  if (job.taskType !== "command.run" || typeof cwd !== "string") return;
  if (!leavesWorkspace(typeof workspace === "object" ? "/" : workspace, cwd)) return;
  const where =
    workspace === undefined
      ? "a new folder, whose path is not known before"
      : typeof workspace === "object"
        ? "known to the runtime alone"
        : workspace;
  throw new InvalidInputError([{ path: "input.cwd", message: "leads out of the workspace" }], {
    hint: `the workspace is ${where}; give a path relative to it, or begin the command with cd in a shell`,
  });
}
