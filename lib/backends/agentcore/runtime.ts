import { DispatchError, NothingMadeError, RefusedError, RetryableError } from "../../contract/errors.ts";
import { IDLE_SECONDS } from "../../contract/limits.ts";
import type { Task } from "../../contract/task.ts";
import type { Placement } from "../adapter.ts";
import type { RuntimeEnd, RuntimeReadiness } from "../shared-runtimes.ts";
import type { ControlPlane } from "./account/clients.ts";
import { imageHint, withImageHint } from "./images/hint.ts";
import { findRuntime, getEndpoint, getRuntime } from "./known-runtimes.ts";
import { qualifierOf, type ServerProtocol } from "./place.ts";
import { explain, hadNoEffect, isConflict, isInvalid, isNotFound } from "./problems.ts";
import { parseRuntimeArn, type RuntimeRef } from "./resources.ts";

/** How long a runtime whose making had no answer is looked for by name before it is held to have never been made. */
const UNSEEN_MS = 30 * 60_000;
/** How long AgentCore remembers a token is not documented: an attempt as late as this looks before it makes. */
const LATE_MS = 60_000;
/** For so long a new runtime, or its endpoint, may be missing from reads, or not take invocations although it is READY. */
const YOUNG_MS = 5 * 60_000;

/** How a runtime is reached, and reaches others. */
export const NETWORK = "PUBLIC";

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

/** What a runtime is made of. */
export type RuntimeSpec = {
  name: string;
  /** What nothing else is made with: the same again makes nothing more. */
  token: string;
  image: string;
  roleArn: string;
  serverProtocol: ServerProtocol;
  environment: Record<string, string>;
  maxLifetimeSeconds: number;
  tags: Record<string, string>;
};

/** What an attempt to make one is about: the account and the image as they were named, and since when it is being made. */
type Making = { about: Pick<Placement, "accountProfile" | "target">; sinceMs: number; nowMs: number; attempt: Attempt };

/** Makes a runtime, or finds the one that an earlier attempt made. Throws DispatchError. */
export async function makeRuntime(
  plane: ControlPlane,
  spec: RuntimeSpec,
  { about, sinceMs, nowMs, attempt }: Making,
): Promise<RuntimeRef> {
  const { name, maxLifetimeSeconds: maxLifetime, environment: environmentVariables } = spec;
  const earlier = nowMs - sinceMs > LATE_MS ? await findRuntime(plane, name) : undefined;
  if (earlier) return earlier;
  const { client, CreateAgentRuntimeCommand } = plane;
  const command = new CreateAgentRuntimeCommand({
    agentRuntimeName: name,
    clientToken: spec.token,
    agentRuntimeArtifact: { containerConfiguration: { containerUri: spec.image } },
    roleArn: spec.roleArn,
    networkConfiguration: { networkMode: NETWORK },
    protocolConfiguration: { serverProtocol: spec.serverProtocol },
    lifecycleConfiguration: { idleRuntimeSessionTimeout: Math.min(IDLE_SECONDS, maxLifetime), maxLifetime },
    ...(Object.keys(environmentVariables).length > 0 && { environmentVariables }),
    tags: spec.tags,
    // V2 takes minutes for a snapshot before the first session.
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
    throw withImageHint(explain(error, { action: "CreateAgentRuntime", accountProfile: about.accountProfile }), about);
  }
}

/** For whom one looks, and since when the runtime may be there, at the latest. */
type Looked = { task: Task; sinceMs: number; nowMs: number };

/**
 * Whether a runtime that was made can be invoked: it and its endpoint are ready. Throws DispatchError when they never will.
 * https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_GetAgentRuntimeEndpoint.html
 */
export async function isRuntimeReady(
  plane: ControlPlane,
  runtime: RuntimeRef,
  { task, sinceMs, nowMs }: Looked,
): Promise<RuntimeReadiness> {
  const waiting = { ready: false, waitSeconds: nowMs - sinceMs < 30_000 ? 1 : 5 } as const;
  const states = [
    ["runtime", () => getRuntime(plane, runtime)],
    ["endpoint of the runtime", () => getEndpoint(plane, runtime, qualifierOf(task))],
  ] as const;
  for (const [what, get] of states) {
    const seen = await get();
    if (!seen && nowMs - sinceMs >= YOUNG_MS)
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

/** When it was first tried, at the earliest, to make a runtime for a task, in epoch milliseconds. */
export const provisionedAtMs = (task: Task): number => Date.parse(task.phases.provisioning ?? task.createdAt);

/**
 * Since when a task's own runtime may be there, at the latest, in epoch milliseconds: the task may have been on its way for
 * long before.
 */
export const madeAtMs = (task: Task): number => task.attemptedAtMs ?? provisionedAtMs(task);

/**
 * Whether a refused invocation means "later": that a runtime made for a task is not found, or not ready for invocation,
 * says nothing in its first minutes.
 */
export function isTooEarly(task: Task, error: unknown, nowMs: number): boolean {
  if (task.target.mode !== "runtime") return false;
  const since = Date.parse(task.phases.starting ?? task.phases.provisioning ?? task.createdAt);
  return nowMs - since < YOUNG_MS && (isNotFound(error) || isInvalid(error));
}

/** What is to be deleted, and since when it may be there, at the latest. */
type Deleting = { runtime: RuntimeRef | undefined; name: string; sinceMs: number; nowMs: number };

/** Deletes a runtime, by its name where nobody noted more. Throws DispatchError. */
export async function deleteRuntime(
  plane: ControlPlane,
  { runtime: known, name, sinceMs, nowMs }: Deleting,
): Promise<RuntimeEnd> {
  const runtime = known ?? (await findRuntime(plane, name));
  if (!runtime) return nowMs - sinceMs > UNSEEN_MS ? "gone" : "held";
  const seen = await getRuntime(plane, runtime);
  // A young one may be missing from reads alone: then its deletion tells.
  if (!seen && nowMs - sinceMs >= YOUNG_MS) return "gone";
  if (seen?.status === "DELETING") return "going";
  // Before it has settled nothing can be deleted.
  if (seen?.status === "CREATING" || seen?.status === "UPDATING") return "held";
  const { client, DeleteAgentRuntimeCommand } = plane;
  try {
    await client.send(new DeleteAgentRuntimeCommand({ agentRuntimeId: runtime.id }));
    return (await getRuntime(plane, runtime)) === undefined ? "gone" : "going";
  } catch (error) {
    if (isNotFound(error)) return "gone";
    if (isConflict(error)) return "held";
    throw explain(error, { action: "DeleteAgentRuntime", runtimeId: runtime.id });
  }
}
