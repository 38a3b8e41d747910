import * as z from "zod";
import { statuses } from "../lifecycle.ts";
import { pauseSchema } from "./pause.ts";

const text = z.string();
const number = z.number();

/**
 * How far a task is with what it holds: it waits and holds nothing; it may run, and bill; it has ended, and its session is being
 * ended; or only its runtime is left, which is being deleted and bills nothing.
 */
const sessionStates = ["waiting", "running", "ending", "deleting"] as const;

/**
 * What a session has cost so far on AWS, in US dollars, by public prices of that day: at least, for a machine that only
 * waits, and at most, for one that is busy; AWS bills what lies between.
 */
export const estimateSchema = z.object({
  isEstimate: z.literal(true),
  leastUsd: number,
  mostUsd: number,
  pricesDate: text,
});

/** A task that waits, runs or still owes something, as whoever wants to stop it sees it. */
export const sessionSchema = z.object({
  taskId: text,
  status: z.enum(statuses),
  state: z.enum(sessionStates),
  /** Whether something may run for it now, which on AWS is paid for. */
  bills: z.boolean(),
  profile: text,
  backend: text,
  accountProfile: text,
  summary: text.exactOptional(),
  /** Of a task that waits: since when; of any other: since when it holds something. */
  since: text,
  ageSeconds: number,
  /** Absent where nothing is billed. */
  estimatedCost: estimateSchema.exactOptional(),
  region: text.exactOptional(),
  sessionId: text.exactOptional(),
  /** The runtime, as far as it is known, and whether it was made for this task alone. */
  runtime: text.exactOptional(),
  ownRuntime: z.literal(true).exactOptional(),
  /** Whose task it is; told to operators alone. */
  owner: text.exactOptional(),
});
export type Session = z.infer<typeof sessionSchema>;

/** What can be stopped of a task: its session, with all that runs in it, and the runtime that is its own. */
const stoppable = z.enum(["session", "runtime"]);
export type Stoppable = z.infer<typeof stoppable>;

/** Something that was asked for again after it was stopped, and is not there any more. */
const verifiedSchema = z.object({ taskId: text.exactOptional(), what: stoppable, name: text });
/** Something of which that is not known, and why. */
const leftSchema = z.object({ taskId: text.exactOptional(), what: stoppable, name: text, why: text });
export type Verified = z.infer<typeof verifiedSchema>;
export type Left = z.infer<typeof leftSchema>;

/** What a stop has come to. `more` counts what is left out of a list that would be too long. */
export const stopReportSchema = z.object({
  confirmed: z.boolean(),
  /** How many tasks wait: that would be cancelled, or, with a confirmation, that there was no time to cancel: they may begin. */
  queued: number.exactOptional(),
  /** Without a confirmation nothing is stopped: what would be. */
  sessions: z.array(sessionSchema).exactOptional(),
  /** Tasks that were cancelled. */
  cancelled: number.exactOptional(),
  /** Verified as stopped. */
  verified: z.array(verifiedSchema).exactOptional(),
  /** Still on its way when the time was over. */
  underway: z.array(leftSchema).exactOptional(),
  /** What could not be stopped, or not be seen to have stopped. */
  unverified: z.array(leftSchema).exactOptional(),
  more: number.exactOptional(),
  /** What to do next. */
  hint: text.exactOptional(),
});
export type StopReport = z.infer<typeof stopReportSchema>;

/** What runs or bills now. */
export const sessionsSchema = z.object({
  items: z.array(sessionSchema),
  /** Tasks that wait to begin; the oldest of them are among the items. */
  queued: number,
  /** Who has paused admission, if anybody. */
  paused: z.array(pauseSchema).exactOptional(),
  more: number.exactOptional(),
});
export type Sessions = z.infer<typeof sessionsSchema>;

/** Most that a list of these holds. */
export const MOST_LISTED = 100;
