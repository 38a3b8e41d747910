import { isTerminal } from "../../contract/lifecycle.ts";
import { MOST_LISTED, type StopReport } from "../../contract/stopping/report.ts";
import type { Task } from "../../contract/task.ts";
import { readable } from "../../store/stored-task.ts";
import { breather } from "../admission/breather.ts";
import { lineage } from "../admission/lineage.ts";
import { inLanes } from "../in-lanes.ts";
import { cancelUnlessEnded } from "../orchestration/cancelling.ts";
import type { Ports } from "../ports.ts";
import { heldBy, type Whose } from "./held.ts";
import { sessionsOf } from "./sessions.ts";
import { type Manner, type Stopped, stopTask } from "./stop-task.ts";

/** Tasks that are stopped, or cancelled, at once. Most of the time of a stop is spent waiting. */
const STOPPED_AT_ONCE = 32;
const CANCELLED_AT_ONCE = 8;
/** How long a job has to end by itself once it was told. */
const PATIENCE_MS = 8000;

/** What would be stopped, as an answer that says how it is. Nothing is changed. */
export async function describeStop(ports: Ports, whose: Whose): Promise<StopReport> {
  const { items: sessions, queued, more } = await sessionsOf(ports, whose);
  return { confirmed: false, queued, sessions, ...(more !== undefined && { more }) };
}

/** How long a stop may take, in milliseconds; `isFinal` as in `Manner`, with `patienceMs` for a job to end by itself. */
type Bounds = { waitMs: number; isFinal?: boolean; patienceMs?: number };

/**
 * Cancels what waits and what runs, with what it dispatched, ends the sessions and deletes the runtimes that are their own.
 * What is made of others comes first, and then what waits, so that nothing begins in the place of what ends; and one looks
 * again until nothing is there that was not there before, so that what was just being admitted is stopped as well. Ends when
 * all is over, or the time.
 */
export async function stopAll(
  ports: Ports,
  whose: Whose,
  { waitMs, isFinal = false, patienceMs = PATIENCE_MS }: Bounds,
): Promise<StopReport> {
  const endsAtMs = ports.steady() + waitMs;
  const manner: Manner = { endsAtMs, patienceMs, isFinal };
  const [seen, asked, cancelled] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const all: Omit<Stopped, "cancelled"> = { verified: [], underway: [], unverified: [] };
  let isWhole = false;
  let left = 0;
  const breathe = breather();
  do {
    const { queued, held } = await heldBy(ports, whose);
    const waiting = queued.filter((id) => !asked.has(id));
    const news = held.filter(({ id }) => !seen.has(id));
    isWhole = waiting.length + news.length === 0;
    const callOff = async (task: Task) => {
      await breathe();
      if (seen.has(task.id)) return;
      seen.add(task.id);
      if (await cancelUnlessEnded(ports, task)) cancelled.add(task.id);
    };
    const madeOfOthers = news.filter(({ orchestration }) => orchestration).sort((a, b) => a.depth - b.depth);
    await inLanes(1, madeOfOthers, callOff);
    await inLanes(CANCELLED_AT_ONCE, waiting, async (id) => {
      await breathe();
      if (ports.steady() >= endsAtMs) return;
      asked.add(id);
      // One that began in this moment is seen among those that run.
      if (await cancelQueued(ports, id, callOff)) cancelled.add(id);
    });
    const running = news.filter(({ orchestration }) => !orchestration);
    await inLanes(STOPPED_AT_ONCE, running, async (task) => {
      await breathe();
      seen.add(task.id);
      const stopped = await stopTask(ports, task, manner);
      if (stopped.cancelled) cancelled.add(task.id);
      all.verified.push(...stopped.verified);
      all.underway.push(...stopped.underway);
      all.unverified.push(...stopped.unverified);
    });
    left = waiting.filter((id) => !asked.has(id)).length;
  } while (!isWhole && ports.steady() < endsAtMs);
  const lists = [all.verified, all.underway, all.unverified];
  const more = lists.reduce((sum, { length }) => sum + Math.max(0, length - MOST_LISTED), 0);
  return {
    confirmed: true,
    cancelled: cancelled.size,
    ...(left > 0 && { queued: left }),
    verified: all.verified.slice(0, MOST_LISTED),
    underway: all.underway.slice(0, MOST_LISTED),
    unverified: all.unverified.slice(0, MOST_LISTED),
    ...(more > 0 && { more }),
  };
}

/**
 * Whether it is cancelled: one that began meanwhile runs, and is stopped as such. What it is a part of would begin another in its
 * place: that is called off before.
 */
async function cancelQueued(ports: Ports, id: string, callOff: (whole: Task) => Promise<void>): Promise<boolean> {
  const read = () => readable(ports.store, id);
  let task = await read();
  const above = task?.status === "queued" ? await lineage(ports, task) : [];
  const whole = above.findLast(({ orchestration, status }) => orchestration && !isTerminal(status));
  if (whole) {
    await callOff(whole);
    task = await read();
  }
  // Whoever made it has not written it yet, or it has gone.
  if (!task) return false;
  if (task.status !== "queued") return task.status === "cancelled";
  return (await cancelUnlessEnded(ports, task)) !== undefined;
}
