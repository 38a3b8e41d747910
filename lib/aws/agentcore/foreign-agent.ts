import type { Problem } from "../../domain/errors.ts";
import type { Call, JobEnd } from "../../domain/ports.ts";
import type { Task } from "../../domain/task.ts";
import type { Job } from "../../domain/worker-contract.ts";
import { untilDelivered } from "./delivery.ts";
import { explainCall } from "./foreign-failure.ts";
import type { ForeignCall } from "./foreign-runtimes.ts";
import { protocolOf } from "./place.ts";
import { readEvents, readText } from "./reply.ts";
import { invocationOf } from "./session.ts";

/**
 * Asks an agent that does not know the worker contract, once. What it answers is the result; of server-sent events each is
 * a line of the log too, and the last one is the result. An outcome that is not known is `worker.lost`.
 */
export async function askForeignAgent(call: ForeignCall): Promise<JobEnd> {
  const { clients, task, runtime, job, signal: abortSignal } = call;
  try {
    const { once, InvokeAgentRuntimeCommand } = await clients.dataPlane(runtime.region);
    const command = new InvokeAgentRuntimeCommand(invocationOf(task, runtime, bodyOf(task, job)));
    const { response, contentType } = await untilDelivered(() => once.send(command, { abortSignal }), abortSignal);
    if (contentType?.startsWith("text/event-stream")) return await follow(call, response);
    return resultOf(await readText(response, abortSignal));
  } catch (error) {
    throw explainCall(error, task, runtime, "InvokeAgentRuntime");
  }
}

/** The envelope of tools and steps, or the message of A2A: https://a2a-protocol.org/latest/specification/ */
function bodyOf(task: Task, { taskType, prompt, input, metadata, context }: Job) {
  const text = prompt ?? String(input.instruction ?? "");
  if (protocolOf(task) !== "a2a") return { taskType, prompt: text, input, metadata, context };
  const message = { kind: "message", role: "user", messageId: task.id, parts: [{ kind: "text", text }] };
  return { jsonrpc: "2.0", id: task.id, method: "message/send", params: { message } };
}

async function follow({ signal, log }: Call, response: unknown): Promise<JobEnd> {
  let last: string | undefined;
  for await (const data of readEvents(response, signal)) {
    log(`${data}\n`, "stdout");
    last = data;
  }
  return last === undefined ? { error: nothingSaid } : resultOf(last);
}

const nothingSaid: Problem = {
  code: "worker.contract_broken",
  message: "the stream of the agent ended without an event",
  retryable: true,
  hint: "the job may have run; look for what it did before you dispatch it again",
};

/** What a plain worker or a JSON-RPC server reports as a failure is one. */
function resultOf(text: string): JobEnd {
  const result = parsed(text);
  if (typeof result !== "object" || result === null) return { result };
  const isRpc = "jsonrpc" in result && "error" in result;
  if (!isRpc && !("ok" in result && result.ok === false)) return { result };
  const { error } = result as { error?: { message?: unknown } | string | null };
  const message = typeof error === "object" ? error?.message : error;
  const said = String(message ?? "it gave no reason").slice(0, 4000);
  return { result, error: { code: "task.agent_failed", message: `the agent failed: ${said}`, retryable: false } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { output: text };
  }
}
