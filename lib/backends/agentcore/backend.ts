import { modelsOf } from "../../contract/cloud.ts";
import type { Configuration } from "../../contract/configuration.ts";
import { RefusedError } from "../../contract/errors.ts";
import type { Channel } from "../../contract/kinds.ts";
import type { Logger } from "../../contract/logger.ts";
import type { Task } from "../../contract/task.ts";
import { CONTRACT } from "../../contract/worker.ts";
import type { BackendAdapter, Placement } from "../adapter.ts";
import { workerEnvironment } from "../worker-environment.ts";
import { openAccounts } from "./account/accounts.ts";
import type { ClientOptions } from "./account/clients.ts";
import { check } from "./checks/preflight.ts";
import { cloudAgentOf, providerRefsOf } from "./cloud-agent.ts";
import { type Known, learnContract, saidContract } from "./contract.ts";
import { synchronousCalls } from "./contract-less/synchronous-calls.ts";
import { agentCore } from "./description.ts";
import { IMAGE_DEFAULT, imageFrameworks, imageInstall, imageStates } from "./image-frameworks.ts";
import { orLastWords } from "./logs/last-words.ts";
import { deleteLogs } from "./logs/runtime-logs.ts";
import {
  detail,
  isContractLess,
  logGroupOf,
  NO_CONTRACT,
  type Placed,
  protocolOf,
  qualifierOf,
  regionOf,
  runtimeOf,
} from "./place.ts";
import { assertPossible, neededRegion } from "./possible.ts";
import { isRefusedAlike } from "./refused.ts";
import { isOfOneTask, type RuntimeRef } from "./resources.ts";
import { createRuntime, deleteRuntime, isRuntimeReady, orNothingMade, runtimeNameOf } from "./runtime.ts";
import { callWorker, hasOutlived, stopSession } from "./session.ts";
import { sessionIdOf } from "./session-id.ts";
import { madeRuntime, namedRuntime } from "./task-runtime.ts";

type Options = ClientOptions & {
  /** Where targets are that name no region themselves. */
  region?: string | undefined;
  /** The runtime with our worker that sessions can use. */
  ownRuntimeArn?: string | undefined;
  configuration: () => Configuration;
  log: Logger;
  /** Epoch milliseconds. */
  now: () => number;
  /** The credentials are those of whoever calls, as on one machine. */
  asCaller?: boolean;
  /** What the names of the runtimes that are made for tasks begin with; default `ad_`. */
  runtimePrefix?: string;
  /** Longest time for which this process can hold the connection on which a synchronous runtime answers, in seconds. */
  holdSeconds: number;
};

/** Whether a framework of the image asks Bedrock: one of them does only where no other provider is configured for it. */
const asksBedrock = (framework: string, environment: Readonly<Record<string, string>>): boolean =>
  framework === "strands" ||
  (framework === "claude-code" &&
    !Object.keys(environment).some((name) => /^(ANTHROPIC_|CLAUDE_CODE_(USE_|OAUTH_))/.test(name)));

const channelOf = (placed: Placed): Channel => (isContractLess(placed) ? "synchronous" : "call");

/**
 * Runs tasks on Amazon Bedrock AgentCore. Mode `runtime` makes a runtime from an image for the task and deletes it
 * afterwards; mode `session` uses a fresh session on a runtime that exists. Nothing is loaded or contacted before it is
 * needed. A runtime without the worker contract is called in its own way: see `synchronousCalls`.
 */
