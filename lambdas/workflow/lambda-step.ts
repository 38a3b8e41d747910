import * as z from "zod";
import { own } from "../../lib/contract/configuration.ts";
import { InvalidInputError } from "../../lib/contract/errors.ts";
import { explain, toIssue } from "../../lib/contract/issues.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { StepError, stepHandler } from "../../lib/engine/steps/handler.ts";
import { steps } from "../../lib/engine/steps/index.ts";
import type { Step } from "../../lib/engine/steps/step.ts";
import type { StepInput, StepOutput } from "../../lib/workflow/port.ts";

const text = z.string().optional();
const inputSchema = z.object({
  id: z.string().min(1).max(100),
  n: z.number().int().min(1),
  failure: z.object({ Error: text, Cause: text }).optional(),
});

/**
 * The step of a state as a function of its event. What it throws is a StepError, whose name and message Lambda hands to
 * Step Functions as the error and its cause. Throws an Error when no state has that name.
 */
export function lambdaStep(state: string, ports: Ports): (event: unknown) => Promise<StepOutput> {
  const step = own<Step>(steps, state);
  if (!step) throw new Error(`no state is named ${state}; there are: ${Object.keys(steps).join(", ")}`);
  const handler = stepHandler(state, step, () => ports);
  return async (event) => {
    let input: StepInput;
    try {
      input = readInput(event);
    } catch (error) {
      throw new StepError(error, ports, state, "unknown");
    }
    return handler(input);
  };
}

function readInput(event: unknown): StepInput {
  const parsed = inputSchema.safeParse(event, { error: explain });
  if (!parsed.success) throw new InvalidInputError(parsed.error.issues.map(toIssue));
  const { id, n, failure } = parsed.data;
  if (!failure) return { id, n };
  const { Error: error, Cause: cause } = failure;
  return {
    id,
    n,
    failure: { ...(error !== undefined && { Error: error }), ...(cause !== undefined && { Cause: cause }) },
  };
}
