import { toProblem } from "../../contract/errors.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import { leaveParent, lineage } from "../admission/lineage.ts";
import { outOfQueue } from "../cancellation.ts";
import { tellParent } from "../orchestration/advance.ts";
import { fail } from "../poll/apply-reply.ts";
import { settle } from "../poll/poll.ts";
import type { Ports } from "../ports.ts";
import { timeIsOver } from "./bound.ts";

/** Ends a task that waits in its queue and whose tree has no time left. Resolves with whether it has ended. Repeating is safe. */
export async function endQueued(ports: Ports, known: Task): Promise<boolean> {
  if (known.treeEndsAtMs === undefined || known.treeEndsAtMs > ports.now()) return false;
  const late = timeIsOver(ports, "task.timeout", known, await lineage(ports, known));
  if (!late) return false;
  const task = await settle(ports, () =>
    ports.store.change(known.id, (now) =>
      now.status === "queued" ? fail(now, toProblem(late), ports.now()) : undefined,
    ),
  );
  if (!hasEnded(task)) return false;
  await outOfQueue(ports, task);
  await leaveParent(ports, task);
  await tellParent(ports, task);
  return true;
}
