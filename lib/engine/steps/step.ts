import { DispatchError, toProblem } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";
import type { Ports } from "../ports.ts";

/** What the definition hands to a step. `failure` is what its Catch wrote. */
export type StepInput = { id: string; n: number; failure?: { Error?: string; Cause?: string } };

/**
 * What the definition's choices read: whether to come again, and after how many whole seconds; and whether the job is a
 * call that InvokeForeign has to make.
 */
export type StepOutput = { again: boolean; waitSeconds: number; foreign: boolean };

export type Step = (ports: Ports, input: StepInput) => Promise<StepOutput>;

export const done: StepOutput = { again: false, waitSeconds: 0, foreign: false };
export const again = (waitSeconds: number): StepOutput => ({
  ...done,
  again: true,
  waitSeconds: Math.ceil(waitSeconds),
});

/** The task as it stands, or undefined when it is gone or another execution acts for it. */
export async function current(ports: Ports, { id, n }: StepInput): Promise<Task | undefined> {
  const task = await ports.store.get(id);
  return task?.n === n ? task : undefined;
}

/**
 * A step's failure as Step Functions sees it: `StepRefused` (never retried) or `StepRetryable`, with the problem as the
 * message. What is not ours is logged here, because only a neutral text travels on.
 */
export class StepError extends Error {
  constructor(error: unknown, ports: Ports, step: string, id: string) {
    const problem = toProblem(error);
    if (!(error instanceof DispatchError))
      ports.log.error("a step failed", { step, taskId: id, error: stackOf(error) });
    super(JSON.stringify(problem));
    this.name = problem.retryable ? "StepRetryable" : "StepRefused";
  }
}

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
