import { randomUUID } from "node:crypto";
import { RefusedError, WorkerGoneError } from "../../domain/errors.ts";
import type { Check } from "../../domain/ports.ts";
import type { Task } from "../../domain/task.ts";
import { CONTRACT, type Operation, type StartOperation } from "../../domain/worker-contract.ts";
import type { Clients } from "./clients.ts";
import { askForeignAgent } from "./foreign-agent.ts";
import { foreignCommandOf, runForeignCommand } from "./foreign-command.ts";
import { ForeignJob } from "./foreign-job.ts";
import { protocolOf, type RuntimeRef } from "./place.ts";
import { sessionIdOf } from "./session-id.ts";

type Poll = Extract<Operation, { op: "poll" }>;

/**
 * Sessions on runtimes that know nothing of the worker contract: for them this process is the worker. Nothing is sent to
 * such a runtime but the job itself, once: it might take a greeting for an instruction, so whether it is foreign cannot
 * be asked, and `target.details.contract: "none"` has to say it. Its answer comes on the connection that asked, which
 * this process must hold until then; after it has ended, what became of the job is unknown: `worker.lost`.
 */
export class ForeignSessions {
  readonly #clients: Clients;
  readonly #holdsConnections: boolean;
  readonly #jobs = new Map<string, ForeignJob>();
  /** Another process has another, so that a start which is sent again there is refused instead of run twice. */
  readonly #bootId = `foreign-${randomUUID()}`;

  constructor(clients: Clients, { holdsConnections }: { holdsConnections: boolean }) {
    this.#clients = clients;
    this.#holdsConnections = holdsConnections;
  }

  /** Throws RefusedError for a job that such a runtime cannot be given. */
  assertPossible(task: Task): void {
    if (!this.#holdsConnections)
      throw new RefusedError("adapter.unsupported", "a runtime without the worker contract cannot be used from here", {
        hint: "dispatch from a control plane on one machine, or put the worker of this project into the image",
      });
    if (task.taskType === "command.run") foreignCommandOf(task.input, task.env);
    else if (protocolOf(task) === "mcp")
      throw new RefusedError("adapter.unsupported", "an MCP server takes no instruction: it has tools only", {
        hint: "use a runtime whose protocol is http, a2a or ag-ui",
      });
    else if (task.env)
      throw new RefusedError(
        "adapter.unsupported",
        "environment variables cannot reach a runtime without the contract",
        {
          hint: "leave environment_variables out",
        },
      );
  }

  /** Whether such runtimes can be used from here at all. */
  check(): Check {
    if (this.#holdsConnections)
      return { name: "contract", status: "pass", message: "this process holds the connection" };
    const message = "a runtime without the worker contract cannot be used from here, only from one machine";
    return { name: "contract", status: "fail", message };
  }

  async answer(task: Task, runtime: RuntimeRef, operation: Operation): Promise<unknown> {
    const job = this.#jobs.get(sessionIdOf(task));
    switch (operation.op) {
      case "hello":
        return {
          contract: CONTRACT,
          bootId: this.#bootId,
          version: "foreign",
          protocols: [protocolOf(task)],
          frameworks: [],
        };
      case "start":
        if (operation.bootId !== this.#bootId)
          return refusal("worker.replaced", "another process spoke to the runtime");
        if (!job) this.#start(task, runtime, operation);
        return { accepted: true, taskId: task.id, status: "running" };
      case "poll":
        return this.#known(job).poll(operation as Poll);
      case "cancel":
        this.#known(job).cancel();
        return { accepted: true, status: "running" };
      case "upload":
        return { artifacts: operation.targets.map(({ id }) => ({ id, state: "lost", reason: "it was never here" })) };
      case "input":
        return refusal("adapter.unsupported", "this runtime takes no answers");
    }
  }

  /** Breaks off the connection of a task that has ended. */
  forget(task: Task): void {
    const id = sessionIdOf(task);
    this.#jobs.get(id)?.cancel();
    this.#jobs.delete(id);
  }

  close(): void {
    for (const job of this.#jobs.values()) job.cancel();
  }

  #known(job: ForeignJob | undefined): ForeignJob {
    if (job) return job;
    throw new WorkerGoneError("the process that held the connection to the runtime has ended");
  }

  #start(task: Task, runtime: RuntimeRef, operation: StartOperation): void {
    const plane = this.#clients.dataPlane(runtime.region);
    const run = operation.taskType === "command.run" ? runForeignCommand : askForeignAgent;
    this.#jobs.set(
      sessionIdOf(task),
      new ForeignJob(operation, (job) => run(job, { plane, task, runtime, operation })),
    );
  }
}

const refusal = (code: string, message: string) => ({ error: { code, message, retryable: false } });