export function agentCoreBackend(options: Options): BackendAdapter {
  const { now, configuration, log } = options;
  const accounts = openAccounts(options);
  /** The name that was noted before anything was made; a deployment may have given names another beginning since. */
  const nameOf = (task: Task) => task.obligations.runtime ?? runtimeNameOf(task, options.runtimePrefix ?? "ad_");
  const clientsOf = (task: Task) => accounts(task).clients;
  const calls = synchronousCalls({ holdSeconds: options.holdSeconds, clientsOf, runtimeOf: madeRuntime, now });
  const controlPlaneOf = (task: Task) =>
    clientsOf(task).controlPlane(runtimeOf(task)?.region ?? neededRegion(task, options.region));
  const withLastWords = <T>(task: Task, start: (runtime: RuntimeRef) => Promise<T>) =>
    orLastWords({ clients: clientsOf(task), configuration: configuration(), task, runtime: madeRuntime(task) }, start);

  async function deleteLogsOf(task: Task, { id, region }: RuntimeRef): Promise<void> {
    const logGroup = logGroupOf(id, qualifierOf(task));
    const failure = await deleteLogs(clientsOf(task).logs(region), logGroup);
    if (failure !== undefined)
      log.warn("the log group of a runtime stays behind", { taskId: task.id, logGroup, failure });
  }

  /** What is known of the runtime that a task names; it is learned once. */
  async function knownOf(task: Task): Promise<Partial<Known>> {
    const runtime = namedRuntime(task);
    if (task.providerRefs.contract !== undefined) return {};
    if (task.channel === "call") return { contract: CONTRACT };
    return learnContract(() => clientsOf(task).controlPlane(runtime.region), task, runtime);
  }

  /** As far as it is known without asking AWS: the tags of a runtime of somebody else say whether it has our contract. */
  function knownChannel(placement: Placement): Channel | undefined {
    const isOurs =
      placement.target.mode === "runtime" ||
      detail(placement, "contract") === CONTRACT ||
      detail(placement, "contract") === NO_CONTRACT ||
      (options.ownRuntimeArn !== undefined && detail(placement, "runtimeArn") === options.ownRuntimeArn);
    return isOurs ? channelOf(placement) : undefined;
  }

  const environmentOf = (placement: Placement) => workerEnvironment(configuration(), placement) ?? {};

  const frameworksOf = (placement: Placement): readonly string[] | undefined =>
    knownChannel(placement) === "call" ? imageFrameworks(configuration(), environmentOf(placement)) : undefined;

  return {
    ...agentCore,
    ...(options.region !== undefined && { region: options.region }),
    ...(options.asCaller && { asCaller: true }),

    channel: knownChannel,
    nameSession: sessionIdOf,
    nameRuntime: (task) => (task.target.mode === "runtime" ? nameOf(task) : undefined),

    provision: (task) =>
      orNothingMade(async (attempt) => {
        const known =
          task.target.mode === "session" ? await knownOf(task) : { contract: saidContract(task) ?? CONTRACT };
        const placed = { ...task, providerRefs: { ...task.providerRefs, ...known } };
        const channel = channelOf(placed);
        if (channel === "synchronous") calls.assertPossible(task);
        if (task.target.mode === "session")
          return { channel, providerRefs: { ...providerRefsOf(placed, namedRuntime(task)), ...known } };
        const environment = workerEnvironment(configuration(), task);
        const made = await createRuntime(await controlPlaneOf(task), task, {
          name: nameOf(task),
          environment,
          nowMs: now(),
          attempt,
        });
        return { channel, providerRefs: { ...providerRefsOf(task, made), ...known } };
      }),

    async awaitReady(task) {
      if (task.target.mode === "session") return { ready: true };
      return withLastWords(task, async (runtime) => isRuntimeReady(await controlPlaneOf(task), task, runtime, now()));
    },

    async invoke(task, operation, { timeoutMs, signal }) {
      if (task.channel === "synchronous")
        throw new RefusedError(
          "adapter.unsupported",
          "a contract-less runtime is sent nothing but the call of its job",
        );
      const timeout = AbortSignal.timeout(timeoutMs);
      const limit = signal ? AbortSignal.any([timeout, signal]) : timeout;
      const call = async (runtime: RuntimeRef) =>
        callWorker(await clientsOf(task).dataPlane(runtime.region), task, runtime, operation, { signal: limit, now });
      return operation.op === "hello" ? withLastWords(task, call) : call(madeRuntime(task));
    },

    async say(task, message, { signal }) {
      if (protocolOf(task) !== "a2a")
        throw new RefusedError("adapter.unsupported", `the runtime of the task speaks ${protocolOf(task)}, not a2a`, {
          hint: "an agent is told something while it works only with protocol a2a, and any when it asks",
        });
      const runtime = madeRuntime(task);
      return callWorker(await clientsOf(task).dataPlane(runtime.region), task, runtime, message, { signal, now });
    },

    async stop(task) {
      const runtime = runtimeOf(task);
      // Without a runtime there was nothing to invoke, and no session begins before something has reached it.
      if (!runtime || task.session?.sent === 0) return;
      try {
        await stopSession(await clientsOf(task).dataPlane(runtime.region), task, runtime);
      } catch (error) {
        if (!isRefusedAlike(task, error) && !hasOutlived(task, now())) throw error;
        log.warn("a session that never began, or is over by now, could not be stopped", {
          taskId: task.id,
          error: String(error),
        });
      }
    },

    async deleteRuntime(task) {
      // Without a region there was nowhere to make it.
      if (!runtimeOf(task) && regionOf(task, options.region) === undefined) return true;
      if (!(await deleteRuntime(await controlPlaneOf(task), task, { name: nameOf(task), nowMs: now() }))) return false;
      const runtime = runtimeOf(task);
      if (runtime && isOfOneTask(runtime)) await deleteLogsOf(task, runtime);
      return true;
    },

    assertPossible: (job) =>
      assertPossible(job, {
        region: options.region,
        environment: workerEnvironment(configuration(), job),
        assertCallable: calls.assertPossible,
      }),
    check: (placement, live) =>
      check(accounts(placement), placement, {
        ...options,
        live,
        environment: environmentOf(placement),
        frameworks: imageFrameworks(configuration(), environmentOf(placement)),
      }),
    frameworks: frameworksOf,
    defaultFramework: (placement) => (frameworksOf(placement) === undefined ? undefined : IMAGE_DEFAULT),
    frameworkInstall: imageInstall,
    async inspectFrameworks({ placement }) {
      if (!placement || frameworksOf(placement) === undefined) return [];
      return imageStates(configuration(), environmentOf(placement));
    },
    defaultModel: (placement, framework) =>
      frameworksOf(placement) !== undefined && asksBedrock(framework, environmentOf(placement))
        ? modelsOf(configuration().cloud, regionOf(placement, options.region))[0]
        : undefined,
    cloudAgent: cloudAgentOf,
    synchronous: {
      maxSeconds: options.holdSeconds,
      call: (task, job, call) => withLastWords(task, () => calls.call(task, job, call)),
    },
  };
}
