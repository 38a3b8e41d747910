import { isOrchestration } from "../../contract/kinds.ts";
import type { Status } from "../../contract/lifecycle.ts";
import { firstOf, previewValue } from "../../contract/preview.ts";
import { countFitting, firstFitting, MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import { jobIdOf } from "../../contract/tools/jobs/fields.ts";
import type { Job, JobStatus, JobSummary } from "../../contract/tools/jobs/jobs.ts";
import { errorTypeOf, outcomeOf } from "../orchestration/agent-result.ts";
import type { ReadPorts } from "../ports.ts";
import { shortRecord } from "../record.ts";
import { lastLines } from "../service/progress.ts";
import { answerOfAll, resultOfAgent } from "./results.ts";

type Kept = Pick<ReadPorts, "store" | "artifacts">;

/** What parts of the record of a job may take of a reply; the rest is for its result. */
const MAX_TEXT = 2000;
const MAX_OBJECT = 1000;
const MAX_PROGRESS = 6000;
const MAX_SUMMARY = 120;
const MAX_LINES = 20;

/** How a job stands, in the words of whoever dispatches to agents: one whose agent has not begun is `pending`. */
export function jobStatus(status: Status): JobStatus {
  switch (status) {
    case "queued":
    case "provisioning":
    case "starting":
      return "pending";
    case "succeeded":
      return "done";
    case "failed":
    case "cancelled":
      return status;
    default:
      return "running";
  }
}

/** The agent of a job, or what it is instead. */
const agentOf = ({ profile, taskType }: Task): string => (isOrchestration(taskType) ? taskType : profile);

/** Whether a task is one of agents: a program is none. */
export const isJob = ({ taskType }: Task): boolean => taskType !== "command.run";

/** All of a job that one answer holds. */
export async function jobRecord(ports: Kept, task: Task): Promise<Job> {
  const { caller, goal } = task;
  const lines = await progressOf(ports, task);
  const record = {
    ...times(task),
    ...(caller !== undefined && {
      caller: typeof caller === "string" ? firstFitting(caller, MAX_TEXT) : previewValue(caller, MAX_OBJECT),
    }),
    ...(goal !== undefined && { goal: firstFitting(goal, MAX_TEXT) }),
    task: firstFitting(taskOf(task), MAX_TEXT),
    ...(lines.length > 0 && {
      progress: lines,
      progress_updated_at: seconds(task.progress?.timestamp ?? task.updatedAt),
    }),
    ...(hasEnded(task) && task.error && { error: firstFitting(task.error.message, MAX_TEXT) }),
    ...(task.status === "input_required" && {
      input_requests: task.inputRequests,
      hint: "it asks: send_task_input answers, with its id as task_id",
    }),
  };
  if (!hasEnded(task)) return record;
  const room = MAX_REPLY - replySize(record) - ENDS;
  const result = task.orchestration ? await answerOfAll(ports, task, room) : await resultOfAgent(ports, task, room);
  return { ...record, result };
}

/** What a record has besides: that nobody waited for its end. */
const ENDS = 100;

/** The same in a line of a list. */
export function jobSummary(task: Task): JobSummary {
  const { result, usage, error, progress, status } = task;
  const outcome = (result as { outcome?: unknown } | undefined)?.outcome;
  return {
    ...times(task),
    task: firstOf(taskOf(task), MAX_SUMMARY),
    ...(hasEnded(task) && { success: status === "succeeded" }),
    ...(typeof usage?.costUsd === "number" && { cost_usd: usage.costUsd }),
    ...(typeof outcome === "string" && { outcome: outcomeOf(outcome) }),
    ...(!hasEnded(task) && progress?.message && { last_progress: firstOf(progress.message, 300) }),
    ...(hasEnded(task) && error && { error_type: errorTypeOf(error) }),
  };
}

const times = (task: Task) => {
  const { id, status, phases, createdAt } = task;
  const began = phases.running;
  const ended = hasEnded(task) ? phases[status] : undefined;
  return {
    id: jobIdOf(id),
    agent: agentOf(task),
    status: jobStatus(status),
    created_at: seconds(createdAt),
    ...(began !== undefined && { started_at: seconds(began) }),
    ...(ended !== undefined && { completed_at: seconds(ended) }),
  };
};

const seconds = (at: string): number => Date.parse(at) / 1000;

const taskOf = (task: Task): string => {
  const { instruction } = task.input;
  return typeof instruction === "string" ? instruction : (shortRecord(task).summary ?? "");
};

/** The last lines of what it said, as many as there is room for, or how far it says that it is. */
export async function progressOf({ store }: Pick<Kept, "store">, { id, logLength, progress }: Task): Promise<string[]> {
  const lines = logLength > 0 ? await lastLines({ store }, id, logLength, MAX_LINES) : [];
  if (lines.length > 0) return lines.slice(-countFitting(lines.toReversed(), MAX_PROGRESS));
  return progress?.message === undefined ? [] : [firstOf(progress.message, 300)];
}
