import type { RuntimeEnd } from "./shared-runtimes.ts";

/** Where a backend can have runtimes. */
export type Place = { accountProfile: string; region: string };

/** A runtime that this system made for tasks, as the platform lists it. */
export type FoundRuntime = Place & {
  name: string;
  arn: string;
  /** As the platform has it: `READY`, `DELETING` and the like. */
  status: string;
  /** When it was made or changed last, in epoch milliseconds, where the platform says it. */
  changedAtMs?: number;
  /** The task whose own runtime would have that name. */
  taskId: string;
};

/** A place whose runtimes could not be listed, and why. */
export type Unseen = Place & { reason: string };

/** Whose a runtime is, by what it carries: one task's, or that of all who share it, whose record has that id. */
export type RuntimeOwner = { taskId: string } | { record: string };

/** A log that was put in order: one that is gone, or one that is not kept for ever any more. */
export type FoundLog = { thing: "old_log" | "endless_log"; name: string };

/** Asked before each request: resolves when it may be sent, with false when there is no time left for any. */
export type Pace = () => Promise<boolean>;

/**
 * The runtimes that this system made for tasks, whatever is noted of them: found by the beginning of their names, which no
 * other system's have. Sessions are in no list of the platform.
 */
export interface Inventory {
  /**
   * Where they can be: each account and region that the configuration names. One that acts as whoever calls has only been where it
   * was sent: there it is those places, and those that are `known` from records.
   */
  places(known: readonly Place[]): readonly Place[];
  /** All there are, at each place. Never throws. */
  list(known?: readonly Place[]): Promise<{ runtimes: FoundRuntime[]; unseen: Unseen[] }>;
  /** Whose it is; undefined for one that was made by somebody else. Throws DispatchError. */
  ownerOf(runtime: FoundRuntime): Promise<RuntimeOwner | undefined>;
  /** Deletes one, whoever uses it. Throws DispatchError. */
  remove(runtime: FoundRuntime): Promise<RuntimeEnd>;
  /**
   * Removes the logs of runtimes that have long been gone, and bounds how long others are kept; the oldest first. Throws what
   * the platform answers.
   */
  tidyLogs(place: Place, pace: Pace): AsyncIterable<FoundLog>;
}
