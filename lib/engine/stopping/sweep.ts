import { DispatchError, toProblem } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";
import type { Ports } from "../ports.ts";
import { sweepRuntimes } from "../shared-runtimes/housekeeping.ts";
import { keepWarm } from "../shared-runtimes/keep-warm.ts";
import { heldBy } from "./held.ts";
import { removeAll } from "./runtimes.ts";
import { stopAll } from "./stop-all.ts";

/** How long tasks are stopped before it is looked what is left of runtimes, and how long a job has to end by itself. */
const ROUND_MS = 30_000;
const PATIENCE_MS = 3000;
const LOOK_AGAIN_MS = 3000;

/** What a sweep has come to: in words, what it leaves, and how much it has seen to be over. */
export type Swept = {
  left: string[];
  cancelled: number;
  verified: number;
  /** Whether an earlier sweep had begun before this one, so that somebody has been told what that left, or nobody can tell. */
  isRepeated: boolean;
};

/** Said where the store itself has been taken away: nothing would ever tell more. */
const WITHOUT_STORE =
  "sessions of tasks, if any run: the store that knew of them is gone; each ends by itself, after eight hours at most";

/**
 * Leaves nothing of a whole system that could run or bill, before what it needs is taken away: nothing begins any more, all
 * that waits or runs is stopped, files that are on their way are given up, and every runtime that was made for tasks is
 * deleted, whatever is noted of it. Ends when nothing is left, or after `withinMs`. Never throws.
 */
export async function sweepSystem(ports: Ports, withinMs: number): Promise<Swept> {
  const endsAtMs = ports.steady() + withinMs;
  const swept: Swept = { left: [], cancelled: 0, verified: 0, isRepeated: false };
  const trouble = new Map<string, string>();
  let hasStore = true;
  /** One part that fails keeps nobody from the others. */
  const attempt = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
      trouble.delete(what);
    } catch (error) {
      ports.log.error(`${what} failed while the system was swept`, { error: String(error) });
      if (error instanceof DispatchError && error.details?.missing !== undefined) {
        hasStore = false;
        return;
      }
      trouble.set(what, `${what} failed: ${toProblem(error).message}`);
    }
  };
  await attempt("asking for an earlier sweep", async () => {
    swept.isRepeated = (await ports.store.listPauses()).some(({ by }) => by === "deletion");
  });
  for (;;) {
    const left = new Set<string>();
    const isLast = ports.steady() + 2 * ROUND_MS >= endsAtMs;
    const mayGoOn = () => ports.steady() < endsAtMs;
    let held: Task[] = [];
    await attempt("pausing admission", () => ports.store.pauseAdmission({ everybody: "deletion" }, ports.now()));
    await attempt("stopping tasks", async () => {
      const waitMs = Math.max(0, Math.min(ROUND_MS, endsAtMs - ports.steady()));
      const report = await stopAll(ports, "everybody", { waitMs, patienceMs: PATIENCE_MS, isFinal: true });
      swept.cancelled += report.cancelled ?? 0;
      swept.verified += report.verified?.length ?? 0;
      for (const { what, name, taskId, why } of [...(report.underway ?? []), ...(report.unverified ?? [])])
        left.add(`${what} ${name} of ${taskId}: ${why}`);
      const open = await heldBy(ports, "everybody");
      const { queued } = open;
      held = open.held;
      if (held.length + queued.length > 0 && left.size === 0)
        left.add(`${held.length + queued.length} tasks that are not settled, ${held[0]?.id ?? queued[0]} among them`);
    });
    await attempt("ending sessions that are kept ready", async () => {
      await keepWarm(ports, { ending: true, mayGoOn });
      for (const { id, state, task } of await ports.store.listWarm()) {
        if (state === "gone") continue;
        left.add(`session ${id}, which is kept ready, and is ${state}`);
        held.push(task);
      }
    });
    await attempt("deleting shared runtimes", async () => void (await sweepRuntimes(ports, { idleMs: 0 })));
    await attempt("deleting runtimes", async () => {
      // A session may outlive its runtime, and could not be stopped any more.
      const removed = await removeAll(ports, { spared: isLast ? [] : held.filter(hasSession), mayGoOn });
      swept.verified += removed.gone.length;
      for (const { name, why } of removed.left) left.add(`runtime ${name}: ${why}`);
      for (const { accountProfile, region, reason } of removed.unseen)
        left.add(`the runtimes of ${accountProfile} in ${region}, which could not be listed: ${reason}`);
    });
    swept.left = [...left, ...trouble.values()];
    if (!hasStore && left.size === 0) return { ...swept, left: [WITHOUT_STORE], isRepeated: true };
    if (swept.left.length === 0 || ports.steady() + LOOK_AGAIN_MS >= endsAtMs) return swept;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

const hasSession = ({ obligations }: Task): boolean => obligations.session !== undefined;
