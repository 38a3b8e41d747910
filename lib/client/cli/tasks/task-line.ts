import { isTerminal, type Status } from "../../../contract/lifecycle.ts";
import type { ShortRecord } from "../../../contract/tools/task-record.ts";
import { type Io, type Output, write } from "../io.ts";
import { clip, columnsOf, formatDuration, oneLine, paint } from "../print.ts";
import { whatOf } from "../task-text.ts";

/** `task_` and eight digits: of ten thousand tasks, hardly two begin with the same. */
const SHORT_ID = 13;

/** As much of an id as names a task where it is listed. */
export const shortId = (id: string): string => id.slice(0, SHORT_ID);

/** Says on standard error, in a line, that a task has begun, asks for input or has ended. */
export function tellOfTask(io: Io, task: ShortRecord): Promise<void> {
  const { status, createdAt, updatedAt, error } = task;
  const took = formatDuration(Date.parse(updatedAt) - Date.parse(createdAt));
  const how = isTerminal(status)
    ? `${paintStatus(io.stderr, status)} in ${took}${error ? ` (${error.code})` : ""}`
    : status === "input_required"
      ? paint(io.stderr, "yellow", "needs input")
      : "started";
  const at = new Date().toTimeString().slice(0, 8);
  const line = `${paint(io.stderr, "dim", at)}  ${shortId(task.id)}  ${how}  ${oneLine(whatOf(task))}`;
  return write(io.stderr, `${clip(line, columnsOf(io.stderr))}\n`);
}

/** A status in the colour that it has everywhere. */
export function paintStatus(output: Output, status: Status): string {
  const styles = { succeeded: "green", failed: "red", cancelled: "yellow" } as const;
  return status in styles ? paint(output, styles[status as keyof typeof styles], status) : status;
}
