import { RetryableError } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { MAX_LIFETIME_SECONDS } from "../../contract/limits.ts";
import { amazonTrace } from "../../contract/observation/trace.ts";
import type { Task } from "../../contract/task.ts";
import type { Operation } from "../../contract/worker.ts";
import type { Bounds } from "../adapter.ts";
import type { DataPlane } from "./account/clients.ts";
import { checkLast, untilDelivered } from "./delivery.ts";
import { protocolOf, qualifierOf } from "./place.ts";
import { type Asked, explain, explainInvocation, isNotFound } from "./problems.ts";
import { readReply } from "./reply.ts";
import type { RuntimeRef } from "./resources.ts";
import { isTooEarly } from "./runtime.ts";
import { sessionIdOf } from "./session-id.ts";

const CONTENT_TYPE = "application/json";
const ACCEPT = "application/json, text/event-stream";

/** An invocation as the SDK wants it; MCP carries the session in a header of its own. */
export function invocationOf(task: Task, runtime: RuntimeRef, body: unknown) {
  const id = sessionIdOf(task);
  return {
    agentRuntimeArn: runtime.arn,
    qualifier: qualifierOf(task),
    runtimeSessionId: id,
    ...(protocolOf(task) === "mcp" && { mcpSessionId: id }),
    contentType: CONTENT_TYPE,
    accept: ACCEPT,
    ...(task.trace !== undefined && { traceId: amazonTrace(task.trace), traceParent: task.trace }),
    payload: new TextEncoder().encode(JSON.stringify(body)),
  };
}

type Limits = Pick<Bounds, "beforeSend"> & { signal: AbortSignal; now: () => number };

/**
 * Sends one operation to the worker of a session and resolves with its reply. Throws WorkerGoneError when the runtime
 * does not exist, OutcomeUnknownError when no answer came, other DispatchErrors.
 */
export async function callWorker(
  { once, InvokeAgentRuntimeCommand }: DataPlane,
  task: Task,
  runtime: RuntimeRef,
  operation: Operation | Record<string, unknown>,
  { signal: abortSignal, beforeSend, now }: Limits,
): Promise<unknown> {
  const isEarly = (error: unknown) => isTooEarly(task, error, now());
  try {
    const command = new InvokeAgentRuntimeCommand(invocationOf(task, runtime, operation));
    checkLast(command, beforeSend);
    const send = () => once.send(command, { abortSignal });
    const { response, contentType } = await untilDelivered(send, abortSignal, isEarly);
    return await readReply(response, contentType, abortSignal);
  } catch (error) {
    if (isEarly(error)) throw notReady(error);
    // Before its first answer there is nothing that could have gone: what was named never existed.
    if ("op" in operation && operation.op === "hello" && isNotFound(error)) throw noRuntime(runtime, error);
    throw explainInvocation(error, askedOf(task, runtime, "InvokeAgentRuntime"));
  }
}

/**
 * Ends a session and its machine. One that is gone already, or never was, is success.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-stop-session.html
 */
export async function stopSession(
  { patient, StopRuntimeSessionCommand }: DataPlane,
  task: Task,
  runtime: RuntimeRef,
): Promise<void> {
  const session = {
    agentRuntimeArn: runtime.arn,
    qualifier: qualifierOf(task),
    runtimeSessionId: sessionIdOf(task),
  };
  try {
    await patient.send(new StopRuntimeSessionCommand(session));
  } catch (error) {
    if (!isNotFound(error)) throw explain(error, askedOf(task, runtime, "StopRuntimeSession"));
  }
}

/** Whether the longest life of a machine is over since nothing could be sent to the session any more, and an hour more. */
export function hasOutlived({ status, phases }: Task, nowMs: number): boolean {
  const endedAtMs = Date.parse((isTerminal(status) && phases[status]) || "");
  return nowMs - endedAtMs > (MAX_LIFETIME_SECONDS + 3600) * 1000;
}

export const noRuntime = ({ arn }: RuntimeRef, cause: unknown): RetryableError =>
  new RetryableError("platform.runtime_not_found", `there is no runtime ${arn}`, {
    hint: "check the runtime's ARN and its qualifier with check_cloud_agent_runtime",
    cause,
  });

/** A runtime that is ready, as it says, and does not take invocations yet. */
export const notReady = (cause: unknown): RetryableError =>
  new RetryableError("platform.not_ready", `the runtime does not take invocations yet: ${(cause as Error).message}`, {
    cause,
  });

export const askedOf = (task: Task, runtime: RuntimeRef, action: string): Asked => ({
  action,
  runtimeId: runtime.id,
  qualifier: qualifierOf(task),
  accountProfile: task.accountProfile,
});
