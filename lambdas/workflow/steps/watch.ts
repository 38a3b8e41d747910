import { isCompleting } from "../../../lib/domain/completing.ts";
import { isTerminal } from "../../../lib/domain/lifecycle.ts";
import type { Ports } from "../../../lib/domain/ports.ts";
import { canBeAsked, fail, pull, settle } from "../../../lib/domain/pull.ts";
import type { Task } from "../../../lib/domain/task.ts";
import { again, current, done, type Step } from "./step.ts";

/** A worker ends by itself at the deadline; this much later (beside the grace) nobody waits for it any more. */
const DEADLINE_SLACK_MS = 60_000;

/** Collects what the worker reports, for as long as one visit lasts on this platform. */
export const watch: Step = async (ports, input) => {
  const until = ports.now() + ports.pace.visitSeconds * 1000;
  for (;;) {
    const task = await current(ports, input);
    if (!task || isOver(task)) return done;
    if (!canBeAsked(task) || isPastDeadline(task, ports.now())) {
      await end(ports, task);
      continue;
    }
    const leftSeconds = Math.max(0, (until - ports.now()) / 1000);
    const pulled = await pull(ports, task.id, { waitSeconds: Math.min(10, leftSeconds) });
    if (pulled && isOver(pulled)) return done;
    if (ports.now() >= until || ports.closing.aborted) return again(pause(ports, task));
    // Somebody else is asking, or the worker could not be reached: what they write wakes this up.
    const now = pulled ?? task;
    if (!pulled || (now.session?.goneProofs ?? 0) > 0)
      await ports.store.waitForChange(task.id, now.revision, Math.min(1000, leftSeconds * 1000), ports.closing);
  }
};

const isOver = (task: Task) => isTerminal(task.status) || isCompleting(task);

const isPastDeadline = (task: Task, nowMs: number) =>
  task.deadlineAtMs !== undefined && nowMs > task.deadlineAtMs + task.limits.graceSeconds * 1000 + DEADLINE_SLACK_MS;

/** A task that nobody works on: cancelled before its start, or without an answer long after its deadline. */
async function end(ports: Ports, task: Task): Promise<void> {
  const late = isPastDeadline(task, ports.now());
  const error = late
    ? { code: "task.timeout", message: `the job did not end within ${task.limits.timeoutSeconds} s`, retryable: false }
    : { code: "worker.lost", message: "the job was never started", retryable: true };
  await settle(ports, () =>
    ports.store.change(task.id, (now) => (isOver(now) ? undefined : fail(now, error, ports.now()))),
  );
}

/** Seconds until the next visit: 2 at first, longer the longer the job runs. */
function pause(ports: Ports, task: Task): number {
  const startedAt = Date.parse(task.phases.running ?? task.updatedAt);
  return Math.min(ports.pace.maxPauseSeconds, Math.max(2, Math.round((ports.now() - startedAt) / 20_000)));
}
