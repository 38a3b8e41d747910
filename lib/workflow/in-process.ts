import { StateMachine } from "aws-local-stepfunctions";
import type { Logger } from "../contract/logger.ts";
import definition from "./dispatch.asl.json" with { type: "json" };
import type { StepHandler, StepInput, StepOutput, Workflow } from "./port.ts";

export type LocalWorkflow = Workflow & {
  /** Aborts the executions and resolves when none of their steps runs any more; tasks go on at the next start. */
  close(): Promise<void>;
};

type Options = {
  /** The steps by the names of their states. */
  handlers: Readonly<Record<string, StepHandler>>;
  /** Whether this process is about to end. */
  isClosing: () => boolean;
  log: Logger;
};

/** Runs the definition that Step Functions runs, in this process. */
export function localWorkflow({ handlers: steps, isClosing, log }: Options): LocalWorkflow {
  // The definition is validated by a test; here the placeholders stand where ARNs would.
  const machine = new StateMachine(definition as ConstructorParameters<typeof StateMachine>[0], {
    validationOptions: { noValidate: true },
  });
  const executions = new Map<string, () => void>();
  const underWay = new Set<Promise<unknown>>();
  const never = new Promise<StepOutput>(() => {});

  const handlers = Object.fromEntries(
    Object.entries(steps).map(([state, step]) => [
      state,
      // At the end of this process an execution stays where it is, until it is aborted.
      (input: unknown) => (isClosing() ? never : track(run(step, input as StepInput))),
    ]),
  );

  async function run(step: StepHandler, input: StepInput) {
    try {
      return await step(input);
    } catch (error) {
      throw lambdaError(error as Error);
    }
  }

  function track<T>(promise: Promise<T>): Promise<T> {
    underWay.add(promise);
    const forget = () => underWay.delete(promise);
    promise.then(forget, forget);
    return promise;
  }

  return {
    async start(id, n) {
      const name = `${id}-${n}`;
      if (isClosing() || executions.has(name)) return "started";
      const execution = machine.run(
        { id, n },
        { overrides: { taskResourceLocalHandlers: handlers }, noThrowOnAbort: true },
      );
      executions.set(name, () => execution.abort());
      execution.result
        .catch((error) => log.error("an execution died; the janitor recovers it", { taskId: id, error: String(error) }))
        .finally(() => executions.delete(name));
      return "started";
    },
    async close() {
      for (const abort of executions.values()) abort();
      await Promise.allSettled(underWay);
    },
  };
}

/** A handler's error as the engine wants it: `name` is the error type and `message` the JSON that Lambda would give. */
function lambdaError(error: Error): Error {
  const failure = new Error(JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: [] }));
  failure.name = error.name;
  return failure;
}
