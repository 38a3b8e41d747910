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
  /** What pauses before a failed state is tried again are multiplied by; default 1. */
  retryScale?: number;
  now: () => number;
  /**
   * Hears of what an execution does, by its name: each event of the interpreter, and `TaskAttempted` for each call of a
   * function.
   */
  onEvent?: (name: string, type: string) => void;
};

/** Makes what starts executions of a definition; the functions stand behind its Task states. */
export function runner({ definition, functions, waits = {}, retryScale = 1, now, onEvent }: RunnerOptions) {
  const scaled = withRetries(definition as Definition, retryScale);
  const machine = new StateMachine(scaled as ConstructorParameters<typeof StateMachine>[0], {
    validationOptions: { noValidate: true },
  });

  return function execute(name: string, input: string): Execution {
    const underWay = new Set<Promise<unknown>>();
    let isAborted = false;
    const handlers = Object.fromEntries(
      Object.entries(functions).map(([state, run]) => [
        state,
        (event: unknown) => {
          // The library wakes up whoever waits to try again, and tries again.
          if (isAborted) return new Promise(() => {});
          onEvent?.(name, "TaskAttempted");
          const call = asLambda(run, event);
          underWay.add(call);
          return call.finally(() => underWay.delete(call));
        },
      ]),
    );
    const { result, abort, eventLogs } = machine.run(JSON.parse(input), {
      overrides: { taskResourceLocalHandlers: handlers, waitTimeOverrides: waits },
    });
    if (onEvent) void tell(eventLogs, (type) => onEvent(name, type));
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
        isAborted = true;
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

async function tell(events: AsyncIterable<{ type: string }>, hear: (type: string) => void): Promise<void> {
  for await (const { type } of events) hear(type);
}

type Retrier = { IntervalSeconds?: number; MaxDelaySeconds?: number };
type Definition = { States: Record<string, { Type: string; Retry?: Retrier[] }> };

/** Names of the states of a type, in the order of the definition. */
export const statesOf = (definition: unknown, type: string): string[] =>
  Object.entries((definition as Definition).States).flatMap(([name, { Type }]) => (Type === type ? [name] : []));

/** The definition with other pauses before its retries. */
function withRetries(definition: Definition, scale: number): Definition {
  const scaled = structuredClone(definition);
  for (const { Retry = [] } of Object.values(scaled.States))
    for (const retrier of Retry) {
      retrier.IntervalSeconds = (retrier.IntervalSeconds ?? 1) * scale;
      if (retrier.MaxDelaySeconds !== undefined) retrier.MaxDelaySeconds *= scale;
    }
  return scaled;
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
