import { enforcePolicy } from "../../config/policy.ts";
import type { Route } from "../../config/routing.ts";
import { InvalidInputError, type Issue, RefusedError } from "../../contract/errors.ts";
import type { Specification } from "../../contract/orchestration/specification.ts";
import { notBegun } from "../../contract/orchestration/state.ts";
import { hasEnded } from "../../contract/task.ts";
import type { TaskHandle } from "../../contract/tools/task-handle.ts";
import { dispatch } from "../dispatch.ts";
import type { Plan } from "../plan.ts";
import type { Ports } from "../ports.ts";
import { taskHandle } from "../record.ts";
import { planSpawn } from "../service/spawn.ts";
import { limitsOf } from "../tree/limits.ts";
import { advance } from "./advance.ts";
import { lacking } from "./begin-child.ts";
import { asChild, contextIssues, plannedCall } from "./calls.ts";
import { childrenOf } from "./next.ts";
import { firstEvents, progressEvent, progressOf } from "./progress.ts";

/**
 * How long a task that is made of others may take where nobody says, in seconds. No machine bounds it; but what its children
 * came to is in their records, and these have to be there when it ends.
 */
const USUAL_SECONDS = 7 * 86_400;
const DAY_SECONDS = 86_400;

/** A dispatch of a task that is made of others, as far as it does not follow from its specification. */
type Asked = Omit<Plan, "orchestration" | "place"> & { timeoutSeconds?: number | undefined };

/**
 * Makes a task durable that is made of others, dispatches the first of these and returns its handle. Nothing is made where
 * one of them could not be dispatched. Throws as `dispatch` does.
 */
export async function orchestrate(
  ports: Ports,
  owner: string,
  specification: Specification,
  { timeoutSeconds: asked, ...plan }: Asked,
  { idempotencyKey }: { idempotencyKey?: string | undefined } = {},
): Promise<TaskHandle> {
  await assertPossible(ports, owner, specification, plan.route);
  const nowMs = ports.now();
  const keptSeconds = ports.configuration().retentionDays * DAY_SECONDS;
  const { treeTimeoutSeconds } = limitsOf(ports, plan.route);
  const timeoutSeconds = Math.min(asked ?? USUAL_SECONDS, keptSeconds / 2, treeTimeoutSeconds);
  const orchestration = {
    orchestration: notBegun,
    ...progressOf(specification, notBegun, { ends: [], nowMs }),
    deadlineAtMs: nowMs + timeoutSeconds * 1000,
  };
  const route = { ...plan.route, limits: { ...plan.route.limits, timeoutSeconds } };
  const handle = await dispatch(ports, owner, { ...plan, route, orchestration }, { idempotencyKey });
  return (await begun(ports, handle.taskId)) ?? handle;
}

/** Its handle once its first children are dispatched. It is durable as it is: what cannot be done now, recovery does. */
async function begun(ports: Ports, id: string): Promise<TaskHandle | undefined> {
  try {
    const task = await ports.store.get(id);
    if (!task || hasEnded(task)) return undefined;
    if (task.orchestration?.begun === 0) await ports.store.appendEvents([...firstEvents(task), ...progressEvent(task)]);
    const now = await advance(ports, id);
    return now && taskHandle(now, ports.backends);
  } catch (error) {
    ports.log.warn("a task that is made of others could not begin; the janitor will", {
      taskId: id,
      error: String(error),
    });
    return undefined;
  }
}

/** Throws what would refuse one of the children, by its place in the input; of several that are not understood, all. */
async function assertPossible(ports: Ports, owner: string, specification: Specification, route: Route): Promise<void> {
  const configuration = ports.configuration();
  const issues: Issue[] = contextIssues(specification);
  const places = specification.type === "dialogue.run" ? 2 : childrenOf(specification);
  for (let position = 0; position < places; position++) {
    const path = pathOf(specification, position);
    try {
      const parent = { id: "", accountProfile: route.accountProfile };
      const call = asChild(configuration, await plannedCall(specification, position), parent);
      const planned = await planSpawn(ports, owner, call);
      if ("status" in planned) throw lacking(planned.questions, call);
      enforcePolicy(configuration.policy, { ...planned.plan.route, targetMode: planned.plan.route.target.mode });
    } catch (error) {
      if (error instanceof InvalidInputError)
        issues.push(...error.issues.map((issue) => ({ ...issue, path: fieldOf(specification, position, issue.path) })));
      else if (error instanceof RefusedError) throw error.with({ message: `${path}: ${error.message}` });
      else throw error;
    }
  }
  if (issues.length > 0) throw new InvalidInputError(issues);
}

function pathOf(specification: Specification, position: number): string {
  if (specification.type === "dialogue.run") return position === 0 ? "input.responder" : "input.requester";
  return position < specification.items.length ? `input.items.${position}` : "input.aggregate";
}

/** The field of the input that one of a child's call comes from: its profile may be all that is said, or be called its agent. */
function fieldOf(specification: Specification, position: number, field: string): string {
  const path = pathOf(specification, position);
  if (field !== "runtime") return `${path}.${field}`;
  const asked = specification.type === "dialogue.run" ? "" : (specification.items[position] ?? specification.aggregate);
  if (typeof asked === "string") return path;
  return `${path}.${asked?.agent === undefined ? "runtime" : "agent"}`;
}
