import type { Channel } from "../contract/kinds.ts";
import type { SharedRuntime } from "../contract/runtimes.ts";
import type { Task } from "../contract/task.ts";

/** What a task needs of a runtime that others may use as well: those whose needs have the same fingerprint may share one. */
export type RuntimeNeed = {
  fingerprint: string;
  /** The same without what the image's name stands for at present. */
  family: string;
  region: string;
  /** The image, so named that it means the same for ever. */
  image: string;
};

/** How much longer it takes until a runtime is ready, or that it is. */
export type RuntimeReadiness = { ready: true } | { ready: false; waitSeconds: number };

/** How far the deletion of a runtime is: `going` when the platform has taken it, `held` while it cannot be asked to yet. */
export type RuntimeEnd = "gone" | "going" | "held";

/**
 * Runtimes that tasks with the same needs share: made once, and deleted when none has used them for a while. What is noted of one
 * is the store's; every method here is idempotent.
 */
export interface SharedRuntimes {
  /** What a task needs; undefined where it has a runtime of its own, or makes none. Never throws. */
  needOf(task: Task): Promise<RuntimeNeed | undefined>;
  /** A name that nothing has had, or will have. */
  newName(): string;
  /**
   * Makes the runtime that was noted, or finds it, and resolves with its ARN. Throws DispatchError; NothingMadeError where
   * nothing can have been made.
   */
  make(task: Task, need: RuntimeNeed, runtime: SharedRuntime): Promise<string>;
  /** Whether one that was ready is still there. Throws DispatchError. */
  isThere(runtime: SharedRuntime): Promise<boolean>;
  /** Whether one that was made can be invoked. Throws DispatchError when it never will. */
  look(task: Task, runtime: SharedRuntime): Promise<RuntimeReadiness>;
  /** What a task on it knows of it. Throws DispatchError. */
  use(task: Task, runtime: SharedRuntime): { providerRefs: Record<string, string>; channel: Channel };
  /** Deletes it. Throws DispatchError. */
  remove(runtime: SharedRuntime): Promise<RuntimeEnd>;
}
