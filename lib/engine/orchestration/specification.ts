import { RefusedError } from "../../contract/errors.ts";
import { isOrchestration } from "../../contract/kinds.ts";
import { MAX_PARALLEL, orchestrationInputs, type Specification } from "../../contract/orchestration/specification.ts";
import type { Task } from "../../contract/task.ts";
import { readLargeValue } from "../large-values.ts";
import type { Ports } from "../ports.ts";

/** Read again for each child, a long specification would make each the slower the more there are. It never changes. */
const MOST_KNOWN = 8;
const known = new Map<string, Specification>();

/** What a task that is made of others was asked for. Throws RefusedError where it cannot be read any more. */
export async function specificationOf(
  { artifacts }: Pick<Ports, "artifacts">,
  { id, taskType, input, inputRef }: Task,
): Promise<Specification> {
  const before = known.get(id);
  if (before) return before;
  if (!isOrchestration(taskType)) throw new TypeError(`a ${taskType} is made of no other tasks`);
  const whole = inputRef ? await readLargeValue({ artifacts }, inputRef) : input;
  const { data, error } = orchestrationInputs[taskType].safeParse(whole);
  if (!data)
    throw new RefusedError("platform.task_unreadable", `what task ${id} is made of cannot be read`, { cause: error });
  const read = { type: taskType, ...data } as Specification;
  known.set(id, read);
  for (const oldest of known.keys()) if (known.size > MOST_KNOWN) known.delete(oldest);
  return read;
}

/** How many children are under way at once. */
export const mostActive = (specification: Specification, { limits }: Task): number =>
  specification.type === "dialogue.run" ? 1 : (specification.max_parallel ?? Math.min(limits.maxRunning, MAX_PARALLEL));
