import { RefusedError } from "../contract/errors.ts";
import {
  type InputRequests,
  type InputResponse,
  type InputResponses,
  readQuestions,
} from "../contract/input-requests.ts";
import { type Answer, type Task, transition, without } from "../contract/task.ts";
import type { WorkerEvent } from "../contract/worker.ts";

/** Answers that a worker has are remembered, so that the same call again is no other answer: so many of them. */
const REMEMBERED = 20;

/** An answer to a question, and a hash of what was given as it. */
export type Given = { response: InputResponse; given: string };

/** What was answered, and the worker does not have yet. */
export const undelivered = ({ answers = [] }: Task): InputResponses =>
  Object.fromEntries(answers.flatMap(({ key, response }) => (response ? [[key, response]] : [])));

/** Whether that question was answered so before. Throws RefusedError `input.not_asked` where it was answered otherwise. */
export function wasAnswered(task: Task, key: string, given: string): boolean {
  const known = task.answers?.find((answer) => answer.key === key);
  if (known && known.given !== given) throw notAsked(task, `what task ${task.id} asked as ${key} was answered already`);
  return known !== undefined;
}

export const notAsked = (task: Task, message: string): RefusedError =>
  new RefusedError("input.not_asked", message, {
    hint: "get_task_status shows what it asks now",
    details: { taskId: task.id, asked: Object.keys(task.inputRequests ?? {}) },
  });

/**
 * The task with answers to what it asks: it goes on once nothing is left. Undefined when it had them before. Throws
 * RefusedError `input.not_asked`.
 */
export function withAnswers(task: Task, given: Readonly<Record<string, Given>>, nowMs: number): Task | undefined {
  const fresh = Object.entries(given).filter(([key, answer]) => !wasAnswered(task, key, answer.given));
  if (fresh.length === 0) return undefined;
  const open: InputRequests = { ...task.inputRequests };
  const answers: Answer[] = [...(task.answers ?? [])];
  for (const [key, answer] of fresh) {
    if (!Object.hasOwn(open, key)) throw notAsked(task, `task ${task.id} does not ask ${key} any more`);
    delete open[key];
    answers.push({ key, after: task.workerSequence, ...answer });
  }
  const next = Object.keys(open).length > 0 ? { ...task, inputRequests: open } : transition(task, "running", nowMs);
  return { ...next, answers } as Task;
}

/** The task whose worker has these answers. */
export function withDelivered<T extends Task>(task: T, keys: readonly string[]): T {
  if (!task.answers || keys.length === 0) return task;
  const answers = task.answers.map((answer) => (keys.includes(answer.key) ? without(answer, "response") : answer));
  const forgotten = answers.filter(({ response }) => !response).slice(0, -REMEMBERED);
  return { ...task, answers: answers.filter((answer) => !forgotten.includes(answer)) };
}

/** The task whose worker refused these answers: what they were to answer is asked again. */
export function withRefused<T extends Task>(task: T, keys: readonly string[]): T {
  if (!task.answers || keys.length === 0) return task;
  return { ...task, answers: task.answers.filter(({ key, response }) => !(response && keys.includes(key))) };
}

/** What is still open of what a worker asks: it may have said so before an answer reached it. */
export const unanswered = (task: Task, requests: InputRequests): InputRequests =>
  Object.fromEntries(Object.entries(requests).filter(([key]) => !task.answers?.some((answer) => answer.key === key)));

/**
 * The task after events of its worker. A worker of ours gives each question a key of its own; one of others may ask again
 * under the same, and what answered the question before does not answer that.
 */
export function askedAnew<T extends Task>(task: T, events: readonly WorkerEvent[]): T {
  const asked = events.filter(({ type }) => type === "task.input_required");
  if (!task.answers || asked.length === 0) return task;
  const isOver = ({ key, after }: Answer): boolean =>
    asked.some(
      ({ sequence, payload, message }) =>
        sequence > after && readQuestions(payload, message).some((question) => question.key === key),
    );
  return { ...task, answers: task.answers.filter((answer) => !isOver(answer)) };
}
