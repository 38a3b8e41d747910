import { createHash } from "node:crypto";
import { DispatchError, NothingMadeError, RefusedError, RetryableError } from "../../contract/errors.ts";
import { environmentVariables as variables } from "../../contract/execution-environment.ts";
import { IDLE_SECONDS, MAX_LIFETIME_SECONDS } from "../../contract/limits.ts";
import { contractTag, TASK_TAG } from "../../contract/tags.ts";
import type { Task } from "../../contract/task.ts";
import type { Readiness } from "../adapter.ts";
import { givenNames } from "../worker-environment.ts";
import type { ControlPlane } from "./account/clients.ts";
import { imageHint, withImageHint } from "./image-hint.ts";
import { findRuntime, getEndpoint, getRuntime } from "./known-runtimes.ts";
import { isContractLess, neededDetail, protocolOf, qualifierOf, roleOf, runtimeOf, serverProtocolOf } from "./place.ts";
import { explain, hadNoEffect, isConflict, isInvalid, isNotFound } from "./problems.ts";
import { parseRuntimeArn, type RuntimeRef } from "./resources.ts";

/** What a machine lives longer than its job may last: to start, to end in peace, and to hand over its files. */
const SPARE_SECONDS = 1800;

/** How long a runtime whose making had no answer is looked for by name before it is held to have never been made. */
const UNSEEN_MS = 30 * 60_000;
/** How long AgentCore remembers a token is not documented: an attempt as late as this looks before it makes. */
const LATE_MS = 60_000;
/** For so long a new runtime, or its endpoint, may be missing from reads, or not take invocations although it is READY. */
const YOUNG_MS = 5 * 60_000;

/** Fits `[a-zA-Z][a-zA-Z0-9_]{0,47}` with a prefix of up to 16 of these, and is used for no other task. */
export const runtimeNameOf = ({ id }: Task, prefix: string): string => id.replace(/^task_/, prefix);

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

type Attempt = { mayHaveMade: boolean };

/** Runs an attempt to make something. Throws NothingMadeError where no request of it can have made anything. */
export async function orNothingMade<T>(make: (attempt: Attempt) => Promise<T>): Promise<T> {
  const attempt = { mayHaveMade: false };
  try {
    return await make(attempt);
  } catch (error) {
    if (attempt.mayHaveMade || !(error instanceof DispatchError)) throw error;
    throw new NothingMadeError(error);
  }
}

type Making = { name: string; environment: Record<string, string> | undefined; nowMs: number; attempt: Attempt };

/** Makes the runtime of a task, or finds the one that an earlier attempt made. Throws DispatchError. */
export async function createRuntime(
  plane: ControlPlane,
  task: Task,
  { name, environment, nowMs, attempt }: Making,
): Promise<RuntimeRef> {
  const roleArn = roleOf(task) ?? neededDetail(task, "executionRoleArn");
  const containerUri = neededDetail(task, "ecrImageUri");
  const known = runtimeOf(task);
  if (known) return known;
  const earlier = nowMs - provisionedAtMs(task) > LATE_MS ? await findRuntime(plane, name) : undefined;
  if (earlier) return earlier;
  const maxLifetime = Math.min(MAX_LIFETIME_SECONDS, Math.ceil(task.limits.timeoutSeconds) + SPARE_SECONDS);
  const environmentVariables = {
    ...(environment && { ...environment, ...givenNames(environment) }),
    ...spokenBy(task),
  };
  const { client, CreateAgentRuntimeCommand } = plane;
  const command = new CreateAgentRuntimeCommand({
    agentRuntimeName: name,
    clientToken: sha256(task.id),
    agentRuntimeArtifact: { containerConfiguration: { containerUri } },
    roleArn,
    networkConfiguration: { networkMode: "PUBLIC" },
    protocolConfiguration: { serverProtocol: serverProtocolOf(task) },
    lifecycleConfiguration: { idleRuntimeSessionTimeout: Math.min(IDLE_SECONDS, maxLifetime), maxLifetime },
    ...(Object.keys(environmentVariables).length > 0 && { environmentVariables }),
    tags: {
      [TASK_TAG]: task.id,
      "agentdispatch:owner": sha256(task.owner).slice(0, 32),
      ...(!isContractLess(task) && contractTag),
    },
    // V2 takes minutes for a snapshot that one session has no use for.
    platformVersion: "V1",
  });
  // The SDK sends again by itself, and shows the last failure only.
  command.middlewareStack.add(
    (next) => async (args) => {
      try {
        const made = await next(args);
        attempt.mayHaveMade = true;
        return made;
      } catch (error) {
        attempt.mayHaveMade ||= !hadNoEffect(error);
        throw error;
      }
    },
    { step: "finalizeRequest", priority: "low" },
  );
  try {
    const { agentRuntimeArn } = await client.send(command);
    const made = parseRuntimeArn(agentRuntimeArn);
    if (made) return made;
    throw new RetryableError("platform.unavailable", `AgentCore named the new runtime ${agentRuntimeArn}`);
  } catch (error) {
    const made = isConflict(error) ? await findRuntime(plane, name) : undefined;
    if (made) return made;
    throw withImageHint(explain(error, { action: "CreateAgentRuntime", accountProfile: task.accountProfile }), task);
  }
}

