import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { CONTRACT, type Operation, operationSchema } from "../../lib/contract/worker.ts";
import type { ContainerReply, Park } from "../emulators/agentcore/machines.ts";
import { type JobFact, planSchema, planText, RunningJob } from "./jobs.ts";
import { live } from "./lives.ts";

type Machine = { bootId: string; job?: RunningJob; taskId?: string };

type Options = {
  sleep: (ms: number) => Promise<void>;
  /** Where a worker PUTs a file of its job; false when nothing arrives. */
  put: (url: string) => boolean;
  /** The machine of a session prints its first line. */
  booted: (key: string) => void;
};

/**
 * Machines whose workers are objects in this process, and speak the worker contract: a job prints, asks, leaves files, heeds a
 * cancel and its own deadline, and ends with its machine. Whatever a job does is in `facts`, one for each time that it was started.
 *
 * Left out: processes, output that is large, programs and frameworks, and other protocols than HTTP.
 */
export class VirtualMachines implements Park {
  readonly facts: JobFact[] = [];
  /** Sessions whose machine went away under them, or was taken away. */
  readonly lost = new Set<string>();
  readonly #machines = new Map<string, Machine>();
  readonly #options: Options;
  booted = 0;
  readonly seconds = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  get running(): string[] {
    return [...this.#machines.keys()];
  }

  of(): Promise<URL> {
    return Promise.reject(new Error("these machines listen nowhere"));
  }

  post(key: string, _env: unknown, _protocol: string, body: Buffer): Promise<ContainerReply | undefined> {
    // What goes on in a machine is no part of the program that asked.
    return live(undefined, async () => {
      const machine = this.#machines.get(key) ?? this.#boot(key);
      const operation = operationSchema.parse(JSON.parse(body.toString()));
      const reply = await this.#answer(machine, operation, key);
      if (this.#machines.get(key) !== machine) return undefined;
      return { ok: true, status: 200, contentType: "application/json", text: JSON.stringify(reply) };
    });
  }

  #boot(key: string): Machine {
    const machine = { bootId: randomBytes(8).toString("hex") };
    this.booted += 1;
    this.#machines.set(key, machine);
    this.#options.booted(key);
    return machine;
  }

  async end(key: string): Promise<boolean> {
    const machine = this.#machines.get(key);
    machine?.job?.kill();
    return this.#machines.delete(key);
  }

  async endAll(): Promise<void> {
    for (const key of this.running) await this.end(key);
  }

  /** The machine of a session is gone, and the next request gets another. */
  async lose(key: string): Promise<void> {
    if (await this.end(key)) this.lost.add(key);
  }

  async #answer(machine: Machine, operation: Operation, key: string): Promise<unknown> {
    if (operation.op === "hello")
      return { contract: CONTRACT, bootId: machine.bootId, version: "0", protocols: ["http"], frameworks: ["echo"] };
    if (operation.bootId !== machine.bootId) return refusal("worker.replaced", true);
    if (operation.op === "start") {
      if (machine.taskId !== undefined && machine.taskId !== operation.taskId) return refusal("worker.task_running");
      if (!machine.job) {
        const plan = planSchema.parse(
          JSON.parse(planText(String(operation.input.command ?? operation.input.instruction))),
        );
        const fact = { taskId: operation.taskId, plan, machine: key, startedAtMs: Date.now(), log: "" };
        this.facts.push(fact);
        machine.taskId = operation.taskId;
        machine.job = new RunningJob(fact, operation, this.#options.sleep);
      }
      return { accepted: true, taskId: operation.taskId, status: "running" };
    }
    const { job, taskId } = machine;
    if (!job || taskId !== operation.taskId) return refusal("worker.unknown_task");
    if (operation.op === "poll") return job.poll(operation.after, operation.waitSeconds);
    if (operation.op === "upload")
      return {
        artifacts: operation.targets.map(({ id, url }) => ({
          id,
          state: this.#options.put(url) ? "stored" : "pending",
        })),
      };
    if (operation.op === "cancel") job.cancel(operation.graceSeconds);
    if (operation.op === "input") return { accepted: job.hear(operation.inputResponses), status: job.status };
    if (operation.op === "say") return { heard: "next_turn" };
    return { accepted: true, status: job.status };
  }
}

const refusal = (code: string, retryable = false) => ({ error: { code, message: code, retryable } });

/** A container without the contract: it runs what it is told each time it is told, and answers when that is over. */
export function contractLessContainer(
  machines: Pick<VirtualMachines, "facts">,
  sleep: (ms: number) => Promise<void>,
): (body: Buffer, response: ServerResponse) => Promise<void> {
  return (body, response) =>
    live(undefined, async () => {
      const { prompt } = JSON.parse(body.toString()) as { prompt: string };
      const plan = planSchema.parse(JSON.parse(/\{.*\}/s.exec(prompt)?.[0] ?? ""));
      const fact: JobFact = { taskId: plan.name, plan, machine: "contract-less", startedAtMs: Date.now(), log: "" };
      machines.facts.push(fact);
      await sleep(plan.seconds * 1000);
      Object.assign(fact, { end: plan.end, endedAtMs: Date.now() });
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(plan.end === "succeeded" ? { name: plan.name } : { error: "the job failed" }));
    });
}
