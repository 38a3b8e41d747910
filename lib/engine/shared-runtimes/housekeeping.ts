import type { Pace } from "../../backends/inventory.ts";
import { MAX_LIFETIME_SECONDS } from "../../contract/limits.ts";
import { isLive, type SharedRuntime } from "../../contract/runtimes.ts";
import { isSettled } from "../../contract/task.ts";
import { readableOrNewer } from "../../store/stored-task.ts";
import { adapterOf } from "../invocation-gate.ts";
import type { Ports } from "../ports.ts";

/** A runtime that could not be deleted is tried again after this. */
const PATIENCE_MS = 3_600_000;
/** No session lasts so long: who still counts as a user of a runtime after it may have been forgotten. */
const FORGOTTEN_MS = (MAX_LIFETIME_SECONDS + 3600) * 1000;

type Pass = {
  /** How long a runtime is kept after its last task, in milliseconds; default as the configuration says. */
  idleMs?: number;
  /** Whether there is time for another; default always. */
  mayGoOn?: () => boolean;
  /** Asked before each deletion; default at once. */
  pace?: Pace;
};

/**
 * What there was: in use or kept; to be deleted, and not taken for that yet (`held`); being deleted; and gone since the last pass.
 */
export type RuntimesSeen = { kept: number; held: number; deleting: number; gone: number };

/**
 * Deletes the runtimes that no task has used for a while, the longest unused first, and those of an older image of which
 * there is a newer, as soon as no task uses them. What cannot be deleted now is logged, and tried again in an hour. Two of
 * these at once do no harm.
 */
export async function sweepRuntimes(ports: Ports, pass: Pass = {}): Promise<RuntimesSeen> {
  const { idleMs = ports.configuration().cloud.runtimeIdleMinutes * 60_000, mayGoOn, pace = async () => true } = pass;
  const counts: RuntimesSeen = { kept: 0, held: 0, deleting: 0, gone: 0 };
  const all = (await ports.store.listRuntimes()).sort((one, other) => one.lastUsedAtMs - other.lastUsedAtMs);
  for (const { id, state } of all) {
    if (state === "gone" || mayGoOn?.() === false) continue;
    let isIdle = false;
    const runtime = await ports.store.changeRuntime(id, (now) => {
      isIdle = now !== undefined && isUnused(now, all, ports.now() - idleMs);
      return now && isIdle ? { ...now, state: "deleting" } : undefined;
    });
    if (!runtime || runtime.state === "gone") continue;
    const { name, region } = runtime;
    if (isIdle) ports.observe.decided({ decision: "found", thing: "idle_runtime", name, region });
    // Also one that was believed to be gone: whoever uses it all the same must not lose it.
    const isKept = isLive(runtime) || runtime.users.length > 0;
    if (isKept) await forgetUsers(ports, runtime);
    if (isKept) counts.kept += 1;
    else if (await pace()) counts[await remove(ports, runtime)] += 1;
  }
  return counts;
}

const isUnused = (runtime: SharedRuntime, all: readonly SharedRuntime[], usedBeforeMs: number): boolean =>
  isLive(runtime) &&
  runtime.users.length === 0 &&
  (runtime.lastUsedAtMs <= usedBeforeMs || all.some((other) => isNewerThan(runtime, other)));

/** Whether the other is of what the image's name has come to stand for since. */
const isNewerThan = ({ family, fingerprint, madeAtMs }: SharedRuntime, other: SharedRuntime): boolean =>
  other.family === family && other.fingerprint !== fingerprint && isLive(other) && other.madeAtMs > madeAtMs;

async function remove(ports: Ports, runtime: SharedRuntime): Promise<"held" | "deleting" | "gone"> {
  const { id, name, region, notBeforeMs = 0 } = runtime;
  if (notBeforeMs > ports.now()) return "held";
  try {
    const end = runtime.creations === 0 ? "gone" : await adapterOf(ports, runtime).shared?.remove(runtime);
    if (end === "gone")
      await ports.store.changeRuntime(id, (now) => (now?.name === name ? { ...now, state: "gone" } : undefined));
    return end === "going" ? "deleting" : (end ?? "held");
  } catch (error) {
    ports.log.error("a runtime cannot be deleted; it is tried again in an hour", {
      runtime: name,
      region,
      error: String(error),
    });
    const next = ports.now() + PATIENCE_MS;
    await ports.store.changeRuntime(id, (now) => (now?.name === name ? { ...now, notBeforeMs: next } : undefined));
    return "held";
  }
}

/** Users that have nothing to do with the runtime any more: a task whose record was lost gives nothing back. */
async function forgetUsers(ports: Ports, { id, name, users, lastUsedAtMs }: SharedRuntime): Promise<void> {
  if (ports.now() - lastUsedAtMs < FORGOTTEN_MS) return;
  for (const user of users) {
    const task = await readableOrNewer(ports.store, user);
    if (task === "newer" || (task && !isSettled(task) && task.obligations.sharedRuntime === id)) continue;
    ports.observe.decided({ decision: "found", thing: "runtime_user", taskId: user, name });
    await ports.store.releaseRuntime(id, user, ports.now());
  }
}
