import {
  DispatchError,
  InvalidInputError,
  OutcomeUnknownError,
  RefusedError,
  RetryableError,
} from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { readResponses } from "../../contract/questions/responses.ts";
import type { Json, Task } from "../../contract/task.ts";
import { randomHex } from "../../contract/task-id.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import { CONTRACT, sayReplySchema } from "../../contract/worker.ts";
import { type Given, notAsked, undelivered, wasAnswered, withAnswers, withDelivered, withRefused } from "../answers.ts";
import { callHash } from "../idempotency.ts";
import { invokeOnce } from "../invocation-gate.ts";
import { hearingOf, parseReply } from "../poll/worker-reply.ts";
import type { Ports } from "../ports.ts";

type Receipt = ToolResult<"send_task_input">;
type Delivery = Pick<Receipt, "delivered" | "reason" | "hint">;

const ANSWER_MS = 5000;
/** So long whoever holds the call of a job may take to look for an answer. */
const HOLDER_MS = 3000;
const LOOKING_MS = 100;

/** Refuses what nobody hears any more. */
export function assertHears(task: Task): void {
  const { status } = task;
  if (isTerminal(status) || status === "completing" || status === "cancelling") throw hearsNothing(task);
}

export function hearsNothing({ id, status, conversation }: Task): RefusedError {
  return new RefusedError("task.terminal", `task ${id} is ${status}: its agent hears nothing more`, {
    hint: conversation
      ? `another task with conversation ${conversation.id} goes on with its agent`
      : "dispatch another task",
    details: { taskId: id, status, ...(conversation && { conversation: conversation.id }) },
  });
}

/** Refuses what an agent would hear that is not there yet. */
export function assertBegun({ status }: Task): void {
  if (status === "running" || status === "input_required") return;
  throw new RetryableError("platform.not_ready", `the agent of the task has not begun: it is ${status}`, {
    hint: "wait_for_task returns when it asks or has ended; try again in a moment",
  });
}

/**
 * Answers what a task asks: the answers are kept in the task, and then delivered, by whoever reaches its worker next. Some
 * of several questions may be answered. Throws InvalidInputError with every field that its form does not take, RefusedError
 * `task.terminal`, `input.not_asked` for what is answered otherwise or asked no more; with `ignoresOver` that is left out.
 */
export async function answer(
  ports: Ports,
  task: Task,
  responses: Json,
  { ignoresOver = false } = {},
): Promise<Receipt> {
  assertHears(task);
  const given = await readGiven(task, responses, ignoresOver);
  const keys = Object.keys(given);
  const kept = await ports.store.change(task.id, (current) => {
    assertHears(current);
    return withAnswers(current, given, ports.now());
  });
  const delivery = await deliver(ports, kept, keys);
  return receiptOf((await ports.store.get(task.id)) ?? kept, delivery);
}

const receiptOf = (task: Task, delivery: Delivery): Receipt => ({
  taskId: task.id,
  status: task.status,
  received: true,
  ...delivery,
  ...(task.status === "input_required" && { inputRequests: task.inputRequests }),
});

/** The answers as the forms want them. The same answer again needs no form: its question may be over. */
async function readGiven(task: Task, responses: Json, ignoresOver: boolean): Promise<Record<string, Given>> {
  const hashes = await Promise.all(
    Object.entries(responses).map(async ([key, said]) => [key, said, await callHash(said)] as const),
  );
  // What is asked has no answer yet: a question is taken away in the same write as its answer is kept.
  const meant = ignoresOver ? hashes.filter(([key]) => Object.hasOwn(task.inputRequests ?? {}, key)) : hashes;
  const fresh = meant.filter(([key, , given]) => !wasAnswered(task, key, given));
  if (fresh.length > 0 && task.status !== "input_required") throw notAsked(task, `task ${task.id} asks nothing now`);
  const said = Object.fromEntries(fresh.map(([key, value]) => [key, value]));
  const { responses: read, issues } = readResponses(task.inputRequests ?? {}, said);
  if (issues.length > 0)
    throw new InvalidInputError(issues, { hint: "get_task_status shows the forms, in inputRequests" });
  return Object.fromEntries(
    meant.map(([key, , hash]) => [key, { given: hash, response: read[key] ?? { action: "cancel" } }]),
  );
}

