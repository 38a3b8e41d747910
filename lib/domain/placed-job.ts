import { leavesWorkspace } from "./command-line.ts";
import { InvalidInputError } from "./errors.ts";
import type { PlacedJob } from "./ports.ts";

/** Throws InvalidInputError for a command whose `cwd` is outside of the workspace that it will have. */
export function refuseOutside(workspace: string | undefined, { taskType, input }: PlacedJob): void {
  if (taskType !== "command.run" || typeof input.cwd !== "string" || !leavesWorkspace(workspace, input.cwd)) return;
  const where = workspace === undefined ? "a new folder, whose path is not known before" : workspace;
  throw new InvalidInputError([{ path: "input.cwd", message: "leads out of the workspace" }], {
    hint: `the workspace is ${where}; give a path relative to it, or begin the command with cd in a shell`,
  });
}
