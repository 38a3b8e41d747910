import { StateMachine } from "aws-local-stepfunctions";
import type { Ports, Workflow } from "../engine/ports.ts";
import { steps as allSteps } from "../engine/steps/index.ts";
import { type Step, StepError, type StepInput, type StepOutput } from "../engine/steps/step.ts";
import definition from "./dispatch.asl.json" with { type: "json" };

export type LocalWorkflow = Workflow & {
  /** Aborts the executions and resolves when none of their steps runs any more; tasks go on at the next start. */
  close(): Promise<void>;
};

type Options = {
  /** The ports are made with this workflow among them, so they are asked for when a step runs. */
  ports: () => Ports;
  /** For tests: other functions in place of the steps. */
  steps?: Readonly<Record<string, Step>>;
};

/** Runs the definition that Step Functions runs, in this process. */
export function localWorkflow({ ports, steps = allSteps }: Options): LocalWorkflow {
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
      (input: unknown) => (ports().closing.aborted ? never : track(run(state, step, input as StepInput))),
    ]),
  );

  async function run(state: string, step: Step, input: StepInput) {
    try {
      return await step(ports(), input);
    } catch (error) {
      throw lambdaError(new StepError(error, ports(), state, input.id));
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
      if (ports().closing.aborted || executions.has(name)) return "started";
      const execution = machine.run(
        { id, n },
        { overrides: { taskResourceLocalHandlers: handlers }, noThrowOnAbort: true },
      );
      executions.set(name, () => execution.abort());
      execution.result
        .catch((error) =>
          ports().log.error("an execution died; the janitor revives it", { taskId: id, error: String(error) }),
        )
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
function lambdaError(error: StepError): Error {
  const failure = new Error(JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: [] }));
  failure.name = error.name;
  return failure;
}
