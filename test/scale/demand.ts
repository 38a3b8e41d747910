import { waitingBound } from "../../lib/contract/cloud.ts";
import { lookAgainSeconds } from "../../lib/engine/poll/rhythm.ts";
import { TURN_SECONDS } from "../../lib/engine/steps/watch.ts";
import { cloudPace } from "../../lib/system/aws.ts";

/** Tasks a day, all of the same length, spread evenly over the hours in which people work. */
export type Load = { tasksPerDay: number; minutes: number; hours: number };

/** What a call takes that does not wait, and a visit of Watch that asks once; a guess on the safe side, not measured on AWS. */
const CALL_SECONDS = 0.3;
/** Calls of a caller who does not wait: a dispatch, looks at the status, the result. */
const CALLS = 5;
/** Steps beside Watch, each a function for about as long as a call: Provision, AwaitReady twice, Start, Complete, Cleanup twice. */
const OTHER_STEPS = 7;
/** At most, by test/store/dynamodb/capacity.test.ts. */
const WRITE_UNITS = 25;
/** Of the item with an owner's running tasks: taken and given back. */
const SLOT_WRITES = 2;
/** Each running task stands twice in it, and a write takes a unit for each kilobyte. */
const SLOT_BYTES = 74;

/** Seconds of Watch's function for a job of that length: held at first, a short visit after each pause later. */
export function watchSeconds(jobSeconds: number): { held: number; visits: number } {
  const createdAt = new Date(0).toISOString();
  const pauseAt = (atSeconds: number) =>
    lookAgainSeconds(
      { pace: cloudPace, now: () => atSeconds * 1000 },
      { status: "running", phases: { running: createdAt }, createdAt },
    );
  let held = 0;
  while (held < jobSeconds && pauseAt(held) < TURN_SECONDS) held += 1;
  let visits = 0;
  for (let at = held; at < jobSeconds; at += pauseAt(at) + CALL_SECONDS) visits += 1;
  return { held, visits };
}

/** What such a load asks of an account at each moment of those hours. */
export function demandOf({ tasksPerDay, minutes, hours }: Load) {
  const perSecond = tasksPerDay / (hours * 3600);
  const jobSeconds = minutes * 60;
  const running = perSecond * jobSeconds;
  const { held, visits } = watchSeconds(jobSeconds);
  const slotUnits = Math.max(1, Math.ceil((running * SLOT_BYTES) / 1024));
  return {
    perSecond,
    /** Sessions at once. */
    running,
    /** Functions that Watch holds, or runs, at once. */
    watching: perSecond * (held + visits * CALL_SECONDS),
    /** Functions that all other steps run at once. */
    stepping: perSecond * OTHER_STEPS * CALL_SECONDS,
    /** Functions for calls that do not wait. */
    calling: perSecond * CALLS * CALL_SECONDS,
    /** Functions that callers would hold if each waited for the whole of its task. */
    waiting: running,
    writeUnits: perSecond * WRITE_UNITS,
    /** Write units on the one item with the running tasks, were all of one owner. */
    slotUnits: perSecond * SLOT_WRITES * slotUnits,
    requests: perSecond * CALLS,
  };
}

/** Functions at once, with as many callers waiting as may where the account may run so many functions. */
export function functionsOf(load: Load, account: number): number {
  const { watching, stepping, calling, waiting } = demandOf(load);
  return watching + stepping + calling + Math.min(waiting, waitingBound({}, account).places);
}
