import type { Task } from "../../contract/task.ts";
import type { StepInput, StepOutput } from "../../workflow/port.ts";
import type { Ports } from "../ports.ts";

export type Step = (ports: Ports, input: StepInput) => Promise<StepOutput>;

export const done: StepOutput = { again: false, waitSeconds: 0, synchronous: false };
export const again = (waitSeconds: number): StepOutput => ({
  ...done,
  again: true,
  waitSeconds: Math.ceil(waitSeconds),
});

/** The task as it stands, or undefined when it is gone or another execution acts for it. */
export async function current(ports: Ports, { id, n }: StepInput): Promise<Task | undefined> {
  const task = await ports.store.get(id);
  return task?.executionNumber === n ? task : undefined;
}
