import { own } from "../../contract/configuration.ts";
import { MAX_LIFETIME_SECONDS } from "../../contract/limits.ts";
import type { WarmSession } from "../../contract/runtimes.ts";
import type { Session, Task } from "../../contract/task.ts";
import { adapterOf } from "../invocation-gate.ts";
import type { Ports } from "../ports.ts";

/** One that is older is replaced: its machine ends eight hours after it began, and a task must have time enough there. */
export const OLD_MS = 3_600_000;
/** What a machine must last longer than its job may, to begin, to end in peace, and to hand over its files. */
const SPARE_SECONDS = 1800;

/** How many sessions a profile keeps ready, as the configuration has it now. */
export const warmOf = ({ configuration }: Pick<Ports, "configuration">, profile: string): number =>
  own(configuration().runtimes, profile)?.warm ?? 0;

/** The session of a record. */
export const sessionOf = ({ task }: WarmSession): string => task.session?.id ?? "";

/**
 * What the session of a task is in: two tasks with the same could have each other's. Undefined where none can be kept ready.
 * `shared` is the record of the runtime that it shares.
 */
export const fitsOf = (ports: Ports, task: Task, shared?: string): string | undefined =>
  shared ?? adapterOf(ports, task).sessionPlace?.(task);

/**
 * Takes a session that is ready for a task that has none yet, in one conditional write: two never have the same. Undefined where
 * there is none. Again it gives the same one, if the task has not noted it.
 */
export async function takeWarm(ports: Ports, task: Task, fits: string | undefined): Promise<WarmSession | undefined> {
  if (task.session || fits === undefined || warmOf(ports, task.profile) === 0) return undefined;
  const all = await ports.store.listWarm(task.profile);
  const mine = all.find(({ state, takenBy }) => state === "taken" && takenBy === task.id);
  if (mine) return mine.fits === fits ? mine : undefined;
  for (const { id } of all.filter((one) => isFor(one, task, fits, ports.now()))) {
    const taken = await ports.store.changeWarm(id, (now) =>
      now && isFor(now, task, fits, ports.now()) ? { ...now, state: "taken", takenBy: task.id } : undefined,
    );
    if (taken?.state === "taken" && taken.takenBy === task.id) return taken;
  }
  return undefined;
}

function isFor(one: WarmSession, { limits }: Task, fits: string, nowMs: number): boolean {
  const neededMs = (limits.timeoutSeconds + limits.graceSeconds + SPARE_SECONDS) * 1000;
  const endsAtMs = one.madeAtMs + MAX_LIFETIME_SECONDS * 1000;
  return one.state === "ready" && one.fits === fits && nowMs - one.madeAtMs < OLD_MS && nowMs + neededMs <= endsAtMs;
}

/** The session as a task has it that took it. What is still on its way to it counts as the task's. */
export const takenSession = ({ task, bootId, inFlightUntilMs: untilMs }: WarmSession): Session => ({
  id: task.session?.id ?? "",
  state: "open",
  inFlight: untilMs === undefined ? {} : { warm: untilMs },
  sent: 1,
  ...(bootId !== undefined && { bootId }),
});

/** Notes that a session is a task's own, which has noted it, or over: its record is free for another. */
export async function forgetWarm(ports: Ports, one: WarmSession): Promise<void> {
  const { sharedRuntime } = one.task.obligations;
  if (sharedRuntime !== undefined) await ports.store.releaseRuntime(sharedRuntime, one.task.id, ports.now());
  await ports.store.changeWarm(one.id, (now) =>
    now && sessionOf(now) === sessionOf(one) ? { ...now, state: "gone" } : undefined,
  );
}
