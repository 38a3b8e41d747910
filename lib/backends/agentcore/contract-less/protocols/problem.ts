import type { ErrorCode } from "../../../../contract/error-codes.ts";
import { MayHaveRunError, type Problem, problem } from "../../../../contract/errors.ts";
import { isObject } from "../../../../contract/json.ts";

const MAX_LENGTH = 4000;

/** What an agent reported as its failure, in whatever shape. */
export function agentFailed(said: unknown, code: ErrorCode = "task.agent_failed", did = "failed"): Problem {
  const reason = reasonIn(said) ?? "it gave no reason";
  return problem(code, `the agent ${did}: ${reason.slice(0, MAX_LENGTH)}`);
}

/** The agent asks something, and nobody can answer on this connection. */
export const agentAsks = (question: unknown): Problem => ({
  ...agentFailed(question ?? "it did not say for what", "task.agent_needs_input", "needs input"),
  hint: "dispatch the task again with the answer in its instruction or context: a runtime without the worker contract is called once",
});

/** The agent asked something, and nobody answered for as long as its call could be held. */
export const leftUnanswered = (question: unknown, heldSeconds: number): Problem => ({
  ...agentAsks(question),
  hint: `a2a_send answers while the call to the runtime is held, here for ${heldSeconds} s at most: dispatch the task again, and answer in that time, or with the answer in its instruction or context`,
});

/** What of the job is known ended before its answer did. */
export const brokenOff = (message: string): Problem => new MayHaveRunError("worker.contract_broken", message).problem;

/** The agent may still be at work, and cannot be asked. */
export const outOfReach = (message: string): Problem => new MayHaveRunError("worker.lost", message).problem;

/**
 * The failure that an answer is: JSON-RPC's, our own envelope's, and those of AWS's SDKs for agents, which answer what
 * their agent threw with `{error}` or `{error, error_type, message}`.
 * https://github.com/aws/bedrock-agentcore-sdk-python/blob/main/src/bedrock_agentcore/runtime/app.py
 */
export function reportedFailure(answer: unknown): Problem | undefined {
  if (!isObject(answer)) return undefined;
  const { error } = answer;
  if (answer.ok === false) return agentFailed(error);
  if (error === undefined || error === null) return undefined;
  const isAlone = Object.keys(answer).length === 1;
  return "jsonrpc" in answer || "error_type" in answer || isAlone ? agentFailed(error) : undefined;
}

function reasonIn(said: unknown): string | undefined {
  if (typeof said === "string") return said.trim() || undefined;
  if (!isObject(said)) return undefined;
  return reasonIn(said.message) ?? reasonIn(said.error) ?? JSON.stringify(said);
}
