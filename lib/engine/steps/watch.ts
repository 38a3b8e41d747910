import { problem } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { Task } from "../../contract/task.ts";
import { canBeAsked, fail, isCompleting } from "../poll/apply-reply.ts";
import { poll, settle } from "../poll/poll.ts";
import { pauseSeconds, SHORTEST_PAUSE_SECONDS } from "../poll/rhythm.ts";
import type { Ports } from "../ports.ts";
import { again, current, done, type Step } from "./step.ts";

/** What a visit may hold on for instead of another turn of the loop, which costs as much as holding for 18 s: see docs/COSTS.md. */
export const TURN_SECONDS = 10;

/** Collects what the worker reports: for a whole visit while the pause after it would be short, else once. */
export const watch: Step = async (ports, input) => {
  const until = ports.steady() + ports.pace.visitSeconds * 1000;
  for (;;) {
    const task = await current(ports, input);
    if (!task || isOver(task)) return done;
    if (!canBeAsked(task)) {
      await endUnstarted(ports, task);
      continue;
    }
    const since = task.phases.running ?? task.updatedAt;
    const leftSeconds = holds(ports, since) ? Math.max(0, (until - ports.steady()) / 1000) : 0;
    const polled = await poll(ports, task.id, { waitSeconds: leftSeconds, isWatch: true });
    if (polled && isOver(polled)) return done;
    const pause = pauseSeconds(ports, since);
    // Whoever else asks just now sees the end of the job as well: this is for when they have gone.
    if (!holds(ports, since)) return again(polled ? pause : ports.pace.maxPauseSeconds);
    if (ports.steady() >= until || ports.closing.aborted) return again(Math.min(SHORTEST_PAUSE_SECONDS, pause));
    // Somebody else is asking, or the worker could not be reached just now: what they write wakes this up.
    if (!polled)
      await ports.store.waitForChange(task.id, task.revision, Math.min(1000, leftSeconds * 1000), ports.closing);
  }
};

/** Whether a visit lasts, instead of another that would soon follow it. */
const holds = (ports: Ports, since: string): boolean =>
  ports.pace.visitSeconds > 0 && pauseSeconds(ports, since) < TURN_SECONDS;

const isOver = (task: Task) => isTerminal(task.status) || isCompleting(task);

/** A task that nobody works on, because it was cancelled before its start. */
async function endUnstarted(ports: Ports, task: Task): Promise<void> {
  const error = problem("worker.lost", "the job was never started");
  await settle(ports, () =>
    ports.store.change(task.id, (now) => (isOver(now) || canBeAsked(now) ? undefined : fail(now, error, ports.now()))),
  );
}