/** Brings answers that are kept to the worker. What does not reach it now comes with the next poll. */
async function deliver(ports: Ports, task: Task, keys: readonly string[]): Promise<Delivery> {
  const isLeft = (now: Task | undefined) =>
    now !== undefined && keys.some((key) => Object.hasOwn(undelivered(now), key));
  if (!isLeft(task)) return { delivered: true };
  if (task.channel === "synchronous") return leaveForHolder(ports, task, isLeft);
  try {
    let sent: string[] = [];
    const input = (now: Task) => {
      const inputResponses = undelivered(now);
      sent = Object.keys(inputResponses);
      const { id: taskId, session } = now;
      return { contract: CONTRACT, op: "input", bootId: session?.bootId ?? "", taskId, inputResponses } as const;
    };
    const reply = await invokeOnce(ports, task.id, ANSWER_MS, input, (now) => (isLeft(now) ? now : undefined));
    // Somebody else has brought it there meanwhile.
    if (reply === undefined) return { delivered: true };
    const hearing = hearingOf(reply);
    if (hearing.outcome === "later") return { delivered: false, reason: hearing.reason, hint: later };
    if (hearing.outcome === "refused") {
      await ports.store.change(task.id, (now) => withRefused(now, sent));
      return { delivered: false, reason: `the worker refused it: ${hearing.reason}`, hint: again };
    }
    await ports.store.change(task.id, (now) => withDelivered(now, sent));
    return hearing.outcome === "taken" ? { delivered: true } : over;
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    ports.log.warn("an answer is delivered later", { taskId: task.id, error: String(error) });
    return { delivered: false, reason: `the worker did not take it now: ${error.message}`, hint: later };
  }
}

const later = "it is kept, and delivered as soon as the worker can be reached: wait_for_task tells what comes of it";
const again = "it is asked again: wait_for_task returns when it is, and get_task_logs shows what the job says of it";
const over: Delivery = {
  delivered: false,
  reason: "the job had gone on without it",
  hint: "get_task_status shows what it asks now",
};

/** Whoever holds the call of a job looks for answers in the task. */
async function leaveForHolder(
  ports: Ports,
  task: Task,
  isLeft: (task: Task | undefined) => boolean,
): Promise<Delivery> {
  const untilMs = ports.steady() + HOLDER_MS;
  for (let now: Task | undefined = task; now && isLeft(now); now = await ports.store.get(task.id)) {
    const leftMs = untilMs - ports.steady();
    if (leftMs <= 0)
      return { delivered: false, reason: "who holds the call to its agent has not taken it yet", hint: later };
    await ports.store.waitForChange(task.id, now.revision, Math.min(LOOKING_MS, leftMs), ports.closing);
  }
  return { delivered: true };
}

/**
 * Says something to the agent of a task while it works. Throws RefusedError `task.terminal`, `adapter.unsupported`,
 * RetryableError `platform.not_ready` before the job has begun.
 */
export async function steer(ports: Ports, task: Task, text: string): Promise<Receipt> {
  assertHears(task);
  if (task.orchestration) throw isMadeOfOthers(task);
  if (task.taskType !== "agent.run")
    throw new RefusedError("adapter.unsupported", "the task runs a program, which hears no messages", {
      hint: "a program hears answers to what it asks: responses",
    });
  assertBegun(task);
  if (task.channel === "synchronous")
    throw new RefusedError(
      "adapter.unsupported",
      "the agent is one call without our worker: it hears only answers to what it asks",
      {
        hint: "give responses once it asks, or spawn one on a runtime with our worker",
      },
    );
  const id = randomHex(8);
  const say = () =>
    invokeOnce(ports, task.id, ANSWER_MS, ({ id: taskId, session }) => ({
      contract: CONTRACT,
      op: "say",
      bootId: session?.bootId ?? "",
      taskId,
      id,
      text,
    }));
  try {
    // The worker knows its id, and says nothing twice.
    const reply = await say().catch((error) => (error instanceof OutcomeUnknownError ? say() : Promise.reject(error)));
    const { heard } = parseReply(sayReplySchema, reply);
    const delivery = { delivered: true, ...(heard === "next_turn" && { reason: AFTER }) };
    return receiptOf((await ports.store.get(task.id)) ?? task, delivery);
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    return {
      ...receiptOf(task, { delivered: false, reason: error.message, hint: NOT_KEPT }),
      received: false,
    };
  }
}

/** Of a task that hears nothing itself. */
export const isMadeOfOthers = ({ id }: Task): RefusedError =>
  new RefusedError("adapter.unsupported", `task ${id} is made of others, and hears no messages itself`, {
    hint: "list_tasks shows the tasks that have it as their parent: send it to one of those",
  });

const AFTER = "its agent hears it when the turn is over that it works on";
const NOT_KEPT = "a message is not kept: send it again, once get_task_logs shows that it did not arrive";
