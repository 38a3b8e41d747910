import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { Problem } from "../../../../contract/errors.ts";
import { isObject, type JsonObject } from "../../../../contract/json.ts";
import { previewText } from "../../../../contract/preview.ts";
import { LASTING_MS } from "../../../../contract/worker.ts";
import type { JobEnd } from "../../../adapter.ts";
import { readEvents, readReply } from "../../reply.ts";
import { filesIn } from "./a2a-files.ts";
import { StreamedTask } from "./a2a-stream.ts";
import { agentFailed, brokenOff, leftUnanswered, outOfReach, reportedFailure } from "./problem.ts";
import { type Exchange, promptOf } from "./protocol.ts";

/** Between two looks at a task that the agent works on after it has answered. */
const PAUSE_MS = 2000;

const part = z.looseObject({ text: z.string().optional(), data: z.unknown().optional(), file: z.unknown().optional() });
const message = z.looseObject({ parts: z.array(part), role: z.string().optional() });
const task = z.looseObject({
  id: z.string(),
  contextId: z.string().nullish(),
  status: z.looseObject({ state: z.string(), message: message.nullish() }),
  artifacts: z
    .array(z.looseObject({ artifactId: z.string().optional(), name: z.string().optional(), parts: z.array(part) }))
    .nullish(),
  history: z.array(message).nullish(),
});
/** Of version 0.3, and of 1.0, which names what it holds. */
const answer = z.union([
  z.looseObject({ result: z.looseObject({ task }) }).transform(({ result }) => ({ task: result.task })),
  z.looseObject({ result: z.looseObject({ message }) }).transform(({ result }) => ({ message: result.message })),
  z.looseObject({ result: task }).transform(({ result }) => ({ task: result })),
  z.looseObject({ result: message }).transform(({ result }) => ({ message: result })),
]);
type Part = z.infer<typeof part>;
type A2aTask = z.infer<typeof task>;

/**
 * One task of A2A: https://a2a-protocol.org/v0.3.0/specification/#71-messagesend. Its result is the text of the answer. What the
 * agent asks is asked of the caller, and the answer is another message for the same task.
 */
export async function a2a(exchange: Exchange): Promise<JobEnd> {
  const { job } = exchange;
  const { taskId, metadata } = job;
  let envelope = await converse(exchange, { ...saying(taskId, promptOf(job)), ...(metadata && { metadata }) });
  for (let answers = 1; ; ) {
    const failure = reportedFailure(envelope);
    if (failure) return { error: failure, envelope };
    const parsed = answer.safeParse(envelope);
    if (!parsed.success) return { error: brokenOff("the agent's answer is not one of A2A"), envelope };
    if ("message" in parsed.data) return { result: contentOf(parsed.data.message.parts, "\n"), envelope };
    const question = questionIn(parsed.data.task);
    const said = question && (await exchange.ask({ [ASKED]: { message: question } }));
    if (said) {
      const { id, contextId } = parsed.data.task;
      const text = textOfAnswer(said);
      const message = { ...saying(`${taskId}-${answers++}`, text), taskId: id, ...(contextId && { contextId }) };
      envelope = await converse(exchange, message, { ...parsed.data.task, status: { state: "working" } });
      continue;
    }
    const ended = endOf(parsed.data.task, exchange.maxSeconds);
    if (ended) {
      const { files, leftOut } = filesIn(parsed.data.task.artifacts ?? []);
      if (leftOut > 0) exchange.log(`${leftOut} files of the agent are too many or too large to keep\n`, "stderr");
      return { ...ended, envelope, files };
    }
    const looked = await look(exchange, parsed.data.task.id);
    if ("error" in looked) return { ...looked, envelope };
    envelope = looked.envelope;
  }
}

/** Of a question, in UTF-16 units; the log has all of it where the agent streams. */
const MAX_QUESTION_LENGTH = 4000;
/** The name of an agent's question among those of a task. */
const ASKED = "question";

/** What the agent is told: the answer, or that there is none. */
const textOfAnswer = (said: JsonObject): string => {
  if (said[ASKED] === null) return "I do not want to answer that.";
  return typeof said[ASKED] === "string" ? said[ASKED] : JSON.stringify(said);
};

const saying = (messageId: string, text: string) => ({
  kind: "message",
  role: "user",
  messageId,
  parts: [{ kind: "text", text }],
});

/** What the agent asks, where it waits for an answer. */
function questionIn({ status }: A2aTask): string | undefined {
  if (stateOf(status) !== "input-required") return undefined;
  const said = status.message && textOf(status.message.parts, "\n");
  return previewText(said || "the agent did not say what it needs", MAX_QUESTION_LENGTH);
}

/**
 * What the agent says of its task a moment later. To look does no harm: it is tried again until nobody listens any more, or
 * it has failed for a minute.
 */
