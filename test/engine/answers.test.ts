/** Answers to what a job asks are kept before they are delivered, and reach it once, on either store and whoever dies. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OutcomeUnknownError, WorkerGoneError } from "../../lib/contract/errors.ts";
import type { Json, Task } from "../../lib/contract/task.ts";
import type { Operation } from "../../lib/contract/worker.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { openTaskStore } from "../../lib/store/dynamodb/task-store.ts";
import type { NewEvent } from "../../worker/output/event-log.ts";
import { Questions } from "../../worker/questions.ts";
import { type Dynalite, startDynalite } from "../emulators/dynalite.ts";
import { mortalPorts } from "../fixtures/mortal-ports.ts";
import { answering, type VirtualSystem, virtualSystem } from "../fixtures/virtual-system.ts";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite?.stop());

async function systemOn(kind: string): Promise<VirtualSystem> {
  if (kind === "SQLite") return virtualSystem();
  const tableName = await dynalite.makeTable();
  const { client } = dynalite;
  return virtualSystem({ openStore: ({ now }) => openTaskStore({ tableName, client, now }) });
}

const soon = { timeout: 20_000 };
const asked = ["colour", "size"] as const;

/**
 * A task whose job asks two things at once and ends with what it was told, as the worker has it. No time passes, so nobody
 * polls, before `go`. `fault` is what becomes of the next operations `input`.
 */
async function asking(kind: string) {
  const system = await systemOn(kind);
  const told: [string, unknown][] = [];
  let fault: ((deliver: () => Promise<unknown>) => Promise<unknown>) | undefined;
  const questions = new Questions({ limits: {}, onChange: () => {}, onUnanswered: () => {} });
  let events: NewEvent[] | undefined;
  const ask = () =>
    asked.map((key) => {
      const requestedSchema = {
        type: "object" as const,
        properties: { is: { type: "string" as const, minLength: 2 } },
      };
      const { event, answer } = questions.ask(key, { mode: "form", message: `Which ${key}?`, requestedSchema });
      void answer.then((response) => told.push([key, response?.content?.is]));
      return event;
    });
  const reply = async (operation: Operation, answer: () => Promise<unknown>) => {
    if (operation.op === "input") {
      const deliver = async () => ({ accepted: await questions.answer(operation.inputResponses), status: "running" });
      return fault ? fault(deliver) : deliver();
    }
    if (operation.op !== "poll") return answer();
    const worker = (await answer()) as Json;
    if (worker.error !== undefined) return worker;
    events ??= ask();
    const news = events.map((event, index) => ({
      ...event,
      sequence: 101 + index,
      timestamp: new Date(0).toISOString(),
    }));
    const { requests } = questions;
    const isAsked = Object.keys(requests).length > 0;
    const state = isAsked
      ? { status: "input_required", inputRequests: requests }
      : { status: "succeeded", result: told };
    return { events: news, next: 102, artifacts: [], ...state };
  };
  answering(system, reply);
  system.clock.join();
  const id = await system.dispatch();
  const task = () => system.ports.store.get(id) as Promise<Task>;
  await expect.poll(async () => (await task())?.status, soon).toBe("input_required");
  const input = (given: Json, ports: Ports = system.ports) =>
    new TaskService(ports, "local").input({ task_id: id, ...given });
  let isGoing = false;
  const go = () => {
    if (!isGoing) system.clock.leave();
    isGoing = true;
  };
  return {
    system,
    id,
    told,
    task,
    input,
    failing(next: typeof fault) {
      fault = next;
    },
    go,
    async [Symbol.asyncDispose]() {
      go();
      await system[Symbol.asyncDispose]();
    },
  };
}

const both = { colour: "red", size: { is: "XL" } };
const ended = {
  status: "succeeded",
  result: [
    ["colour", "red"],
    ["size", "XL"],
  ],
};

