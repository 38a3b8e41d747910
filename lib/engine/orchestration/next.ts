import { type Problem, problem } from "../../contract/errors.ts";
import { type Specification, USUAL_ROUNDS } from "../../contract/orchestration/specification.ts";
import type { Orchestration } from "../../contract/orchestration/state.ts";

/**
 * Tasks that are made of others, `parallel.run` and `dialogue.run`, have no worker, no slot and no execution: they are a
 * record that says which of their children were begun. What comes next follows from that alone, by the pure functions here.
 * They are applied (`advance.ts`) when a child has ended, when somebody waits, and by recovery; each time in one conditional
 * write of the record, and what it begins is dispatched after it. The id of a child follows from its parent's and from its
 * position (`children.ts`): whoever comes after somebody who died dispatches it again, and it is made once.
 *
 * Requests to the store for each child, besides its own: a read and a write of the parent, and two events. The record stays
 * below 20 KB, whatever the number of children.
 */

/** The end of the child at a position. */
export type End = {
  position: number;
  id: string;
  status: "succeeded" | "failed" | "cancelled";
  error?: Problem | undefined;
  /** It said that what is talked about is resolved. */
  isResolved?: boolean;
};

export type Next =
  | { do: "dispatch"; positions: readonly number[] }
  | { do: "wait" }
  | { do: "finish"; status: "succeeded" }
  | { do: "finish"; status: "failed"; error: Problem };

/** What is known once these have ended; one that was noted before, or never begun, changes nothing. */
export function noted(specification: Specification, state: Orchestration, ends: readonly End[]): Orchestration {
  return ends.reduce((now, end) => withEnd(specification, now, end), state);
}

function withEnd(specification: Specification, state: Orchestration, end: End): Orchestration {
  const { position, status } = end;
  if (!state.active.includes(position)) return state;
  const next: Orchestration = {
    ...state,
    active: state.active.filter((each) => each !== position),
    [status]: state[status] + 1,
    ...(end.isResolved && { resolved: true }),
  };
  const isFatal = status !== "succeeded" && isNeeded(specification, position);
  return isFatal && !state.stopped ? { ...next, stopped: childFailed(specification, end) } : next;
}

/** Whether the whole cannot go on without this one. */
const isNeeded = (specification: Specification, position: number): boolean =>
  specification.type === "dialogue.run" || specification.fail_fast === true || isAggregate(specification, position);

/** What comes next of a task of which so much is known. Children that were begun and are not known to have ended are waited for. */
export function next(specification: Specification, state: Orchestration, mostActive: number): Next {
  const { active, begun, stopped } = state;
  if (stopped) return active.length > 0 ? { do: "wait" } : { do: "finish", status: "failed", error: stopped };
  const mayBegin = beginnable(specification, state, mostActive);
  if (mayBegin > 0) return { do: "dispatch", positions: Array.from({ length: mayBegin }, (_, i) => begun + i) };
  return active.length > 0 ? { do: "wait" } : { do: "finish", status: "succeeded" };
}

/** How many of the positions that follow may begin now. */
function beginnable(specification: Specification, state: Orchestration, mostActive: number): number {
  const { active, begun, resolved } = state;
  const isIdle = active.length === 0;
  if (specification.type === "dialogue.run") return isIdle && !resolved && begun < childrenOf(specification) ? 1 : 0;
  const left = specification.items.length - begun;
  if (left > 0) return Math.max(0, Math.min(left, mostActive - active.length));
  return isIdle && begun < childrenOf(specification) ? 1 : 0;
}

/** How many children there are at most. */
export const childrenOf = (specification: Specification): number =>
  specification.type === "dialogue.run"
    ? 2 * (specification.max_rounds ?? USUAL_ROUNDS)
    : specification.items.length + (specification.aggregate === undefined ? 0 : 1);

/** Whether the child at a position is the one that gets the results of all others. */
const isAggregate = (specification: Specification, position: number): boolean =>
  specification.type === "parallel.run" && position === specification.items.length;

function childFailed(specification: Specification, { position, id, status, error }: End): Problem {
  const who = isAggregate(specification, position)
    ? "the agent that makes one answer of all"
    : specification.type === "dialogue.run"
      ? `turn ${position + 1}`
      : `item ${position}`;
  const what =
    status === "cancelled" ? "was cancelled" : `failed: ${error?.code ?? "task.failed"}: ${error?.message ?? ""}`;
  return problem("task.child_failed", `${who} ${what}`.slice(0, 2000), {
    hint: "the result holds what there is, with the task of each",
    details: { position, taskId: id, status, ...(error && { code: error.code }) },
  });
}

/** How far it is, in words. */
export function describe(specification: Specification, { begun, active, ...ended }: Orchestration): string {
  const done = ended.succeeded + ended.failed + ended.cancelled;
  const bad = [
    ...(ended.failed > 0 ? [`${ended.failed} failed`] : []),
    ...(ended.cancelled > 0 ? [`${ended.cancelled} cancelled`] : []),
  ];
  if (specification.type === "dialogue.run")
    return [`${done} of at most ${childrenOf(specification)} turns done`, ...bad].join(", ");
  const items = specification.items.length;
  const isLast = active.length > 0 && isAggregate(specification, begun - 1);
  return [`${Math.min(done, items)} of ${items} done`, ...bad, ...(isLast ? ["one answer of all is made"] : [])].join(
    ", ",
  );
}
