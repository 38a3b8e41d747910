import definition from "../../lib/workflow/dispatch.asl.json" with { type: "json" };
import { type Execution, runner, statesOf } from "../emulators/executions.ts";
import { Life, live } from "./lives.ts";

/** What becomes of one event that a function is handed. */
export type Fate = {
  /** The function is not called: there are too many of it. */
  isThrottled?: boolean;
  /** It is called once more, so much later in milliseconds, maybe while the first call is under way. */
  againAfterMs?: number;
  /** It did its work, and its answer is lost. */
  isLost?: boolean;
};

type Work<T> = (life: Life) => Promise<T>;

/** Lambda: functions that are killed, called twice, throttled and cut off at their time limit. */
export class Functions {
  /** Calls that are under way. */
  readonly running = new Set<Life>();
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #fateOf: (name: string) => Fate;

  constructor(sleep: (ms: number) => Promise<void>, fateOf: (name: string) => Fate) {
    this.#sleep = sleep;
    this.#fateOf = fateOf;
  }

  /** Calls a function and resolves with its answer; what it throws, and how it dies, is thrown with a name, as Lambda gives it. */
  async call<T>(name: string, limitMs: number, work: Work<T>): Promise<T> {
    return live(undefined, async () => {
      const fate = this.#fateOf(name);
      if (fate.isThrottled) throw named("Lambda.TooManyRequestsException");
      if (fate.againAfterMs !== undefined) {
        const again = this.#sleep(fate.againAfterMs).then(() => this.#run(`${name} again`, limitMs, work));
        again.catch(() => {});
      }
      const answer = await this.#run(name, limitMs, work);
      if (fate.isLost) throw named("Lambda.SdkClientException");
      return answer;
    });
  }

  async #run<T>(name: string, limitMs: number, work: Work<T>): Promise<T> {
    const life = new Life(name);
    this.running.add(life);
    let isOver = false;
    void this.#sleep(limitMs).then(() => !isOver && life.kill("Sandbox.Timedout"));
    try {
      return await Promise.race([live(life, () => work(life)), life.death]);
    } finally {
      isOver = true;
      this.running.delete(life);
    }
  }
}

const named = (name: string) => Object.assign(new Error(name), { name });

type StateMachine = {
  call: (state: string, event: unknown) => Promise<unknown>;
  seen: (name: string, type: string) => void;
};
let current: StateMachine | undefined;
const functions = Object.fromEntries(
  statesOf(definition, "Task").map((state) => [
    state,
    async (event: unknown) => (current ? current.call(state, event) : new Promise(() => {})),
  ]),
);
/** Made once: it takes long, and keeps nothing. */
const execute = runner({ definition, functions, now: () => Date.now(), onEvent: (...seen) => current?.seen(...seen) });

/** Step Functions: the definition, by the interpreter that the local system uses too; one state machine at a time. */
export class Executions {
  readonly all = new Map<string, Execution>();
  /** How many events the history of each has, as Step Functions counts them. */
  readonly history = new Map<string, number>();
  readonly #lives = new Map<Execution, Life>();

  constructor(call: StateMachine["call"]) {
    current = { call, seen: (name, type) => this.#count(name, type) };
  }

  start(taskId: string, n: number): "started" | "exists" {
    const name = `${taskId}-${n}`;
    const known = this.all.get(name);
    if (known) return known.status === "RUNNING" ? "started" : "exists";
    // What the interpreter still waits for in one that was aborted is nobody's any more.
    const life = new Life(`execution ${name}`);
    const execution = live(life, () => execute(name, JSON.stringify({ id: taskId, n })));
    this.all.set(name, execution);
    this.#lives.set(execution, life);
    return "started";
  }

  /** Ends an execution where it stands; what it has called goes on. */
  abort(execution: Execution): void {
    void execution.abort();
    this.#lives.get(execution)?.kill();
  }

  get running(): Execution[] {
    return [...this.all.values()].filter(({ status }) => status === "RUNNING");
  }

  close(): void {
    current = undefined;
  }

  #count(name: string, type: string): void {
    this.history.set(name, (this.history.get(name) ?? 0) + (events[type] ?? 0));
  }
}

/**
 * Events of Step Functions for those of the interpreter. Each attempt of a Task has three of its function (scheduled, started,
 * succeeded or failed); every state is entered and left; an execution has two.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
const events: Readonly<Record<string, number>> = {
  ExecutionStarted: 1,
  ExecutionSucceeded: 1,
  ExecutionFailed: 1,
  ExecutionAborted: 1,
  StateEntered: 1,
  StateExited: 1,
  TaskAttempted: 3,
};
