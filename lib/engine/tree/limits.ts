import { type TreeLimits, treeLimits } from "../../config/limits.ts";
import { own } from "../../contract/configuration.ts";
import { RefusedError } from "../../contract/errors.ts";
import { isOrchestration } from "../../contract/kinds.ts";
import type { Task } from "../../contract/task.ts";
import type { Ports } from "../ports.ts";

/**
 * A guard over all that one request sets off. The limits are those that the configuration now gives the profile of the task that
 * it began with, the root, so no call raises them, whatever it names; what counts against them is in the store. What is made of others
 * runs in no profile, and has those of the defaults.
 */
export const limitsOf = (ports: Pick<Ports, "configuration">, { profile, taskType }: Limited): TreeLimits => {
  const configuration = ports.configuration();
  const hasProfile = taskType === undefined || !isOrchestration(taskType);
  return treeLimits(configuration, hasProfile ? own(configuration.runtimes, profile) : undefined);
};
type Limited = Pick<Task, "profile"> & Partial<Pick<Task, "taskType">>;

/** The id of the task that it all began with, and that task where it is still known; `above` is the line above a task. */
export function rootOf(above: readonly Task[]): { id: string; task?: Task } | undefined {
  const [parent, top] = [above[0], above.at(-1)];
  if (!parent || !top) return undefined;
  const id = parent.root ?? top.id;
  return id === top.id ? { id, task: top } : { id };
}

/** When the time of a tree is over, in epoch milliseconds: counted from when its root began. */
export function endOfTree(ports: Pick<Ports, "configuration">, above: readonly Task[]): number | undefined {
  const parent = above[0];
  if (!parent || parent.treeEndsAtMs !== undefined) return parent?.treeEndsAtMs;
  const root = rootOf(above)?.task ?? parent;
  const { provisioning, running } = root.phases;
  const beganAtMs = Date.parse(provisioning ?? running ?? root.createdAt);
  return beganAtMs + limitsOf(ports, root).treeTimeoutSeconds * 1000;
}

/** Whose limit it is, which, what it allows, and of which task where it is not the whole tree's. */
type Reached = {
  root?: string;
  limit: Exclude<keyof TreeLimits, "orphans">;
  value: number;
  taskId?: string;
  setAsideUsd?: number;
};
const whose = ({ root }: Reached): string => (root === undefined ? "that it would begin" : `of task ${root}`);
/** `tree.limit` keeps a task from being made; of one that is there already it ends the job. */
type Code = "tree.limit" | "task.budget" | "task.timeout";

/** A limit of a tree that was reached: whose it is, and what would raise it. */
export const limitReached = (code: Code, message: string, reached: Reached): RefusedError =>
  new RefusedError(code, `${message}: ${reached.limit} is ${reached.value} in the tree ${whose(reached)}`, {
    hint: `${reached.limit}, under limits of the profile or of defaults in the configuration file, allows more`,
    details: reached,
  });
