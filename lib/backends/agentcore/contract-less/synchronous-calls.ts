import { RefusedError } from "../../../contract/errors.ts";
import type { Task } from "../../../contract/task.ts";
import type { Job } from "../../../contract/worker.ts";
import type { Call, JobEnd } from "../../adapter.ts";
import type { Clients } from "../account/clients.ts";
import type { RuntimeRef } from "../resources.ts";
import { isTooEarly } from "../runtime.ts";
import { askAgent } from "./agent.ts";
import { commandLineOf, runCommand } from "./command.ts";

type Options = {
  /** Longest time for which this process can hold a connection, in seconds. */
  holdSeconds: number;
  clientsOf: (task: Task) => Clients;
  runtimeOf: (task: Task) => RuntimeRef;
  /** Epoch milliseconds. */
  now: () => number;
};

/**
 * Jobs on contract-less runtimes. Nothing is sent to one but the job itself, once, in the protocol that
 * it speaks.
 */
export function synchronousCalls({ holdSeconds, clientsOf, runtimeOf, now }: Options) {
  return {
    async call(task: Task, job: Job, call: Call): Promise<JobEnd> {
      const run = job.taskType === "command.run" ? runCommand : askAgent;
      const runtime = runtimeOf(task);
      const isEarly = (error: unknown) => isTooEarly(task, error, now());
      return run({
        ...call,
        clients: clientsOf(task),
        task,
        runtime,
        job,
        maxSeconds: holdSeconds,
        isTooEarly: isEarly,
      });
    },

    /** Throws RefusedError for a job that such a runtime cannot be given. */
    assertPossible({ taskType, input, env }: Pick<Task, "taskType" | "input" | "env">): void {
      if (taskType === "command.run") commandLineOf(input, env, holdSeconds);
      else if (env)
        throw new RefusedError(
          "adapter.unsupported",
          "environment variables cannot reach a runtime without the contract",
          { hint: "leave environment_variables out" },
        );
    },
  };
}