/** What our worker is told to speak, where it is not what it speaks by itself. */
function spokenBy(task: Task): Record<string, string> {
  const protocol = protocolOf(task);
  return protocol === "http" || isContractLess(task) ? {} : { [variables.workerProtocol]: protocol };
}

/**
 * Whether the runtime of a task can be invoked: it and its endpoint are ready. Throws DispatchError when they never will.
 * https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_GetAgentRuntimeEndpoint.html
 */
export async function isRuntimeReady(
  plane: ControlPlane,
  task: Task,
  runtime: RuntimeRef,
  nowMs: number,
): Promise<Readiness> {
  const waiting = { ready: false, waitSeconds: nowMs - provisionedAtMs(task) < 30_000 ? 1 : 5 } as const;
  const states = [
    ["runtime", () => getRuntime(plane, runtime)],
    ["endpoint of the runtime", () => getEndpoint(plane, runtime, qualifierOf(task))],
  ] as const;
  for (const [what, get] of states) {
    const seen = await get();
    if (!seen && nowMs - provisionedAtMs(task) >= YOUNG_MS)
      throw new RetryableError("worker.lost", `the ${what} made for the task was deleted by somebody else`, {
        hint: "dispatch the task again",
      });
    if (!seen || seen.status === "CREATING" || seen.status === "UPDATING") return waiting;
    if (seen.status !== "READY") throw failedStart(task, runtime, what, seen);
  }
  return { ready: true };
}

type Seen = { status?: string | undefined; failureReason?: string | undefined };

function failedStart(task: Task, runtime: RuntimeRef, what: string, { status, failureReason }: Seen): RefusedError {
  const reason = failureReason ?? "AgentCore gave no reason";
  return new RefusedError("worker.start_failed", `the ${what} made for the task is ${status}: ${reason}`, {
    hint:
      imageHint(reason, task) ??
      "check target.details.ecrImageUri and target.details.executionRoleArn with check_cloud_agent_runtime",
    details: { runtimeArn: runtime.arn, qualifier: qualifierOf(task) },
  });
}

const provisionedAtMs = (task: Task): number => Date.parse(task.phases.provisioning ?? task.createdAt);

/**
 * Whether a refused invocation means "later": that a runtime made for a task is not found, or not ready for invocation,
 * says nothing in its first minutes.
 */
export function isTooEarly(task: Task, error: unknown, nowMs: number): boolean {
  if (task.target.mode !== "runtime") return false;
  const since = Date.parse(task.phases.starting ?? task.phases.provisioning ?? task.createdAt);
  return nowMs - since < YOUNG_MS && (isNotFound(error) || isInvalid(error));
}

/** Deletes the runtime that a task owns; resolves with true once it does not exist. Throws DispatchError. */
export async function deleteRuntime(
  plane: ControlPlane,
  task: Task,
  { name, nowMs }: { name: string; nowMs: number },
): Promise<boolean> {
  const runtime = runtimeOf(task) ?? (await findRuntime(plane, name));
  if (!runtime) return nowMs - provisionedAtMs(task) > UNSEEN_MS;
  const seen = await getRuntime(plane, runtime);
  if (!seen) return true;
  // Before it has settled nothing can be deleted.
  if (seen.status === "CREATING" || seen.status === "UPDATING" || seen.status === "DELETING") return false;
  const { client, DeleteAgentRuntimeCommand } = plane;
  try {
    await client.send(new DeleteAgentRuntimeCommand({ agentRuntimeId: runtime.id }));
    return (await getRuntime(plane, runtime)) === undefined;
  } catch (error) {
    if (isNotFound(error)) return true;
    if (isConflict(error)) return false;
    throw explain(error, { action: "DeleteAgentRuntime", runtimeId: runtime.id });
  }
}
