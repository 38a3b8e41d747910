import type { TaskEvent } from "../../../contract/events.ts";
import type { ToolCaller } from "../../sdk/caller.ts";
import type { Context } from "../context.ts";
import { exitCodeOf } from "../exit-code.ts";
import { harmlessJson } from "../harmless.ts";
import { write } from "../io.ts";
import { clip, columnsOf, oneLine } from "../print.ts";
import { reading, type TaskOptions, taskOf } from "./with-task.ts";

type EventOptions = TaskOptions & { after?: number; follow?: boolean };

const TYPE_WIDTH = "runtime.provisioned".length;

/** `agent-dispatch events <id> [--after] [--follow]`; with `--follow` the exit code is the job's own. */
export function showEvents(context: Context, text: string, options: EventOptions): Promise<number> {
  return reading(context, options, async (client) => {
    const { stdout } = context.io;
    const task = await taskOf(context, options, client, text);
    const { after = 0, follow } = options;
    for await (const event of follow ? task.events({ after }) : eventsSoFar(client, task.id, after)) {
      const line = options.json ? harmlessJson(JSON.stringify(event)) : clip(eventText(event), columnsOf(stdout));
      await write(stdout, `${line}\n`);
    }
    return follow ? exitCodeOf(await task.result({ preview: true })) : 0;
  });
}

/** The events that there are by now, page after page. */
async function* eventsSoFar(caller: ToolCaller, taskId: string, from: number): AsyncGenerator<TaskEvent> {
  for (let after = from; ; ) {
    const { events = [] } = await caller.call("get_task_status", { task_id: taskId, events_after: after });
    const last = events.at(-1);
    if (!last) return;
    yield* events;
    after = last.sequence;
  }
}

function eventText({ sequence, type, timestamp, message = "" }: TaskEvent): string {
  const at = new Date(timestamp).toTimeString().slice(0, 8);
  return `${at}  ${String(sequence).padStart(4)}  ${oneLine(type).padEnd(TYPE_WIDTH)}  ${oneLine(message)}`.trimEnd();
}
