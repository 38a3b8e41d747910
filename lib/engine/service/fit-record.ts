import { previewValue } from "../../contract/preview.ts";
import { fitReply } from "../../contract/replies/fit-reply.ts";
import { MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import { taskUri } from "../../contract/replies/task-uri.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";

const PREVIEW = 4_000;
/** The parts of a record that can be long, the least missed first. */
const parts = [
  "input",
  "metadata",
  "inputRequests",
  "result",
  "progress",
  "target",
  "caller",
  "goal",
  "usage",
  "error",
] as const;

/** A record that fits into a reply: parts that are too long become previews, and `previews` names them. */
export function fitRecord(record: TaskRecord, room = MAX_REPLY): TaskRecord {
  let fitted = record;
  const previews: string[] = [...(record.previews ?? [])];
  for (const part of parts) {
    if (replySize(fitted) <= room) return fitted;
    const value = fitted[part];
    if (value === undefined || replySize(value) <= PREVIEW) continue;
    previews.push(part);
    fitted = { ...fitted, [part]: previewValue(value, PREVIEW), previews };
    if (part === "result") fitted = { ...fitted, resource: taskUri(record.id, "result") };
  }
  return fitReply(fitted, room);
}
