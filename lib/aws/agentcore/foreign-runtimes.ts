import { RefusedError } from "../../domain/errors.ts";
import type { Call, Check, ForeignRuntimes, JobEnd } from "../../domain/ports.ts";
import type { Task } from "../../domain/task.ts";
import type { Job } from "../../domain/worker-contract.ts";
import type { Clients } from "./clients.ts";
import { askForeignAgent } from "./foreign-agent.ts";
import { foreignCommandOf, runForeignCommand } from "./foreign-command.ts";
import { isForeign, protocolOf, type RuntimeRef } from "./place.ts";

/** A call of a task, and what it is made with. */
export type ForeignCall = Call & { clients: Clients; task: Task; runtime: RuntimeRef; job: Job; maxSeconds: number };

type Options = {
  /** Longest time for which this process can hold a connection, in seconds. */
  holdSeconds: number;
  clientsOf: (task: Task) => Clients;
  runtimeOf: (task: Task) => RuntimeRef;
};

/**
 * Runtimes that know nothing of the worker contract. Nothing is sent to one but the job itself, once: it might take a
 * greeting for an instruction, so whether it is foreign cannot be asked, and `target.details.contract: "none"` has to say
 * it.
 */
export function foreignRuntimes({ holdSeconds, clientsOf, runtimeOf }: Options) {
  return {
    maxSeconds: holdSeconds,
    serves: isForeign,

    async call(task: Task, job: Job, call: Call): Promise<JobEnd> {
      const run = job.taskType === "command.run" ? runForeignCommand : askForeignAgent;
      return run({ ...call, clients: clientsOf(task), task, runtime: runtimeOf(task), job, maxSeconds: holdSeconds });
    },

    /** Throws RefusedError for a job that such a runtime cannot be given. */
    assertPossible(task: Task): void {
      if (task.taskType === "command.run") foreignCommandOf(task.input, task.env, holdSeconds);
      else if (protocolOf(task) === "mcp")
        throw new RefusedError("adapter.unsupported", "an MCP server takes no instruction: it has tools only", {
          hint: "use a runtime whose protocol is http, a2a or ag-ui",
        });
      else if (task.env)
        throw new RefusedError(
          "adapter.unsupported",
          "environment variables cannot reach a runtime without the contract",
          { hint: "leave environment_variables out" },
        );
    },

    /** How such runtimes are used from here. */
    check: (): Check => ({
      name: "contract",
      status: "pass",
      message: `the runtime is called once, and has ${holdSeconds} s to answer`,
    }),
  } satisfies ForeignRuntimes & Record<string, unknown>;
}
