import { addAbortSignal, Readable } from "node:stream";
import type { Task } from "../../domain/task.ts";
import type { StartOperation } from "../../domain/worker-contract.ts";
import type { DataPlane } from "./clients.ts";
import { untilDelivered } from "./delivery.ts";
import type { ForeignEnd, ForeignJob } from "./foreign-job.ts";
import { lostIfUnknown } from "./lost.ts";
import { protocolOf, type RuntimeRef } from "./place.ts";
import { explainInvocation } from "./problems.ts";
import { dataOf, readText } from "./reply.ts";
import { askedOf, invocationOf } from "./session.ts";

export type ForeignCall = { plane: Promise<DataPlane>; task: Task; runtime: RuntimeRef; operation: StartOperation };

/**
 * Asks an agent that does not know the worker contract, once. What it answers is the result; of server-sent events each is
 * a line of the log too, and the last one is the result. An outcome that is not known is `worker.lost`.
 */
export async function askForeignAgent(job: ForeignJob, call: ForeignCall): Promise<ForeignEnd> {
  const { task, runtime, operation } = call;
  try {
    const { once, InvokeAgentRuntimeCommand } = await call.plane;
    const command = new InvokeAgentRuntimeCommand(invocationOf(task, runtime, bodyOf(task, operation)));
    const { response, contentType } = await untilDelivered(
      () => once.send(command, { abortSignal: job.signal }),
      job.signal,
    );
    if (contentType?.startsWith("text/event-stream")) return { result: await follow(job, response) };
    return resultOf(await readText(response, job.signal));
  } catch (error) {
    throw lostIfUnknown(explainInvocation(error, askedOf(task, runtime, "InvokeAgentRuntime")));
  }
}

/** The envelope of tools and steps, or the message of A2A: https://a2a-protocol.org/latest/specification/ */
function bodyOf(task: Task, { taskType, prompt, input, metadata, context }: StartOperation) {
  const text = prompt ?? String(input.instruction ?? "");
  if (protocolOf(task) !== "a2a") return { taskType, prompt: text, input, metadata, context };
  const message = { kind: "message", role: "user", messageId: task.id, parts: [{ kind: "text", text }] };
  return { jsonrpc: "2.0", id: task.id, method: "message/send", params: { message } };
}

async function follow(job: ForeignJob, response: unknown): Promise<unknown> {
  let last = "";
  let rest = "";
  const take = (text: string) => {
    for (const data of dataOf(text)) {
      job.log(`${data}\n`, "stdout");
      last = data;
    }
  };
  if (response instanceof Readable) {
    for await (const chunk of addAbortSignal(job.signal, response).setEncoding("utf8")) {
      rest += chunk;
      const whole = /^.*\r?\n\r?\n/s.exec(rest)?.[0] ?? "";
      rest = rest.slice(whole.length);
      take(whole);
    }
  }
  take(rest);
  return parsed(last);
}

/** What a plain worker or a JSON-RPC server reports as a failure is one. */
function resultOf(text: string): ForeignEnd {
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
