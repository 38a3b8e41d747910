import { InvalidInputError, RefusedError } from "../../contract/errors.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import { taskIdSchema } from "../../contract/task-id.ts";
import { lineage } from "../admission/lineage.ts";
import type { Plan } from "../plan.ts";
import type { Ports } from "../ports.ts";
import { endOfTree, limitReached, limitsOf, rootOf } from "./limits.ts";
import { beginsNothing, leavesNothing } from "./orphans.ts";
import { parentFor } from "./within.ts";

/** The tasks above one that names a parent of the same owner, that first; a name that is no such task says nothing. */
export async function lineAbove(
  ports: Ports,
  owner: string,
  { route: { metadata }, conversation, place }: Plan,
): Promise<readonly Task[]> {
  const said = metadata?.parentTaskId;
  const named = taskIdSchema.safeParse(place ? said : parentFor(ports, said));
  const above = named.success ? await lineage(ports, { parent: named.data }) : [];
  if (above[0]?.owner !== owner) return [];
  const ended = above.find((each) => leavesNothing(ports, each));
  if (ended) {
    const how = ended.calledOff ? "was cancelled" : `has ${ended.status}`;
    throw over(ended, `task ${ended.id} ${how}, with everything that it dispatched`);
  }
  const [parent] = above;
  // Anybody else may name one that was cancelled alone.
  const isItself = place !== undefined || ports.within !== undefined;
  if (parent && isItself && beginsNothing(parent))
    throw over(parent, `task ${parent.id} is ${parent.status} and dispatches nothing any more`);
  const same = conversation && above.find((each) => each.conversation?.id === conversation && !hasEnded(each));
  if (same) {
    const message = `task ${same.id}, which dispatches this one, has its turn in that conversation`;
    throw new InvalidInputError([{ path: "conversation", message }], {
      hint: "each would wait for the other; leave conversation out, so that the task begins one of its own",
    });
  }
  return above;
}

const over = ({ id, status }: Task, message: string): RefusedError =>
  new RefusedError("task.terminal", message, {
    hint: "leave metadata.parentTaskId out if the task is not a part of it",
    details: { taskId: id, status },
  });

/** Its place, one level below its parent. Throws RefusedError `tree.limit`. */
export function placeBelow(
  ports: Ports,
  above: readonly Task[],
  plan: Plan,
): Pick<Task, "depth" | "parent" | "root" | "treeEndsAtMs"> {
  const parent = above[0];
  const root = rootOf(above);
  const depth = parent ? parent.depth + 1 : 0;
  // What is made of others needs a level for them as well.
  const deepest = plan.orchestration ? depth + 1 : depth;
  const ofRoot = root
    ? limitsOf(ports, root.task ?? { profile: plan.route.profile }).maxDepth
    : Number.POSITIVE_INFINITY;
  const value = Math.min(plan.route.limits.maxDepth, ofRoot);
  if (deepest > value) {
    const reached = { ...(root && { root: root.id }), limit: "maxDepth", value } as const;
    throw limitReached("tree.limit", `it would be at level ${deepest}`, reached);
  }
  if (!parent || !root) return { depth };
  const treeEndsAtMs = endOfTree(ports, above);
  return { depth, parent: parent.id, root: root.id, ...(treeEndsAtMs !== undefined && { treeEndsAtMs }) };
}