async function look(exchange: Exchange, id: string): Promise<{ envelope: unknown } | { error: Problem }> {
  const { signal } = exchange;
  let failingSinceMs: number | undefined;
  for (;;) {
    await sleep(PAUSE_MS, undefined, { signal });
    try {
      return { envelope: await call(exchange, "tasks/get", { id }) };
    } catch (error) {
      signal.throwIfAborted();
      const nowMs = performance.now();
      failingSinceMs ??= nowMs;
      const reason = error instanceof Error ? error.message : String(error);
      if (nowMs - failingSinceMs >= LASTING_MS)
        return { error: outOfReach(`the agent works on its task, and nobody can look at it: ${reason}`) };
    }
  }
}

/**
 * Whether an agent refuses to stream, and so has begun nothing: by not knowing the method, or with -32004 in the words of the
 * specification or of the libraries. Other refusals with that code may come after the agent has begun.
 * https://a2a-protocol.org/v0.3.0/specification/#82-a2a-specific-errors
 */
function isNotStreaming(envelope: unknown): boolean {
  const error = isObject(envelope) && isObject(envelope.error) ? envelope.error : {};
  if (error.code === -32_601) return true;
  return error.code === -32_004 && /streaming|this operation is not supported/i.test(String(error.message));
}

/**
 * Says it to the agent and follows what it makes of it, or of the task that is known, its text to the log as it comes; one that
 * does not stream answers once.
 */
async function converse(exchange: Exchange, message: JsonObject, known?: JsonObject): Promise<unknown> {
  const { job, invoke, signal, log } = exchange;
  const params = { message, configuration: { blocking: true } };
  const { body, contentType } = await invoke({ jsonrpc: "2.0", id: job.taskId, method: "message/stream", params });
  const streamed = new StreamedTask(known);
  const take = (value: unknown) => {
    const text = isObject(value) ? streamed.add(value) : "";
    if (text !== "") log(text, "stdout");
  };
  if (!contentType?.startsWith("text/event-stream")) {
    const envelope = await readReply(body, contentType, signal);
    return isNotStreaming(envelope) ? call(exchange, "message/send", params) : envelope;
  }
  try {
    for await (const { data } of readEvents(body, signal)) take(JSON.parse(data));
  } catch (error) {
    // Of a task that is known it can be asked how it stands.
    if (signal.aborted || streamed.answer === undefined) throw error;
  }
  const { answer: said } = streamed;
  return isNotStreaming(said) ? call(exchange, "message/send", params) : said;
}

async function call({ job, invoke, signal }: Exchange, method: string, params: unknown): Promise<unknown> {
  const { body, contentType } = await invoke({ jsonrpc: "2.0", id: job.taskId, method, params });
  return readReply(body, contentType, signal);
}

/** How a task ended; undefined while the agent works on it. */
function endOf({ status, artifacts, history }: A2aTask, heldSeconds: number): JobEnd | undefined {
  const state = stateOf(status);
  if (state === "submitted" || state === "working") return undefined;
  const said = status.message && textOf(status.message.parts, "\n");
  const error = problemOf(state, said || undefined, heldSeconds);
  const kept = (artifacts ?? []).map(({ parts }) => contentOf(parts, ""));
  const last = history?.findLast(({ role }) => role !== "user" && role !== "ROLE_USER");
  const text = kept.length > 1 && kept.every((each) => typeof each === "string") ? kept.join("\n\n") : undefined;
  const content = text ?? (kept.length > 1 ? kept : kept[0]) ?? (said || (last && contentOf(last.parts, "\n")));
  return { ...(content !== undefined && { result: content }), ...(error && { error }) };
}

/** In the words of 0.3. */
const stateOf = ({ state }: A2aTask["status"]): string =>
  state.toLowerCase().replace("task_state_", "").replaceAll("_", "-");

function problemOf(state: string, said: string | undefined, heldSeconds: number): Problem | undefined {
  switch (state) {
    case "completed":
      return undefined;
    case "failed":
      return agentFailed(said);
    case "rejected":
      return agentFailed(said, "task.agent_rejected", "rejected the job");
    case "canceled":
      return agentFailed(said, "task.agent_cancelled", "cancelled the job");
    case "auth-required":
      return agentFailed(said, "task.agent_auth_required", "wants to be authorized first");
    case "input-required":
      return leftUnanswered(said, heldSeconds);
    default:
      return brokenOff(`the agent left its task in the state ${state.slice(0, 100)}`);
  }
}

const textOf = (parts: Part[], between: string): string => parts.flatMap(({ text }) => text ?? []).join(between);

/** The text of parts; where there is none, what data they hold, which agents send behind an empty text as well. */
function contentOf(parts: Part[], between: string): unknown {
  const others = parts.filter(({ text }) => text === undefined);
  if (others.length === 0 ? parts.length > 0 : parts.some(({ text }) => text)) return textOf(parts, between);
  return others.length === 1 && others[0]?.data !== undefined ? others[0].data : others;
}
