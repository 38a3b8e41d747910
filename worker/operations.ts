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
  type saySchema,
  type uploadSchema,
  workerProtocols,
} from "../lib/contract/worker.ts";
import { checkEnv } from "./job-env.ts";
import { parse } from "./parse.ts";
import { pollReply } from "./poll.ts";
import { usableFrameworks } from "./run-agent.ts";
import type { Session } from "./sessions/session.ts";
import { version } from "./version.ts";

/** Carries out one operation of the contract. A refusal is thrown. `gone` tells that the caller hung up. */
export async function operate(session: Session, body: object, gone: AbortSignal): Promise<unknown> {
  if (!("contract" in body) || body.contract !== CONTRACT) {
    throw new RefusedError("worker.contract_unknown", `this worker speaks ${CONTRACT}`);
  }
  const operation: Operation = parse(operationSchema, body);
  if (operation.op === "hello") return hello(session);
  if (operation.bootId !== session.bootId) {
    throw new RetryableError("worker.replaced", "this is another worker than the one that was greeted");
  }
  switch (operation.op) {
    case "start":
      return start(session, operation);
    case "poll":
      return poll(session, operation, gone);
    case "upload":
      return upload(session, operation);
    case "input":
      return input(session, operation);
    case "say":
      return say(session, operation);
    case "cancel":
      return cancel(session, operation);
  }
}

function hello(session: Session) {
  const frameworks = usableFrameworks(session.config);
  return { contract: CONTRACT, bootId: session.bootId, version, protocols: [...workerProtocols], frameworks };
}

function start(session: Session, { contract: _contract, op: _op, bootId: _bootId, ...task }: StartOperation) {
  checkEnv({ ...task.given, ...task.env });
  const { taskId } = session.start(task).task;
  return { accepted: true, taskId, status: "running" };
}

function poll(session: Session, operation: z.infer<typeof pollSchema>, gone: AbortSignal) {
  return pollReply(session, session.job(operation.taskId), operation, gone);
}

async function upload(session: Session, { taskId, targets }: z.infer<typeof uploadSchema>) {
  const job = session.job(taskId);
  if (!job.hasEnded) throw new RefusedError("worker.task_running", "artifacts can be sent once the task has ended");
  return session.uploads(job).request(targets);
}

async function input(session: Session, { taskId, inputResponses }: z.infer<typeof inputSchema>) {
  const job = session.job(taskId);
  const accepted = await job.answer(inputResponses);
  return { accepted, status: job.status };
}

function say(session: Session, { taskId, id, text }: z.infer<typeof saySchema>) {
  return { heard: session.job(taskId).steer(id, text) };
}

function cancel(session: Session, { taskId, graceSeconds }: z.infer<typeof cancelSchema>) {
  const job = session.job(taskId);
  const accepted = job.cancel(graceSeconds);
  return { accepted, status: job.status };
}
