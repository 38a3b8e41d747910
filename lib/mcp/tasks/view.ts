import { factsOf } from "../../contract/error-codes.ts";
import { inputRequestsOf, questionText } from "../../contract/input-requests.ts";
import type { Status } from "../../contract/lifecycle.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import type { Followed } from "../../engine/service.ts";

/**
 * A task of ours as a task of MCP, in the words of either generation.
 * https://github.com/modelcontextprotocol/ext-tasks/blob/main/specification/draft/tasks.md
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks
 */

type Shown = "working" | "input_required" | "completed" | "failed" | "cancelled";

const MAX_MESSAGE = 300;

/** What a client is told of a status, where that says more than its name. */
const phrases: Partial<Record<Status, string>> = {
  queued: "waits for a free slot",
  provisioning: "the place where it runs is being made",
  completing: "the job has ended, and its files are being stored",
  cancelling: "it is being stopped",
};

/** What an ended task came to: a result that a tool gives, that nothing could give one, or neither. */
export function endOf({
  status,
  error,
}: Pick<TaskRecord, "status" | "error">): "result" | "error" | "cancelled" | undefined {
  if (status === "succeeded") return "result";
  if (status === "cancelled") return "cancelled";
  if (status !== "failed") return undefined;
  // What the job itself came to is a tool's own error; what took it away from the job is one of the protocol.
  return error && factsOf(error.code).who !== "task" ? "error" : "result";
}

/** As the extension of 2026-07-28 has it: there `failed` is for errors of the protocol alone. */
export function modernTask(followed: Followed) {
  const { record, ttlMs, pollIntervalMs } = followed;
  const end = endOf(record);
  const status: Shown = end === "result" ? "completed" : end === "error" ? "failed" : (end ?? beforeEnd(record.status));
  return { ...common(record, status, messageOf(followed)), ttlMs, ...(!end && { pollIntervalMs }) };
}

/**
 * As the revision 2025-11-25 has it: there a tool's own error is `failed` too. A task that asks is shown as working: its
 * questions would have to travel on a stream that outlives a request, and a client that saw `input_required` would wait for
 * them in `tasks/result` until it gives up. The message says what is asked and which tool answers.
 */
export function legacyTask(followed: Followed) {
  const { record, ttlMs, pollIntervalMs } = followed;
  const end = endOf(record);
  const status: Shown =
    end === undefined ? "working" : end === "cancelled" ? end : record.status === "failed" ? "failed" : "completed";
  const next = record.status === "input_required" ? "; answer with send_task_input" : "";
  const message = messageOf(followed, MAX_MESSAGE - next.length) + next;
  return { ...common(record, status, message), ttl: ttlMs, ...(!end && { pollInterval: pollIntervalMs }) };
}

const beforeEnd = (status: Status): Shown => (status === "input_required" ? status : "working");

const common = ({ id, createdAt, updatedAt }: TaskRecord, status: Shown, statusMessage: string) => ({
  taskId: id,
  status,
  statusMessage,
  createdAt,
  lastUpdatedAt: updatedAt,
});

/** Its phase, and the last that there is to say of it, in one line. */
function messageOf(followed: Followed, maxLength = MAX_MESSAGE): string {
  const { status } = followed.record;
  const said = newsOf(followed)
    ?.replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim();
  return (said ? `${status}: ${said}` : status).slice(0, maxLength).toWellFormed();
}

function newsOf({ record, lastLine }: Followed): string | undefined {
  const { status, queuePosition, admissionPausedBy, progress, error, inputRequests = {} } = record;
  if (admissionPausedBy) return `${phrases.queued}: admission is paused by the ${admissionPausedBy.join(" and the ")}`;
  if (error) return `${error.code}: ${error.message}`;
  if (status === "queued" && queuePosition !== undefined) return `${phrases.queued}, as number ${queuePosition}`;
  if (status === "input_required") return questionText(inputRequestsOf(inputRequests));
  return status === "running" ? (progress?.message ?? lastLine) : phrases[status];
}
