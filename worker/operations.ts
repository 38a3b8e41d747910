import type * as z from "zod";
import { RefusedError, RetryableError } from "../lib/contract/errors.ts";
import {
  CONTRACT,
  type cancelSchema,
  type inputSchema,
  type Operation,
  operationSchema,
  type pollSchema,
  type StartOperation,
  type uploadSchema,
  workerProtocols,
} from "../lib/contract/worker.ts";
import { checkEnv } from "./job-env.ts";
import { parse } from "./parse.ts";
import { pollReply } from "./poll.ts";
import { frameworksOf } from "./run-agent.ts";
import { version } from "./version.ts";
import type { Worker } from "./worker.ts";

/** Carries out one operation of the contract. A refusal is thrown. `gone` tells that the caller hung up. */
export async function operate(worker: Worker, body: object, gone: AbortSignal): Promise<unknown> {
  if (!("contract" in body) || body.contract !== CONTRACT) {
    throw new RefusedError("worker.contract_unknown", `this worker speaks ${CONTRACT}`);
  }
  const operation: Operation = parse(operationSchema, body);
  if (operation.op === "hello") return hello(worker);
  if (operation.bootId !== worker.bootId) {
    throw new RetryableError("worker.replaced", "this is another worker than the one that was greeted");
  }
  switch (operation.op) {
    case "start":
      return start(worker, operation);
    case "poll":
      return poll(worker, operation, gone);
    case "upload":
      return upload(worker, operation);
    case "input":
      return input(worker, operation);
    case "cancel":
      return cancel(worker, operation);
  }
}

function hello(worker: Worker) {
  const frameworks = [...frameworksOf(worker.config).keys()];
  return { contract: CONTRACT, bootId: worker.bootId, version, protocols: [...workerProtocols], frameworks };
}

function start(worker: Worker, { contract: _contract, op: _op, bootId: _bootId, ...task }: StartOperation) {
  checkEnv(task.env ?? {});
  const { taskId } = worker.start(task).task;
  return { accepted: true, taskId, status: "running" };
}

function poll(worker: Worker, operation: z.infer<typeof pollSchema>, gone: AbortSignal) {
  return pollReply(worker, worker.job(operation.taskId), operation, gone);
}

async function upload(worker: Worker, { taskId, targets }: z.infer<typeof uploadSchema>) {
  const job = worker.job(taskId);
  if (!job.hasEnded) throw new RefusedError("worker.task_running", "artifacts can be sent once the task has ended");
  return worker.uploads(job).request(targets);
}

async function input(worker: Worker, { taskId, inputResponses }: z.infer<typeof inputSchema>) {
  const job = worker.job(taskId);
  const accepted = await job.answer(inputResponses);
  return { accepted, status: job.status };
}

function cancel(worker: Worker, { taskId, graceSeconds }: z.infer<typeof cancelSchema>) {
  const job = worker.job(taskId);
  const accepted = job.cancel(graceSeconds);
  return { accepted, status: job.status };
}
