import { modelsOf } from "../../contract/cloud.ts";
import { type Configuration, own } from "../../contract/configuration.ts";
import { sessionUsd } from "../../contract/costs/compute.ts";
import { RefusedError } from "../../contract/errors.ts";
import type { Channel } from "../../contract/kinds.ts";
import type { Logger } from "../../contract/logger.ts";
import type { Task } from "../../contract/task.ts";
import { CONTRACT, type Operation } from "../../contract/worker.ts";
import type { BackendAdapter, Placement } from "../adapter.ts";
import type { Place } from "../inventory.ts";
import { dividedEnvironment, workerEnvironment } from "../worker-environment.ts";
import { openAccounts } from "./account/accounts.ts";
import type { ClientOptions, Clients } from "./account/clients.ts";
import { agentRoleOf } from "./agent-role.ts";
import { check } from "./checks/preflight.ts";
import { warmCheck } from "./checks/warm-check.ts";
import { cloudAgentOf, providerRefsOf } from "./cloud-agent.ts";
import { type Known, learnContract, saidContract } from "./contract.ts";
import { synchronousCalls } from "./contract-less/synchronous-calls.ts";
import { agentCore } from "./description.ts";
import { estimateOf, versionOf } from "./estimate.ts";
import { imageDigests } from "./images/digests.ts";
import { IMAGE_DEFAULT, imageFrameworks, imageInstall, imageStates } from "./images/frameworks.ts";
import { inventory, placeKey } from "./inventory.ts";
import { orLastWords } from "./logs/last-words.ts";
import { deleteLogs } from "./logs/runtime-logs.ts";
import { ownSpec, runtimeNameOf } from "./own-runtime.ts";
import {
  DEFAULT_QUALIFIER,
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
import { isOfTasks, type RuntimeRef } from "./resources.ts";
import { deleteRuntime, isRuntimeReady, madeAtMs, makeRuntime, orNothingMade, provisionedAtMs } from "./runtime.ts";
import { callWorker, hasOutlived, stopSession } from "./session.ts";
import { sessionIdOf } from "./session-id.ts";
import { sharedRuntimes } from "./shared-runtimes.ts";
import { madeRuntime, namedRuntime } from "./task-runtime.ts";

type Options = ClientOptions & {
  /** Where targets are that name no region themselves. */
  region?: string | undefined;
  /** The runtime with our worker that sessions can use, and its role. */
  ownRuntimeArn?: string | undefined;
  ownRoleArn?: string | undefined;
  /** Agents reach the endpoint of this system, which is in the cloud as well. */
  reachesSystem?: true;
  configuration: () => Configuration;
  log: Logger;
  /** Epoch milliseconds. */
  now: () => number;
  /** The credentials are those of whoever calls, as on one machine. */
  asCaller?: boolean;
  /**
   * What the names of the runtimes that are made for tasks begin with, of this system and no other; default `ad_`, as of
   * anybody's.
   */
  runtimePrefix?: string;
  /** The image that the stack built, whose tag nobody moves. */
  ownImageUri?: string | undefined;
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
  const { now, configuration, log, runtimePrefix = "ad_", asCaller = false } = options;
  /** Where this process has asked for a runtime. */
  const used = new Map<string, Place>();
  const accounts = openAccounts(options);
  /** The name that was noted before anything was made; a deployment may have given names another beginning since. */
  const nameOf = (task: Task) => task.obligations.runtime ?? runtimeNameOf(task, runtimePrefix);
  const clientsOf = (of: { accountProfile: string }) => accounts(of).clients;
  const calls = synchronousCalls({ holdSeconds: options.holdSeconds, clientsOf, runtimeOf: madeRuntime, now });
  function controlPlaneOf(task: Task) {
    const { accountProfile } = task;
    const place = { accountProfile, region: runtimeOf(task)?.region ?? neededRegion(task, options.region) };
    used.set(placeKey(place), place);
    return clientsOf(task).controlPlane(place.region);
  }
  const withLastWords = <T>(task: Task, start: (runtime: RuntimeRef) => Promise<T>) =>
    orLastWords({ clients: clientsOf(task), configuration: configuration(), task, runtime: madeRuntime(task) }, start);

  async function deleteLogsOf({ id, region }: RuntimeRef, clients: Clients, whose: string): Promise<void> {
    const isKept = options.runtimePrefix !== undefined && !asCaller && configuration().cloud.runtimeLogDays > 0;
    // The janitor removes it some days after its last line.
    if (isKept) return;
    const logGroup = logGroupOf(id, DEFAULT_QUALIFIER);
    const failure = await deleteLogs(clients.logs(region), logGroup);
    if (failure !== undefined) log.warn("the log group of a runtime stays behind", { whose, logGroup, failure });
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

  /** A session on a runtime that others use as well is told by us what the configuration gives it. */
  function withGiven(task: Task, operation: Operation): Operation {
    if (operation.op !== "start" || task.obligations.sharedRuntime === undefined) return operation;
    const { ofSession } = dividedEnvironment(workerEnvironment(configuration(), task));
    return Object.keys(ofSession).length === 0 ? operation : { ...operation, given: ofSession };
  }

  const digestOf = imageDigests({ clientsOf, ownImage: options.ownImageUri, log, now });
  const shared = sharedRuntimes({
    clientsOf,
    configuration,
    region: options.region,
    prefix: runtimePrefix,
    digestOf,
    use(task, runtime) {
      const known = { contract: saidContract(task) ?? CONTRACT };
      const placed = { ...task, providerRefs: { ...task.providerRefs, ...known } };
      return { channel: channelOf(placed), providerRefs: { ...providerRefsOf(placed, runtime), ...known } };
    },
    deleteLogs: deleteLogsOf,
    now,
  });

  return {
    ...agentCore,
    shared,
    // Without a beginning of its own, a name may be of another system's runtime.
    ...(options.runtimePrefix !== undefined && {
      inventory: inventory({
        ...options,
        clientsOf,
        prefix: runtimePrefix,
        used,
        asCaller,
        deleteLogs: deleteLogsOf,
      }),
    }),
    ...(options.region !== undefined && { region: options.region }),
    ...(asCaller && { asCaller }),
    ...(options.reachesSystem && { reachesSystem: true }),
    agentRole: (placement) => agentRoleOf(placement, options),

    channel: knownChannel,
    nameSession: sessionIdOf,
    nameRuntime: (task) => (task.target.mode === "runtime" ? nameOf(task) : undefined),

    sessionPlace: (task) =>
      task.target.mode === "session"
        ? JSON.stringify([task.accountProfile, namedRuntime(task).arn, qualifierOf(task), protocolOf(task)])
        : undefined,

    provision: (task) =>
      orNothingMade(async (attempt) => {
        const known =
          task.target.mode === "session" ? await knownOf(task) : { contract: saidContract(task) ?? CONTRACT };
        const placed = { ...task, providerRefs: { ...task.providerRefs, ...known } };
        const channel = channelOf(placed);
        if (channel === "synchronous") calls.assertPossible(task);
        if (task.target.mode === "session")
          return { channel, providerRefs: { ...providerRefsOf(placed, namedRuntime(task)), ...known } };
        const spec = ownSpec(task, { name: nameOf(task), environment: workerEnvironment(configuration(), task) });
        const sinceMs = provisionedAtMs(task);
        const made =
          runtimeOf(task) ??
          (await makeRuntime(await controlPlaneOf(task), spec, { about: task, sinceMs, nowMs: now(), attempt }));
        return { channel, providerRefs: { ...providerRefsOf(task, made), ...known } };
      }),

    async awaitReady(task) {
      if (task.target.mode === "session") return { ready: true };
      return withLastWords(task, async (runtime) =>
        isRuntimeReady(await controlPlaneOf(task), runtime, { task, sinceMs: madeAtMs(task), nowMs: now() }),
      );
    },

    async invoke(task, operation, { timeoutMs, signal, ...bounds }) {
      if (task.channel === "synchronous")
        throw new RefusedError(
          "adapter.unsupported",
          "a contract-less runtime is sent nothing but the call of its job",
        );
      const timeout = AbortSignal.timeout(timeoutMs);
      const limit = signal ? AbortSignal.any([timeout, signal]) : timeout;
      const call = async (runtime: RuntimeRef) =>
        callWorker(await clientsOf(task).dataPlane(runtime.region), task, runtime, withGiven(task, operation), {
          ...bounds,
          signal: limit,
          now,
        });
      return operation.op === "hello" ? withLastWords(task, call) : call(madeRuntime(task));
    },

    async say(task, message, bounds) {
      if (protocolOf(task) !== "a2a")
        throw new RefusedError("adapter.unsupported", `the runtime of the task speaks ${protocolOf(task)}, not a2a`, {
          hint: "an agent is told something while it works only with protocol a2a, and any when it asks",
        });
      const runtime = madeRuntime(task);
      return callWorker(await clientsOf(task).dataPlane(runtime.region), task, runtime, message, { ...bounds, now });
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
      const runtime = runtimeOf(task);
      const deleting = { runtime, name: nameOf(task), sinceMs: madeAtMs(task), nowMs: now() };
      if ((await deleteRuntime(await controlPlaneOf(task), deleting)) !== "gone") return false;
      if (runtime && isOfTasks(runtime)) await deleteLogsOf(runtime, clientsOf(task), task.id);
      return true;
    },

    assertPossible: (job) =>
      assertPossible(job, {
        region: options.region,
        environment: workerEnvironment(configuration(), job),
        assertCallable: calls.assertPossible,
      }),
    check: async (placement, live) => [
      ...(await check(accounts(placement), placement, {
        ...options,
        live,
        digestOf,
        environment: environmentOf(placement),
        frameworks: imageFrameworks(configuration(), environmentOf(placement)),
      })),
      ...warmCheck(configuration(), placement),
    ],
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
    // A task that may be given a session that was kept ready has none until then.
    cloudAgent: (task) =>
      !task.session && own(configuration().runtimes, task.profile)?.warm !== undefined ? undefined : cloudAgentOf(task),
    estimate: (task) => estimateOf(task, options),
    sessionUsd: (task, seconds) => sessionUsd(seconds, versionOf(task, options.ownRuntimeArn)),
    synchronous: {
      maxSeconds: options.holdSeconds,
      call: (task, job, call) => withLastWords(task, () => calls.call(task, job, call)),
    },
  };
}
