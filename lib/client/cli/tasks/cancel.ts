import type { Context } from "../context.ts";
import { write } from "../io.ts";
import { printJson } from "../print.ts";
import { atTask, type TaskOptions } from "./with-task.ts";

/** `agent-dispatch cancel <id> [--no-cascade]` */
export function cancel(context: Context, text: string, options: TaskOptions & { cascade: boolean }): Promise<number> {
  return atTask(context, options, text, async (task) => {
    const reply = await task.cancel(options.cascade ? {} : { cascade: false });
    if (options.json) await printJson(context.io, reply);
    else await write(context.io.stdout, `${task.id} ${reply.status}\n`);
    return 0;
  });
}
