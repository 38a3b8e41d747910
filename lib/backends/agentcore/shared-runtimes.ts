import { randomBytes } from "node:crypto";
import type { Configuration } from "../../contract/configuration.ts";
import { RefusedError } from "../../contract/errors.ts";
import { MAX_LIFETIME_SECONDS } from "../../contract/limits.ts";
import { contractTag, RECORD_TAG, SHARED, type SharedRuntime, TASK_TAG } from "../../contract/runtimes.ts";
import type { Task } from "../../contract/task.ts";
import type { RuntimeNeed, SharedRuntimes } from "../shared-runtimes.ts";
import { dividedEnvironment, givenNames, workerEnvironment } from "../worker-environment.ts";
import type { Clients } from "./account/clients.ts";
import type { DigestOf } from "./images/digests.ts";
import { getRuntime } from "./known-runtimes.ts";
import { orLastWords } from "./logs/last-words.ts";
import { spokenBy } from "./own-runtime.ts";
import { detail, isContractLess, neededDetail, regionOf, roleOf, serverProtocolOf } from "./place.ts";
import { parseRuntimeArn, type RuntimeRef } from "./resources.ts";
import { deleteRuntime, isRuntimeReady, makeRuntime, NETWORK, orNothingMade, type RuntimeSpec } from "./runtime.ts";
import { sha256 } from "./sha256.ts";

type Options = {
  clientsOf: (of: { accountProfile: string }) => Clients;
  configuration: () => Configuration;
  /** Where targets are that name no region themselves. */
  region?: string | undefined;
  /** What the names of the runtimes begin with. */
  prefix: string;
  digestOf: DigestOf;
  /** What a task knows of a runtime that it uses. */
  use: (task: Task, runtime: RuntimeRef) => ReturnType<SharedRuntimes["use"]>;
  /** Of one that is gone. */
  deleteLogs: (runtime: RuntimeRef, clients: Clients, name: string) => Promise<void>;
  /** Epoch milliseconds. */
  now: () => number;
};

/** Digits of a hash that say enough. */
const DIGITS = 32;

/**
 * Runtimes that tasks share: those with the same image, role, names of variables, protocol and network. Each task is in a session
 * of its own, and so on a machine of its own. What may be secret is no part of such a runtime: a session is told when its job
 * starts.
 */
export function sharedRuntimes(options: Options): SharedRuntimes {
  const { clientsOf, configuration, prefix, now } = options;
  const planeOf = (runtime: SharedRuntime) => clientsOf(runtime).controlPlane(runtime.region);

  return {
    async needOf(task) {
      const { mode, details } = task.target;
      const [image, region] = [detail(task, "ecrImageUri"), regionOf(task, options.region)];
      const role = roleOf(task);
      const isOwn = mode !== "runtime" || details?.reuse === false;
      if (isOwn || image === undefined || role === undefined || region === undefined) return undefined;
      const found = await options.digestOf(task, image);
      if (!found) return undefined;
      const alike = [
        task.accountProfile,
        region,
        role,
        namesOf(configuration(), task),
        Object.entries(environmentOf(configuration(), task)).sort(),
        serverProtocolOf(task),
        isContractLess(task),
        NETWORK,
        found.named,
      ];
      const hash = (...parts: unknown[]) => sha256(JSON.stringify([...alike, ...parts])).slice(0, DIGITS);
      return { fingerprint: hash(found.exact), family: hash(), region, image: found.exact };
    },

    newName: () => `${prefix}${randomBytes(DIGITS / 2).toString("hex")}`,

    make: (task, need, runtime) =>
      orNothingMade(async (attempt) => {
        const about = { about: task, sinceMs: runtime.madeAtMs, nowMs: now(), attempt };
        const spec = specOf(configuration(), task, need, runtime);
        return (await makeRuntime(await planeOf(runtime), spec, about)).arn;
      }),

    async isThere(runtime) {
      const seen = await getRuntime(await planeOf(runtime), refOf(runtime));
      return seen !== undefined && seen.status !== "DELETING";
    },

    look(task, runtime) {
      const times = { sinceMs: runtime.attemptedAtMs, nowMs: now() };
      return orLastWords(
        { clients: clientsOf(runtime), configuration: configuration(), task, runtime: refOf(runtime) },
        async (ref) => isRuntimeReady(await planeOf(runtime), ref, { task, ...times }),
      );
    },

    use: (task, runtime) => options.use(task, refOf(runtime)),

    async remove(runtime) {
      const ref = parseRuntimeArn(runtime.arn);
      const { name, attemptedAtMs: sinceMs } = runtime;
      const end = await deleteRuntime(await planeOf(runtime), { runtime: ref, name, sinceMs, nowMs: now() });
      if (end === "gone" && ref) await options.deleteLogs(ref, clientsOf(runtime), name);
      return end;
    },
  };
}

function refOf({ arn, name }: SharedRuntime): RuntimeRef {
  const ref = parseRuntimeArn(arn);
  if (ref) return ref;
  throw new RefusedError("worker.start_failed", `nothing is known of the runtime ${name} but its name`, {
    hint: "dispatch the task again",
  });
}

const namesOf = (configuration: Configuration, task: Task): string[] =>
  Object.keys(workerEnvironment(configuration, task) ?? {}).sort();

/**
 * What the runtime itself has of the environment. One without our contract can be told nothing as its job starts: it has all, and
 * only tasks with the same share it.
 */
function environmentOf(configuration: Configuration, task: Task): Record<string, string> {
  const environment = workerEnvironment(configuration, task);
  return isContractLess(task) ? { ...environment } : dividedEnvironment(environment).ofWorker;
}

function specOf(
  configuration: Configuration,
  task: Task,
  { image }: RuntimeNeed,
  { id, name }: SharedRuntime,
): RuntimeSpec {
  return {
    name,
    token: sha256(name),
    image,
    roleArn: roleOf(task) ?? neededDetail(task, "executionRoleArn"),
    serverProtocol: serverProtocolOf(task),
    environment: {
      ...environmentOf(configuration, task),
      ...givenNames(workerEnvironment(configuration, task)),
      ...spokenBy(task),
    },
    // Its sessions are of jobs of any length: each worker ends its own in time.
    maxLifetimeSeconds: MAX_LIFETIME_SECONDS,
    tags: { [TASK_TAG]: SHARED, [RECORD_TAG]: id, ...(!isContractLess(task) && contractTag) },
  };
}
