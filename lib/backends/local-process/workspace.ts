import { realpathSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { RefusedError } from "../../contract/errors.ts";

/**
 * Throws RefusedError `task.workspace_not_found` where jobs cannot run in the folder. One that may steer an agent has to be
 * reached without symbolic links besides: who could change one would choose what is trusted.
 */
export function assertWorkspace({ workspace, trusted }: { workspace?: string; trusted?: true | undefined }): void {
  if (workspace === undefined) return;
  if (!isAbsolute(workspace) || !isFolder(workspace))
    throw new RefusedError(
      "task.workspace_not_found",
      trusted
        ? `the folder that the agent lives in is not there: ${workspace}`
        : "target.details.workspace must be the absolute path of a folder",
      {
        hint: trusted
          ? "put it back, or name the folder in which it is now as workspace of the runtime profile"
          : "name a folder of the machine that runs the job, or leave it out for an empty one",
        details: { workspace },
      },
    );
  const place = trusted ? realpathSync(workspace) : workspace;
  if (place === workspace) return;
  throw new RefusedError(
    "task.workspace_not_found",
    `a symbolic link leads from the folder that the agent lives in, ${workspace}, to ${place}`,
    {
      hint: "if that folder is meant, name it as workspace of the runtime profile, by its own path",
      details: { workspace, place },
    },
  );
}

/** Whether there is a folder at that path. */
export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
