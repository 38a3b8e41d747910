import * as z from "zod";
import { OutcomeUnknownError, type Problem, RefusedError, RetryableError } from "../../contract/errors.ts";
import { questionText } from "../../contract/input-requests.ts";
import { isObject } from "../../contract/json.ts";
import { previewText } from "../../contract/preview.ts";
import { responsesIn } from "../../contract/questions/responses.ts";
import { asKnown, saidProblem } from "../../contract/said-problem.ts";
import type { Task } from "../../contract/task.ts";
import { randomHex } from "../../contract/task-id.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import { adapterOf, beginInvocation, boundsOf, endInvocation, isOver } from "../invocation-gate.ts";
import { waitForTask } from "../poll/waiting.ts";
import type { Ports } from "../ports.ts";
import { answer, assertBegun, assertHears, hearsNothing, isMadeOfOthers } from "./input.ts";

type Sent = ToolResult<"a2a_send">;
type Wanted = { text: string; timeoutSeconds: number; signal?: AbortSignal | undefined };

const SPARE_MS = 2000;
/** So long an answer is waited for where too many calls wait already. */
const SHORT_SECONDS = 5;
/** Of a reply in a result, in UTF-16 units; the log has all of it. */
const MAX_REPLY_LENGTH = 16_000;

/**
 * Says something to the agent of a task: the answer to what it asks, or a message that it hears after the turn that it works
 * on. Resolves with what it said to that, if it did in time. Throws RefusedError `task.terminal` with the conversation to go
 * on with, `adapter.unsupported`, RetryableError `platform.not_ready` before the job has begun.
 */
export async function send(ports: Ports, task: Task, wanted: Wanted): Promise<Sent> {
  assertHears(task);
  if (task.status === "input_required") return answerInText(ports, task, wanted);
  if (task.orchestration) throw isMadeOfOthers(task);
  assertBegun(task);
  return followUp(ports, task, wanted);
}

/** Hands over the answer to what a job asks, and waits for what comes of it. */
async function answerInText(ports: Ports, task: Task, { text, timeoutSeconds, signal }: Wanted): Promise<Sent> {
  await answer(ports, task, responsesIn(text, task.inputRequests ?? {}));
  const { task: now } = await waitForTask(ports, task.id, {
    timeoutSeconds,
    until: ({ status }) => status === "input_required",
    ...(signal && { signal }),
  });
  return {
    taskId: task.id,
    status: now.status,
    ...(now.result !== undefined && replyOf(now.result)),
    ...(now.status === "input_required" && { question: questionText(now.inputRequests) }),
    ...(now.error && { error: now.error }),
  };
}

/** Sends a message of A2A to the worker, and waits for the agent to have heard it. */
async function followUp(ports: Ports, task: Task, wanted: Wanted): Promise<Sent> {
  const place = await ports.waiting?.take(task.owner, wanted.timeoutSeconds);
  const seconds = ports.waiting && !place ? Math.min(SHORT_SECONDS, wanted.timeoutSeconds) : wanted.timeoutSeconds;
  return sayTo(ports, task, { ...wanted, timeoutSeconds: seconds }).finally(() => place?.leave());
}

async function sayTo(ports: Ports, task: Task, { text, timeoutSeconds, signal }: Wanted): Promise<Sent> {
  const { say, name } = adapterOf(ports, task);
  if (!say || task.channel !== "call")
    throw new RefusedError("adapter.unsupported", `an agent of ${name} is told something only when it asks`, {
      hint: "wait until the task asks, or spawn one with protocol a2a on a runtime with our worker",
    });
  const mostMs = timeoutSeconds * 1000;
  const begun = await beginInvocation(ports, task.id, mostMs + SPARE_MS, (now) =>
    now.status === "running" ? now : undefined,
  );
  if (!begun) throw hearsNothing((await ports.store.get(task.id)) ?? task);
  let limit: AbortSignal | undefined;
  try {
    const { timeoutMs, beforeSend } = boundsOf(ports, begun.untilMs, mostMs);
    limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
    const reply = await say(begun.task, messageOf(task.id, text), { signal: limit, beforeSend });
    await endInvocation(ports, task.id, begun.invocation);
    return saidIn(reply, task);
  } catch (error) {
    if (isOver(error)) await endInvocation(ports, task.id, begun.invocation);
    // It was sent, and the agent is at work: what it says to it comes in the log.
    if (limit?.aborted && error instanceof OutcomeUnknownError) return { taskId: task.id, status: "running" };
    throw error;
  }
}

/** https://a2a-protocol.org/v0.3.0/specification/#71-messagesend */
const messageOf = (taskId: string, text: string) => {
  const message = {
    kind: "message",
    role: "user",
    messageId: `${taskId}-${randomHex(8)}`,
    parts: [{ kind: "text", text }],
  };
  return { jsonrpc: "2.0", id: message.messageId, method: "message/send", params: { message } };
};

const parts = z.array(z.looseObject({ text: z.string().optional() }));
const repliedSchema = z.object({
  result: z.object({
    status: z.object({
      state: z.string(),
      message: z
        .looseObject({ parts, metadata: z.looseObject({ error: saidProblem.optional() }).optional() })
        .optional(),
    }),
    artifacts: z.array(z.looseObject({ parts })).optional(),
  }),
});

function saidIn(reply: unknown, task: Task): Sent {
  const { success, data } = repliedSchema.safeParse(reply);
  if (!success) {
    const message = isObject(reply) && isObject(reply.error) ? String(reply.error.message) : "it is no answer of A2A";
    throw new RetryableError("worker.contract_broken", `the worker's answer to a message: ${message.slice(0, 500)}`);
  }
  const { status, artifacts = [] } = data.result;
  const said = status.message && textOf(status.message.parts);
  const error = status.message?.metadata?.error;
  if (status.state === "rejected" && error?.code === "task.terminal") throw hearsNothing(task);
  if (error) return { taskId: task.id, status: "running", error: asKnown(error) satisfies Problem };
  if (status.state === "input-required")
    return { taskId: task.id, status: "input_required", ...(said && { question: said }) };
  const text = artifacts.map((artifact) => textOf(artifact.parts)).join("\n\n") || said;
  return { taskId: task.id, status: "running", ...(text && { reply: previewText(text, MAX_REPLY_LENGTH) }) };
}

const textOf = (all: z.infer<typeof parts>): string => all.flatMap(({ text }) => text ?? []).join("\n");

function replyOf(result: unknown): { reply: string } {
  const output = isObject(result) && typeof result.output === "string" ? result.output : result;
  const text = typeof output === "string" ? output : JSON.stringify(output);
  return { reply: previewText(text, MAX_REPLY_LENGTH) };
}
