import * as z from "zod";
import { storedProblem } from "./said-problem.ts";
import { type Task, taskSchema } from "./task.ts";
import { CONTRACT } from "./worker.ts";

/** A runtime made for one task carries the task's id under this, one that tasks share `SHARED`. */
export const TASK_TAG = "agentdispatch:task";
export const SHARED = "shared";
/** Under this a runtime that tasks share carries the id of its record. */
export const RECORD_TAG = "agentdispatch:record";
export const CONTRACT_TAG = "agentdispatch:contract";

/** What a runtime whose image is our worker carries; any other is called in its own protocol, and never greeted. */
export const contractTag = { [CONTRACT_TAG]: CONTRACT };

const text = z.string();
const number = z.number();

/**
 * A runtime that tasks with the same needs share, each in a session of its own. Times ending in `Ms` are epoch milliseconds.
 * It is noted before it is made, and stays noted until it is known to be gone.
 */
export const sharedRuntimeSchema = z.object({
  /** Of the record: the fingerprint, and which of those with that fingerprint it is. */
  id: text,
  /** Grows with every write. */
  revision: number,
  /** What its tasks have in common, as a hash. */
  fingerprint: text,
  /** The same without what the image's name stands for at present: two of one family are an older and a newer image. */
  family: text,
  /** Name of the backend adapter. */
  backend: text,
  accountProfile: text,
  region: text,
  /** Its name on the platform, given to no other, by which it is found where nobody could note more. */
  name: text,
  state: z.enum(["making", "ready", "deleting", "gone"]),
  /** The task that noted it first. */
  madeBy: text,
  madeAtMs: number,
  /** When it was last tried to make it, or that was answered: it is no older. */
  attemptedAtMs: number,
  /** Attempts to make it that may have succeeded. */
  creations: number,
  /** What the platform calls it, once that is known. */
  arn: text.exactOptional(),
  /** Who makes it, or looks whether it is ready, and until when nobody else does. */
  lease: z.object({ holder: text, untilMs: number }).exactOptional(),
  /** The tasks that use it. */
  users: z.array(text),
  /** When a task last took it or gave it back. */
  lastUsedAtMs: number,
  /** Why it was never ready. */
  failure: storedProblem.exactOptional(),
  /** Before this time nobody tries again to delete it. */
  notBeforeMs: number.exactOptional(),
});
export type SharedRuntime = z.infer<typeof sharedRuntimeSchema>;

/** Whether a task may take it. */
export const isLive = ({ state }: Pick<SharedRuntime, "state">): boolean => state === "making" || state === "ready";

/**
 * A session that is kept ready for the next task of a profile: its machine runs, and bills, before anybody has asked for it. Times
 * ending in `Ms` are epoch milliseconds. It is noted before it begins, and stays noted until it is known to be over, or to be a
 * task's.
 */
export const warmSessionSchema = z.object({
  /** Of the record: the profile, and which of its sessions. */
  id: text,
  /** Grows with every write. */
  revision: number,
  profile: text,
  /**
   * `making`: it may not run yet. `ready`: a task may take it. `taken`: it is a task's, which has yet to note it. `ending`:
   * it is being stopped. `gone`: it is over, or a task has noted it.
   */
  state: z.enum(["making", "ready", "taken", "ending", "gone"]),
  /** What stands in for a task that would use it: no store has it, nobody owns it, and the session is its own. */
  task: z.custom<Task>((value) => taskSchema.safeParse(value).success, "is no task"),
  /** What a task has to use too for it to fit, once that is known. */
  fits: text.exactOptional(),
  madeAtMs: number,
  /** When it last answered. */
  seenAtMs: number.exactOptional(),
  /** Who the worker in it is. */
  bootId: text.exactOptional(),
  /** Until when something that was sent to it may still arrive. */
  inFlightUntilMs: number.exactOptional(),
  /** The task that took it. */
  takenBy: text.exactOptional(),
});
export type WarmSession = z.infer<typeof warmSessionSchema>;
