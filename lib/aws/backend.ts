import { RefusedError } from "../domain/errors.ts";
import type { BackendAdapter, Logger } from "../domain/ports.ts";
import type { Configuration } from "../domain/profile.ts";
import type { Task } from "../domain/task.ts";
import { workerEnvironment } from "../domain/worker-environment.ts";
import { type ClientOptions, openClients } from "./agentcore/clients.ts";
import { cloudAgentOf, providerRefsOf } from "./agentcore/cloud-agent.ts";
import { ForeignSessions } from "./agentcore/foreign-sessions.ts";
import { isForeign, isOfOneTask, neededDetail, type RuntimeRef, regionOf, runtimeOf } from "./agentcore/place.ts";
import { check } from "./agentcore/preflight.ts";
import { createRuntime, deleteRuntime, isRuntimeReady, runtimeNameOf } from "./agentcore/runtime.ts";
import { callWorker, stopSession } from "./agentcore/session.ts";
import { sessionIdOf } from "./agentcore/session-id.ts";

type Options = ClientOptions & {
  /** Where targets are that name no region themselves. */
  region?: string | undefined;
  configuration: () => Configuration;
  log: Logger;
  /** Epoch milliseconds. */
  now: () => number;
  /**
   * Whether this process lives as long as a task: only then can it hold the one connection on which a runtime that does
   * not know the worker contract answers.
   */
  holdsConnections: boolean;
};

/**
 * Runs tasks on Amazon Bedrock AgentCore. Mode `runtime` makes a runtime from an image for the task and deletes it
 * afterwards; mode `session` uses a fresh session on a runtime that exists. Nothing is loaded or contacted before it is
 * needed. A runtime whose `target.details.contract` is `none` is spoken to in its own way: see `ForeignSessions`.
 */
export function agentCoreBackend(options: Options): BackendAdapter & { close(): void } {
  const { now, configuration } = options;
  const clients = openClients(options);
  const foreign = new ForeignSessions(clients, options);
  const controlPlaneOf = (task: Task) => clients.controlPlane(runtimeOf(task)?.region ?? neededRegion(task));

  function neededRegion(task: Task): string {
    const region = regionOf(task, options.region);
    if (region !== undefined) return region;
    throw new RefusedError("task.target_incomplete", "no region is known for the task", {
      hint: "set region in the account of the configuration, or in target.details",
    });
  }

  return {
    name: "aws-agentcore",
    provider: "aws",
    targetModes: ["runtime", "session"],
    protocols: ["http", "a2a", "mcp", "ag-ui"],
    configRequirements: { runtime: ["ecrImageUri", "executionRoleArn"], session: ["runtimeArn"] },

    nameSession: sessionIdOf,
    nameRuntime: (task) => (task.target.mode === "runtime" ? runtimeNameOf(task) : undefined),

    async provision(task) {
      if (isForeign(task)) foreign.assertPossible(task);
      if (task.target.mode === "session") return { providerRefs: providerRefsOf(task, namedRuntime(task)) };
      const environment = workerEnvironment(configuration(), task);
      const made = await createRuntime(await controlPlaneOf(task), task, { environment, nowMs: now() });
      return { providerRefs: providerRefsOf(task, made) };
    },

    async awaitReady(task) {
      if (task.target.mode === "session") return { ready: true };
      return isRuntimeReady(await controlPlaneOf(task), task, madeRuntime(task), now());
    },

    async invoke(task, operation, { timeoutMs, signal }) {
      if (isForeign(task)) return foreign.answer(task, madeRuntime(task), operation);
      const runtime = madeRuntime(task);
      const timeout = AbortSignal.timeout(timeoutMs);
      const limit = signal ? AbortSignal.any([timeout, signal]) : timeout;
      return callWorker(await clients.dataPlane(runtime.region), task, runtime, operation, limit);
    },

    async stop(task) {
      foreign.forget(task);
      const runtime = runtimeOf(task);
      // Without a runtime there was nothing to invoke.
      if (runtime) await stopSession(await clients.dataPlane(runtime.region), task, runtime);
    },

    async deleteRuntime(task) {
      // Without a region there was nowhere to make it.
      if (!runtimeOf(task) && regionOf(task, options.region) === undefined) return true;
      return deleteRuntime(await controlPlaneOf(task), task, now());
    },

    async check(placement, live) {
      const checks = await check(clients, placement, { live, region: options.region });
      return isForeign(placement) ? [...checks, foreign.check()] : checks;
    },
    cloudAgent: cloudAgentOf,
    close: () => foreign.close(),
  };
}

/** The runtime that a task in mode `session` names. Throws RefusedError `task.target_incomplete` or `policy.denied`. */
function namedRuntime(task: Task): RuntimeRef {
  const arn = neededDetail(task, "runtimeArn");
  const runtime = runtimeOf(task);
  if (!runtime)
    throw new RefusedError("task.target_incomplete", `${arn} is not the ARN of an AgentCore runtime`, {
      hint: "it looks like arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_runtime-AbCdEf1234",
    });
  if (isOfOneTask(runtime))
    throw new RefusedError("policy.denied", "this runtime was made for one task, which alone may use it", {
      hint: "name another runtime, or dispatch in mode runtime",
    });
  return runtime;
}

function madeRuntime(task: Task): RuntimeRef {
  const runtime = runtimeOf(task);
  if (runtime) return runtime;
  throw new RefusedError("worker.start_failed", "the task has no runtime", { hint: "dispatch the task again" });
}
