import { finalEvents } from "../../contract/events.ts";
import { defined } from "../../contract/json.ts";
import type { Specification } from "../../contract/orchestration/specification.ts";
import type { EndedTask, Task } from "../../contract/task.ts";
import { ranMs } from "../../store/ledger.ts";
import { stamp } from "../../store/stamp.ts";
import { readable } from "../../store/stored-task.ts";
import { leaveParent } from "../admission/lineage.ts";
import { storedPreview } from "../large-values.ts";
import { newTask } from "../new-task.ts";
import type { Plan } from "../plan.ts";
import type { Ports } from "../ports.ts";
import type { End } from "./next.ts";

/** What stands of a child's input in the record of one that never ran, in characters of JSON. */
const MAX_INPUT = 4000;

/**
 * Whether an earlier answer may serve the child at a position: it is an item, and no agent asked for the whole, because such an
 * answer may be of a task that is not there for that agent.
 */
export const mayBeAnswered = (specification: Specification, parent: Task, position: number): boolean =>
  specification.type === "parallel.run" && position < specification.items.length && parent.parent === undefined;

/**
 * Makes a child that is answered by an earlier task: a task of its own, that has succeeded with the same result, so it stays
 * when that one is forgotten. Resolves with its end, and with undefined where the earlier is gone or the child is there already.
 */
export async function answerChild(
  ports: Ports,
  parent: Task,
  { plan, id, position, earlierId }: ChildPlan & { earlierId: string },
): Promise<End | "gone" | undefined> {
  const earlier = await readable(ports.store, earlierId);
  if (earlier?.status !== "succeeded" || earlier.owner !== parent.owner) return "gone";
  const { usage, conversation, result } = earlier;
  const answeredBy = defined({ taskId: earlier.id, conversation: conversation?.id, usage, ranMs: ranMs(earlier) });
  const outcome = { status: "succeeded", atMs: ports.now() } as const;
  const end = { status: "succeeded", result, outcome, answeredBy } as const;
  return keepEnded(ports, parent, { plan, id, position }, end);
}

type ChildPlan = { plan: Plan; id: string; position: number };
type Ended = Pick<Task, "error" | "result" | "outcome" | "answeredBy"> & { status: "succeeded" | "failed" };

/** Keeps a child that has ended as it is made. Resolves with its end; undefined where there is one already, which stays as it is. */
export async function keepEnded(
  ports: Ports,
  parent: Task,
  { plan, id, position }: ChildPlan,
  end: Ended,
): Promise<End | undefined> {
  const tree = { depth: parent.depth + 1, parent: parent.id, root: parent.root ?? parent.id };
  const { dueAtMs: _, ...made } = newTask(ports, parent.owner, id, { ...plan, place: { id, position } }, tree);
  const nowMs = ports.now();
  const input = storedPreview(plan.input, MAX_INPUT);
  const phases = { ...made.phases, [end.status]: new Date(nowMs).toISOString() };
  const task = stamp({ ...made, ...end, input, phases } as EndedTask, nowMs, ports.configuration().retentionDays);
  if (!(await ports.store.create(task))) return undefined;
  await settleKept(ports, task);
  return { position, id, status: end.status, ...(end.error && { error: end.error }) };
}

/** Does again what belongs to keeping a child that never ran: whoever made it may have died before. */
export async function keepAgain(ports: Ports, task: Task): Promise<void> {
  await ports.store.create(task);
  await settleKept(ports, task);
}

async function settleKept(ports: Ports, task: Task): Promise<void> {
  await ports.store.appendEvents(finalEvents(task));
  await leaveParent(ports, task);
}
