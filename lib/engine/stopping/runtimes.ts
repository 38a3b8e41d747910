import type { FoundRuntime, Inventory, Unseen } from "../../backends/inventory.ts";
import { toProblem } from "../../contract/errors.ts";
import { isLive, type SharedRuntime } from "../../contract/runtimes.ts";
import type { OperatorRuntime, OperatorRuntimes } from "../../contract/stopping/operator.ts";
import type { Left, Verified } from "../../contract/stopping/report.ts";
import type { Task } from "../../contract/task.ts";
import type { Ports } from "../ports.ts";
import { sweepRuntimes } from "../shared-runtimes/housekeeping.ts";

/** How often it is looked whether runtimes are gone. */
const LOOK_AGAIN_MS = 2000;

/** A runtime that was found, with what finds and deletes such ones. */
type Found = { inventory: Inventory; runtime: FoundRuntime };

/** All runtimes that were made for tasks, on every platform that can list them. */
async function findRuntimes({ backends }: Pick<Ports, "backends">): Promise<{ found: Found[]; unseen: Unseen[] }> {
  const found: Found[] = [];
  const unseen: Unseen[] = [];
  for (const { inventory } of Object.values(backends)) {
    if (!inventory) continue;
    const listed = await inventory.list();
    found.push(...listed.runtimes.map((runtime) => ({ inventory, runtime })));
    unseen.push(...listed.unseen);
  }
  return { found, unseen };
}

/** The same as an operator sees it: with what is noted of each. `held` are the tasks that hold something. */
export async function describeRuntimes(ports: Ports, held: readonly Task[]): Promise<OperatorRuntimes> {
  const { found, unseen } = await findRuntimes(ports);
  const records = new Map((await ports.store.listRuntimes()).map((record) => [record.name, record]));
  const own = new Set(held.map(({ obligations }) => obligations.runtime));
  const items = found.map(({ runtime: { name, region, accountProfile, status } }): OperatorRuntime => {
    const users = own.has(name) ? 1 : (records.get(name)?.users.length ?? 0);
    return { name, region, accountProfile, status, users, known: own.has(name) || records.has(name) };
  });
  return { items, unseen };
}

type Removed = { verified: Verified[]; underway: Left[] };

/** Deletes the runtimes that tasks share and none uses, until they are gone or the time is over. */
export async function removeUnused(ports: Ports, endsAtMs: number): Promise<Removed> {
  const known = (await ports.store.listRuntimes()).filter(({ state }) => state !== "gone");
  for (;;) {
    await sweepRuntimes(ports, { idleMs: 0 });
    const now = new Map((await ports.store.listRuntimes()).map((record) => [record.id, record]));
    const left = known.flatMap(({ id }) => now.get(id) ?? []).filter(({ state }) => state !== "gone");
    const isOver = !left.some(({ state }) => state === "deleting") || ports.steady() + LOOK_AGAIN_MS > endsAtMs;
    if (isOver) {
      const names = new Set(left.map(({ name }) => name));
      return {
        verified: known.filter(({ name }) => !names.has(name)).map(({ name }) => ({ what: "runtime", name })),
        underway: left.map((record) => ({ what: "runtime", name: record.name, why: whyLeft(record) })),
      };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

function whyLeft(record: SharedRuntime): string {
  if (record.users.length > 0) return `${record.users.length} tasks use it`;
  if (isLive(record)) return "it could not be taken for deletion";
  return "it is being deleted, which takes AgentCore up to some minutes";
}

type Removal = {
  /** Tasks whose runtimes stay for now. */
  spared?: readonly Task[];
  /** Whether there is time for another; default always. */
  mayGoOn?: () => boolean;
};

/**
 * Deletes each runtime that there is, whoever uses it, as long as there is time. Resolves with what is not gone yet, and what could
 * not be asked.
 */
export async function removeAll(
  ports: Ports,
  { spared = [], mayGoOn = () => true }: Removal = {},
): Promise<{ left: Left[]; gone: Verified[]; unseen: Unseen[] }> {
  const { found, unseen } = await findRuntimes(ports);
  const sparedArns = new Set(spared.map(({ providerRefs }) => providerRefs.runtimeArn));
  const left: Left[] = [];
  const gone: Verified[] = [];
  for (const { inventory, runtime } of found) {
    const { name, region, arn } = runtime;
    const why = sparedArns.has(arn) ? "a session in it is not stopped yet" : "there was no time to delete it";
    if (sparedArns.has(arn) || !mayGoOn()) {
      left.push({ what: "runtime", name, why });
      continue;
    }
    try {
      const end = await inventory.remove(runtime);
      if (end === "gone") gone.push({ what: "runtime", name });
      else left.push({ what: "runtime", name, why: `it is being deleted in ${region}` });
    } catch (error) {
      left.push({ what: "runtime", name, why: `it could not be deleted in ${region}: ${toProblem(error).message}` });
    }
  }
  return { left, gone, unseen };
}
