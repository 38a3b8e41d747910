import type { Configuration } from "../../contract/configuration.ts";
import { toProblem } from "../../contract/errors.ts";
import { defined } from "../../contract/json.ts";
import { RECORD_TAG, SHARED, TASK_TAG } from "../../contract/runtimes.ts";
import type { FoundRuntime, Inventory, Place, Unseen } from "../inventory.ts";
import type { Clients, ControlPlane } from "./account/clients.ts";
import { agentCore } from "./description.ts";
import { listRuntimes } from "./known-runtimes.ts";
import { tidyLogs } from "./logs/tidy-logs.ts";
import { explain, isNotFound } from "./problems.ts";
import { parseRuntimeArn, type RuntimeRef } from "./resources.ts";
import { deleteRuntime } from "./runtime.ts";

type Options = {
  configuration: () => Configuration;
  clientsOf: (of: { accountProfile: string }) => Clients;
  /** Where targets are that name no region themselves. */
  region?: string | undefined;
  /** What the names of the runtimes begin with, and those of no other system. */
  prefix: string;
  /** The runtime that the stack deployed. */
  ownRuntimeArn?: string | undefined;
  /** Places where this process has asked for a runtime, by `placeKey`. */
  used: ReadonlyMap<string, Place>;
  /** With the credentials of whoever calls nobody looks where they have not been. */
  asCaller: boolean;
  /** Of one that is gone. */
  deleteLogs: (runtime: RuntimeRef, clients: Clients, name: string) => Promise<void>;
  /** Epoch milliseconds. */
  now: () => number;
};

export const placeKey = ({ accountProfile, region }: Place): string => JSON.stringify([accountProfile, region]);

/**
 * The runtimes of this system in all accounts and regions where they can be, found by the beginning of their names, and their
 * logs.
 */
export function inventory({ configuration, clientsOf, prefix, deleteLogs, now, ...options }: Options): Inventory {
  const planeOf = (place: Place) => clientsOf(place).controlPlane(place.region);

  async function listAt({ accountProfile, region }: Place): Promise<FoundRuntime[]> {
    const found: FoundRuntime[] = [];
    for await (const one of listRuntimes(await planeOf({ accountProfile, region }))) {
      const { agentRuntimeName: name = "", agentRuntimeArn: arn = "", status = "UNKNOWN", lastUpdatedAt } = one;
      if (!name.startsWith(prefix)) continue;
      const [taskId, changedAtMs] = [`task_${name.slice(prefix.length)}`, lastUpdatedAt?.getTime()];
      found.push({ name, arn, region, accountProfile, status, taskId, ...defined({ changedAtMs }) });
    }
    return found;
  }

  function places(known: readonly Place[]): Place[] {
    const configured = options.asCaller ? [] : placesOf(configuration(), options.region);
    const all = [...configured, ...options.used.values(), ...known];
    return [...new Map(all.map((place) => [placeKey(place), place])).values()];
  }

  return {
    places,

    async list(known = []) {
      const runtimes = new Map<string, FoundRuntime>();
      const unseen: Unseen[] = [];
      for (const { accountProfile, region } of places(known)) {
        try {
          for (const one of await listAt({ accountProfile, region })) runtimes.set(one.arn, one);
        } catch (error) {
          unseen.push({ accountProfile, region, reason: toProblem(error).message });
        }
      }
      return { runtimes: [...runtimes.values()], unseen };
    },

    async ownerOf(runtime) {
      const { [TASK_TAG]: taskId, [RECORD_TAG]: record } = await tagsOf(await planeOf(runtime), runtime);
      if (taskId === SHARED) return record === undefined ? undefined : { record };
      return taskId === undefined ? undefined : { taskId };
    },

    async remove({ arn, name, accountProfile, region, changedAtMs }) {
      const clients = clientsOf({ accountProfile });
      const plane: ControlPlane = await clients.controlPlane(region);
      const runtime = parseRuntimeArn(arn);
      const end = await deleteRuntime(plane, { runtime, name, sinceMs: changedAtMs ?? now(), nowMs: now() });
      if (end === "gone" && runtime) await deleteLogs(runtime, clients, name);
      return end;
    },

    async *tidyLogs(place, pace) {
      const own = parseRuntimeArn(options.ownRuntimeArn);
      const { runtimeLogDays, logRetentionDays } = configuration().cloud;
      const keeping = {
        prefix,
        keptId: own?.region === place.region ? own.id : undefined,
        keepDays: options.asCaller ? 0 : runtimeLogDays,
        retentionDays: logRetentionDays,
        liveIds: async () => new Set((await listAt(place)).flatMap(({ arn }) => parseRuntimeArn(arn)?.id ?? [])),
        now,
      };
      yield* tidyLogs(await clientsOf(place).logs(place.region), keeping, pace);
    },
  };
}

/** Account profiles with the regions in which they may have runtimes; few, as each is a request or two. */
function placesOf({ accounts, backends, runtimes, defaults }: Configuration, own: string | undefined): Place[] {
  const targets = [defaults.target, ...Object.values(runtimes).map(({ target }) => target)];
  const named = [
    ...Object.values(accounts),
    ...Object.values(backends).map(({ details }) => details),
    ...targets.map((target) => target?.details ?? {}),
  ];
  const regions = new Set([own, ...named.map(({ region }) => region)].filter((region) => typeof region === "string"));
  return Object.entries(accounts)
    .filter(([, { provider }]) => provider === agentCore.provider)
    .flatMap(([accountProfile]) => [...regions].map((region) => ({ accountProfile, region })));
}

async function tagsOf(
  { client, ListTagsForResourceCommand }: ControlPlane,
  { arn, accountProfile }: FoundRuntime,
): Promise<Record<string, string>> {
  try {
    return (await client.send(new ListTagsForResourceCommand({ resourceArn: arn }))).tags ?? {};
  } catch (error) {
    if (isNotFound(error)) return {};
    throw explain(error, { action: "ListTagsForResource", accountProfile });
  }
}