describe.each(["SQLite", "DynamoDB"])("answers on %s", (kind) => {
  it("are given one by one, and what is left is shown", async () => {
    await using job = await asking(kind);
    expect(Object.keys((await job.task()).inputRequests ?? {})).toEqual(asked);
    const first = await job.input({ responses: { colour: "red" } });
    expect(first).toMatchObject({ status: "input_required", received: true, delivered: true });
    expect(Object.keys(first.inputRequests ?? {})).toEqual(["size"]);
    const second = await job.input({ responses: { size: { is: "XL" } } });
    expect(second).toEqual({ taskId: job.id, status: "running", received: true, delivered: true });
    job.go();
    const task = await job.system.settled(job.id);
    expect(task).toMatchObject(ended);
    expect(task.answers).toBeUndefined();
  });

  it("reach the job once, wherever the control plane dies that was given them", { timeout: 60_000 }, async () => {
    for (let dies = 1; ; dies++) {
      await using job = await asking(kind);
      const mortal = mortalPorts(job.system.ports, { dies });
      const answered = await job.input({ responses: both }, mortal).catch(() => undefined);
      expect(await job.task()).toMatchObject({ status: "running" });
      if (dies === 1) expect(job.told).toEqual([]);
      job.go();
      expect(await job.system.settled(job.id)).toMatchObject(ended);
      expect(job.told).toHaveLength(2);
      if (answered) return expect(dies).toBeGreaterThan(3);
    }
  });

  it("are delivered again where it is not known whether they were, and act once", async () => {
    await using job = await asking(kind);
    job.failing(async (deliver) => {
      await deliver();
      throw new OutcomeUnknownError("the answer was lost");
    });
    const receipt = await job.input({ responses: both });
    expect(receipt).toMatchObject({ status: "running", received: true, delivered: false });
    expect([receipt.reason, receipt.hint]).toEqual([
      expect.stringContaining("the answer was lost"),
      expect.stringContaining("delivered as soon as the worker can be reached"),
    ]);
    job.failing(undefined);
    job.go();
    expect(await job.system.settled(job.id)).toMatchObject(ended);
    expect(job.told).toHaveLength(2);
  });

  it("wait for a worker that is busy, which whoever polls next tells them", async () => {
    await using job = await asking(kind);
    job.failing(() => Promise.reject(new WorkerGoneError("it does not answer", { isCertain: false })));
    expect(await job.input({ responses: both })).toMatchObject({ received: true, delivered: false });
    expect(job.told).toEqual([]);
    expect((await job.task()).answers).toHaveLength(2);
    job.failing(undefined);
    const waited = await new TaskService(job.system.ports, "local").wait({ task_id: job.id });
    expect(waited).toMatchObject({ status: "succeeded" });
    expect(job.told).toHaveLength(2);
  });

  it("end with a worker that is gone", async () => {
    await using job = await asking(kind);
    job.system.backend.lose((await job.task()).session?.id ?? "", false);
    job.failing(() => Promise.reject(new WorkerGoneError("no such session")));
    expect(await job.input({ responses: both })).toMatchObject({ received: true, delivered: false });
    job.go();
    const task = await job.system.settled(job.id);
    expect(task).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    expect(task.answers).toBeUndefined();
  });

  it("given twice are given once, others than the first are refused, and so is what nobody asked", async () => {
    await using job = await asking(kind);
    const calls = await Promise.all([1, 2, 3].map(() => job.input({ responses: { colour: "red" } })));
    for (const call of calls) expect(call).toMatchObject({ received: true, delivered: true });
    const given = (responses: Json) => job.input({ responses });
    const over = { code: "input.not_asked", retryable: false, hint: expect.stringContaining("get_task_status") };
    await expect(given({ colour: "blue" })).rejects.toMatchObject({ ...over, details: { asked: ["size"] } });
    const wrong = { code: "input.invalid" };
    await expect(given({ shape: "round" })).rejects.toMatchObject({
      ...wrong,
      message: 'responses.shape: is not asked; asked is "size"',
    });
    await expect(given({ size: "X" })).rejects.toMatchObject({
      ...wrong,
      message: "responses.size.is: must be a text, 2 characters at least",
    });
    await expect(job.input({})).rejects.toMatchObject(wrong);
    await expect(given({})).rejects.toMatchObject({
      ...wrong,
      message: expect.stringContaining("must have an answer"),
    });
    const left = await new TaskService(job.system.ports, "local").input(
      { task_id: job.id, responses: { colour: "blue", shape: "round", size: "XL" } },
      { ignoresOver: true },
    );
    expect(left).toMatchObject({ received: true, delivered: true, status: "running" });
    await expect(given({ shape: "round" })).rejects.toMatchObject(over);
    job.go();
    expect(await job.system.settled(job.id)).toMatchObject(ended);
    await expect(given({ colour: "red" })).rejects.toMatchObject({ code: "task.terminal" });
  });

  it("steer no program", async () => {
    await using job = await asking(kind);
    await expect(job.input({ message: "faster" })).rejects.toMatchObject({ code: "adapter.unsupported" });
    await job.input({ responses: both });
    job.go();
    await job.system.settled(job.id);
  });
});
