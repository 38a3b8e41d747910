import type * as z from "zod";
import type { PollReply, pollSchema } from "../lib/contract/worker.ts";
import type { Job } from "./job.ts";
import type { Session } from "./sessions/session.ts";

type Poll = Pick<z.infer<typeof pollSchema>, "after" | "waitSeconds" | "maxBytes">;

/** What comes so soon after the first news is told with it: each answer costs whoever asked several writes, the end included. */
const GATHER_MS = 10;

/**
 * What is new about a task, as soon as there is something or the wait is over. The end of a task is told only together
 * with its last events, so whoever sees it has everything.
 */
export async function pollReply(session: Session, job: Job, poll: Poll, gone: AbortSignal): Promise<PollReply> {
  job.events.acknowledge(poll.after);
  const hasNews = () => job.events.hasAfter(poll.after) || job.hasUntoldSession;
  const waitUntil = performance.now() + poll.waitSeconds * 1000;
  if (!hasNews()) {
    await until(job, waitUntil, gone, hasNews);
    await until(job, Math.min(waitUntil, performance.now() + GATHER_MS), gone);
  }
  session.touch();
  if (!gone.aborted) job.hasUntoldSession = false;
  const { events, next, more } = job.events.page(poll.after, poll.maxBytes);
  if (job.hasEnded && !more) {
    // The last event is acknowledged by a poll after it; where there is none, telling the end is all there is to do.
    if (events.length === 0 && !gone.aborted) session.health.taskCollected();
    return { status: job.status, events, next, ...ending(job) };
  }
  // What it asks is told with the event that says so: an answer belongs to the last question that was seen.
  const status = job.status === "input_required" && !more ? "input_required" : "running";
  const { elapsedSeconds } = job;
  const { inputRequests, session: known } = job;
  return {
    status,
    events,
    next,
    elapsedSeconds,
    ...(status === "input_required" && { inputRequests }),
    ...(known && { session: known }),
  };
}

/** Resolves once the job has ended, the time is over, nobody asks any more, or something is so. */
async function until(job: Job, timeMs: number, gone: AbortSignal, isSo = () => false): Promise<void> {
  for (;;) {
    const left = timeMs - performance.now();
    if (job.hasEnded || isSo() || left <= 0 || gone.aborted) return;
    await job.events.changed(left, gone);
  }
}

function ending({ outcome: { result, error, usage }, session, artifacts }: Job): Partial<PollReply> {
  return {
    ...(result !== undefined && { result }),
    ...(error && { error }),
    ...(usage && { usage }),
    ...(session && { session }),
    artifacts: artifacts?.artifacts ?? [],
    ...(artifacts && artifacts.leftOut.count > 0 && { artifactsLeftOut: artifacts.leftOut }),
  };
}
