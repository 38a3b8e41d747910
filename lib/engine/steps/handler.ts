import type { ErrorCode } from "../../contract/error-codes.ts";
import { DispatchError, toProblem } from "../../contract/errors.ts";
import type { StepHandler } from "../../workflow/port.ts";
import type { Ports } from "../ports.ts";
import { steps as allSteps } from "./index.ts";
import type { Step } from "./step.ts";

/** The step of a state as the workflow calls it. The ports are asked for when it runs. What it throws is a StepError. */
export function stepHandler(state: string, step: Step, ports: () => Ports): StepHandler {
  return (input) => {
    const { observe, steady } = ports();
    return observe.during({ step: state, taskId: input.id }, async () => {
      const startedAtMs = steady();
      const over = (again: boolean, code?: ErrorCode) => {
        const ms = steady() - startedAtMs;
        observe.decided({ decision: "stepped", taskId: input.id, step: state, ms, again, ...(code && { code }) });
      };
      try {
        const output = await step(ports(), input);
        over(output.again);
        return output;
      } catch (error) {
        over(false, toProblem(error).code);
        throw new StepError(error, ports(), state, input.id);
      }
    });
  };
}

/** The handlers of all states, by the names that these have in `dispatch.asl.json`. */
export const stepHandlers = (
  ports: () => Ports,
  steps: Readonly<Record<string, Step>> = allSteps,
): Record<string, StepHandler> =>
  Object.fromEntries(Object.entries(steps).map(([state, step]) => [state, stepHandler(state, step, ports)]));

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
