import { isTerminal } from "../../../contract/lifecycle.ts";
import type { TaskResult } from "../../../contract/tools/get-task-result.ts";
import type { Context } from "../context.ts";
import { NOT_ENDED } from "../exit-code.ts";
import { write } from "../io.ts";
import { formatBytes, oneLine, paint, printJson, table } from "../print.ts";
import { readingTask, type TaskOptions } from "./with-task.ts";

/** `agent-dispatch artifacts <id>`: the files that a task left, and those that could not be kept. */
export function listArtifacts(context: Context, text: string, options: TaskOptions): Promise<number> {
  return readingTask(context, options, text, async (task) => {
    const { io } = context;
    const { status, artifacts, lostArtifacts = [], artifactsLeftOut } = await task.result({ preview: true });
    if (options.json)
      await printJson(io, {
        taskId: task.id,
        status,
        artifacts,
        ...(lostArtifacts.length > 0 && { lostArtifacts }),
        ...(artifactsLeftOut && { artifactsLeftOut }),
      });
    else {
      await write(io.stdout, artifacts.length === 0 ? "no artifacts\n" : artifactsText(context, artifacts));
      for (const { name, reason } of lostArtifacts)
        await write(io.stderr, `› ${oneLine(name)} is lost: ${oneLine(reason, 2000)}\n`);
      if (artifactsLeftOut)
        await write(io.stderr, `› ${artifactsLeftOut.count} files more than a task may keep were left out\n`);
      if (!isTerminal(status)) await write(io.stderr, "› the task has not ended: its files are kept at its end\n");
    }
    return isTerminal(status) ? 0 : NOT_ENDED;
  });
}

function artifactsText({ io }: Context, artifacts: TaskResult["artifacts"]): string {
  const head = ["name", "size", "type"].map((name) => paint(io.stdout, "dim", name));
  const rows = artifacts.map(({ id, name = id, sizeBytes, contentType = "" }) => [
    oneLine(name, 200),
    sizeBytes === undefined ? "" : formatBytes(sizeBytes),
    oneLine(contentType, 100),
  ]);
  return table([head, ...rows]);
}
