import { isObject } from "../contract/json.ts";
import { hasEnded, type Task } from "../contract/task.ts";
import { outcomeOf } from "./ledger.ts";

/** Answers that are kept of one owner: each request has a place among so many, and the newer takes it from an older. */
export const ANSWER_PLACES = 4096;
/** The answer to a request: `key` is a sha256 of it, in hexadecimal, `atMs` the end of the task that gave it. */
export type Answer = { key: string; taskId: string; atMs: number };

/** The place of a request among those of its owner. */
export const placeOf = (key: string): number => Number.parseInt(key.slice(0, 8), 16) % ANSWER_PLACES;

/** What a write of a task that has just ended leaves for who asks the same; nothing where that would be no help to them. */
export function answerFor(before: Task | undefined, after: Task): Answer | undefined {
  if ((before && hasEnded(before)) || after.answerKey === undefined || !isAnswer(after)) return undefined;
  return { key: after.answerKey, taskId: after.id, atMs: endedAtMs(after) };
}

/** When a task ended, in epoch milliseconds. */
export const endedAtMs = ({ phases, status, updatedAt }: Task): number => Date.parse(phases[status] ?? updatedAt);

/**
 * Whether what a task came to may answer who asks the same: its agent says that it is done, or gave the JSON that was asked
 * for, and no tool was denied to it.
 */
export function isAnswer(task: Task): boolean {
  const { status, result, responseFormat } = task;
  if (status !== "succeeded" || task.taskType !== "agent.run" || !isObject(result)) return false;
  if (Array.isArray(result.deniedTools) && result.deniedTools.length > 0) return false;
  if (responseFormat) return result.result !== undefined && result.parseError === undefined;
  return outcomeOf(task) === "done";
}
