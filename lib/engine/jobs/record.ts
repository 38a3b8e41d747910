import { defined } from "../../contract/json.ts";
import { isOrchestration } from "../../contract/kinds.ts";
import type { Status } from "../../contract/lifecycle.ts";
import { firstOf } from "../../contract/preview.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import { jobIdOf } from "../../contract/tools/jobs/fields.ts";
import type { Job, JobStatus, JobSummary } from "../../contract/tools/jobs/jobs.ts";
import { errorTypeOf, outcomeOf } from "../orchestration/agent-result.ts";
import type { ReadPorts } from "../ports.ts";
import { shortRecord } from "../record.ts";
import { lastLines } from "../service/progress.ts";
import { answerOfAll, resultOfAgent } from "./results.ts";

type Kept = Pick<ReadPorts, "store" | "artifacts">;

const MAX_TASK = 2000;
const MAX_SUMMARY = 120;
const MAX_LINES = 20;
/** Of a result in the record of a job; fetch_result has the whole. */
const MAX_RESULT = 12_000;

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
  const lines = await progressOf(ports, task);
  return {
    ...times(task),
    ...defined({ caller: task.caller, goal: task.goal }),
    task: firstOf(taskOf(task), MAX_TASK),
    ...(lines.length > 0 && {
      progress: lines,
      progress_updated_at: seconds(task.progress?.timestamp ?? task.updatedAt),
    }),
    ...(hasEnded(task) && {
      result: task.orchestration ? await answerOfAll(ports, task) : await resultOfAgent(ports, task, MAX_RESULT),
      ...(task.error && { error: firstOf(task.error.message, MAX_TASK) }),
    }),
    ...(task.status === "input_required" && {
      input_requests: task.inputRequests,
      hint: "it asks: send_task_input answers, with its id as task_id",
    }),
  };
}

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

/** The last lines of what it said, or how far it says that it is. */
export async function progressOf({ store }: Pick<Kept, "store">, { id, logLength, progress }: Task): Promise<string[]> {
  const lines = logLength > 0 ? await lastLines({ store }, id, logLength, MAX_LINES) : [];
  return lines.length > 0 || progress?.message === undefined ? lines : [firstOf(progress.message, 300)];
}
