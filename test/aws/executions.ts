import { StateMachine } from "aws-local-stepfunctions";

/** What stands behind a Task state, as Lambda would: an event in, JSON out; an error's name is its type. */
export type StateFunction = (event: unknown) => Promise<unknown>;

export type Execution = {
  name: string;
  input: string;
  startedAtMs: number;
  status: "RUNNING" | "SUCCEEDED" | "FAILED" | "ABORTED";
  /** Resolves when it is not running any more. */
  ended: Promise<void>;
  /** Ends it where it stands, without clean-up, as StopExecution does; resolves once the function under way is done. */
  abort(): Promise<void>;
};

export type RunnerOptions = {
  definition: unknown;
  functions: Readonly<Record<string, StateFunction>>;
  /** Milliseconds to wait in Wait states, by their names, instead of what the definition says. */
  waits?: Record<string, number>;
  now: () => number;
};

/** Makes what starts executions of a definition; the functions stand behind its Task states. */
export function runner({ definition, functions, waits = {}, now }: RunnerOptions) {
  const machine = new StateMachine(definition as ConstructorParameters<typeof StateMachine>[0], {
    validationOptions: { noValidate: true },
  });

  return function execute(name: string, input: string): Execution {
    const underWay = new Set<Promise<unknown>>();
    const handlers = Object.fromEntries(
      Object.entries(functions).map(([state, run]) => [
        state,
        (event: unknown) => {
          const call = asLambda(run, event);
          underWay.add(call);
          return call.finally(() => underWay.delete(call));
        },
      ]),
    );
    const { result, abort } = machine.run(JSON.parse(input), {
      overrides: { taskResourceLocalHandlers: handlers, waitTimeOverrides: waits },
    });
    const execution: Execution = {
      name,
      input,
      startedAtMs: now(),
      status: "RUNNING",
      ended: result.then(
        () => end("SUCCEEDED"),
        () => end("FAILED"),
      ),
      async abort() {
        end("ABORTED");
        abort();
        await Promise.allSettled(underWay);
      },
    };
    const end = (status: Execution["status"]) => {
      if (execution.status === "RUNNING") execution.status = status;
    };
    return execution;
  };
}

/** Lambda hands on JSON, and of an error its name and message. */
async function asLambda(run: StateFunction, event: unknown) {
  try {
    const output = await run(JSON.parse(JSON.stringify(event)));
    return JSON.parse(JSON.stringify(output ?? null));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw Object.assign(new Error(JSON.stringify({ errorType: name, errorMessage: message, trace: [] })), { name });
  }
}
