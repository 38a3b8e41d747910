import type { Context } from "../context.ts";
import { exitCodeOf } from "../exit-code.ts";
import { harmless } from "../harmless.ts";
import { write } from "../io.ts";
import { printJson } from "../print.ts";
import { readingTask, type TaskOptions } from "./with-task.ts";

/** `agent-dispatch logs <id> [--follow]`; with `--follow` the exit code is the job's own. */
export function showLogs(context: Context, text: string, options: TaskOptions & { follow?: boolean }): Promise<number> {
  return readingTask(context, options, text, async (task) => {
    const { io } = context;
    let length = 0;
    let whole = "";
    for await (const data of task.logs({ follow: options.follow })) {
      length += data.length;
      if (options.json) whole += data;
      else await write(io.stdout, harmless(io.stdout, data));
    }
    if (options.json) await printJson(io, { taskId: task.id, cursor: 0, nextCursor: length, data: whole });
    return options.follow ? exitCodeOf(await task.result({ preview: true })) : 0;
  });
}
