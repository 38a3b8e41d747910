import { isBlank } from "../../backends/description.ts";
import { InvalidInputError, RefusedError, toProblem } from "../../contract/errors.ts";
import type { Specification } from "../../contract/orchestration/specification.ts";
import type { Json, Task } from "../../contract/task.ts";
import type { Question } from "../../contract/tools/spawn-cloud-agent.ts";
import { readable } from "../../store/stored-task.ts";
import { dispatch } from "../dispatch.ts";
import type { Ports } from "../ports.ts";
import { planSpawn } from "../service/spawn.ts";
import { beginsNothing } from "../tree/orphans.ts";
import { answerChild, keepEnded, mayBeAnswered } from "./answered-child.ts";
import { asChild, callAt, plannedCall } from "./calls.ts";
import { childId } from "./children.ts";
import type { End } from "./next.ts";

/**
 * Dispatches the child at a position; again it makes no other. One that is refused is a task too, that has failed with the
 * reason: resolves with its end. Throws RetryableError where that cannot be done now.
 */
export async function beginChild(
  ports: Ports,
  specification: Specification,
  parent: Task,
  position: number,
): Promise<End | undefined> {
  const { owner, trace } = parent;
  const id = await childId(parent.id, position);
  const traced = { ...ports, ...(trace !== undefined && { trace }) };
  try {
    const call = asChild(ports.configuration(), await callAt(ports, specification, parent, position), parent);
    const planned = await planSpawn(traced, owner, call);
    if ("status" in planned) throw lacking(planned.questions, call);
    const { cache, ...plan } = planned.plan;
    const asked = { ...plan, ...(cache && mayBeAnswered(specification, parent, position) && { cache }) };
    const handle = await dispatch(traced, owner, { ...asked, place: { id, position } });
    if (!handle.cached) return undefined;
    const end = await answerChild(traced, parent, { plan: asked, id, position, earlierId: handle.taskId });
    if (end !== "gone") return end;
    await dispatch(traced, owner, { ...plan, place: { id, position } });
    return undefined;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    // It was cancelled meanwhile, and so is what it was about to begin.
    const now = await readable(ports.store, parent.id);
    if (!now || beginsNothing(now)) return undefined;
    const plan = refused(parent, await plannedCall(specification, position));
    return keepEnded(traced, parent, { plan, id, position }, { status: "failed", error: toProblem(error) });
  }
}

/** Names that may be chosen from, in an error. */
const MOST_CHOICES = 50;

/** What is missing from a call, or names nothing that there is, as an error: nobody is there to be asked. */
export const lacking = (questions: readonly Question[], given: Json = {}): InvalidInputError =>
  new InvalidInputError(
    questions.map(({ id, question, choices = [] }) => {
      const asked = isBlank(given[id]) ? `is missing: ${question}` : question;
      const there = choices.length > 0 ? ` There are: ${choices.slice(0, MOST_CHOICES).join(", ")}` : "";
      return { path: id, message: asked + there };
    }),
  );

/** A child that was refused, in the place of its parent, as far as nobody knows its own. */
function refused({ provider, accountProfile, capability, backend, target, limits, ...parent }: Task, call: Json) {
  const profile = typeof call.runtime === "string" ? call.runtime : parent.profile;
  const place = { provider, accountProfile, capability, backend, target };
  const route = { ...place, profile, taskType: "agent.run", limits } as const;
  return { route, input: { instruction: call.instruction }, envField: "input.env", call } as const;
}
