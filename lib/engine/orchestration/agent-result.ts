import { type Problem, RefusedError } from "../../contract/errors.ts";
import { isObject } from "../../contract/json.ts";
import type { AgentResult, ErrorType } from "../../contract/orchestration/answers.ts";
import { firstOf } from "../../contract/preview.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import { ranMs } from "../../store/ledger.ts";
import { readLargeValue } from "../large-values.ts";
import type { Ports } from "../ports.ts";
import { answerView } from "../record.ts";
import { textOf } from "../service/result-text.ts";

type Kept = { artifacts: Pick<Ports["artifacts"], "get"> };

type Said = {
  text: string;
  beside: Record<string, unknown>;
  parsed: Pick<AgentResult, "parsed_result" | "parse_error">;
  /** Why nobody can tell any more what it said; then the text is empty. */
  unreadable?: RefusedError;
};

/** What a task's agent said, as a text, and what it answered beside it. Throws RetryableError. */
export async function saidBy(ports: Kept, task: Task): Promise<Said> {
  let result: unknown;
  try {
    result = task.result ?? (task.resultRef && (await readLargeValue(ports, task.resultRef)));
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { text: "", beside: {}, parsed: {}, unreadable: error };
  }
  const view = answerView({ ...task, result });
  const { text } = textOf({ result: view.result });
  return {
    text,
    beside: isObject(view.result) ? view.result : {},
    parsed: {
      ...(view.parsedResult !== undefined && { parsed_result: view.parsedResult }),
      ...(view.parseError !== undefined && { parse_error: view.parseError }),
    },
  };
}

/**
 * What the task of an agent came to. A text of more than `maxChars` UTF-16 units, or one that was asked for so, is a summary
 * with a reference to its task.
 */
export async function agentResult(
  ports: Kept,
  { agent, id, task, maxChars }: { agent: string; id: string; task: Task | undefined; maxChars: number },
): Promise<AgentResult> {
  if (!task) return { agent, success: false, result: "", task_id: id, status: "not_begun", ...notBegun };
  const { text, beside, parsed, unreadable } = await saidBy(ports, task);
  const isLarge = text.length > maxChars || (JSON.stringify(parsed.parsed_result)?.length ?? 0) > maxChars;
  const isRef = isLarge || (task.summaryChars !== undefined && !unreadable);
  const summary = firstOf(text, Math.min(maxChars, task.summaryChars ?? maxChars));
  const { outcome, hint, deniedTools } = beside;
  const conversation = task.conversation?.id ?? task.answeredBy?.conversation;
  const said = typeof hint === "string" ? hint : howToGoOn(outcome, conversation);
  return {
    agent,
    success: task.status === "succeeded" && !unreadable,
    ...(isRef ? { ref: id, size: text.length, summary_chars: summary.length, summary } : { result: text }),
    task_id: id,
    status: task.status,
    ...(conversation !== undefined && { session_id: conversation }),
    ...numbersOf(task),
    ...(task.answeredBy && { cached: true }),
    ...(isLarge ? {} : parsed),
    ...(Array.isArray(deniedTools) && deniedTools.length > 0 && { denied_tools: deniedTools.map(String) }),
    ...(typeof outcome === "string" && { outcome: outcomeOf(outcome) }),
    ...(said !== undefined && { hint: said.slice(0, MAX_TEXT) }),
    ...problemOf(task, unreadable?.problem),
  };
}

/** Who needs something to go on is blocked, in the words of whoever knows agents in folders. */
export const outcomeOf = (outcome: string): string => (outcome === "needs_input" ? "blocked" : outcome);

/** What to do about an agent that says that it is not done. */
function howToGoOn(outcome: unknown, conversation: string | undefined): string | undefined {
  if (typeof outcome !== "string" || outcome === "done") return undefined;
  const goOn = conversation === undefined ? "ask it again" : `go on with session_id ${conversation}, or ask it again`;
  return `its agent says that its work is ${outcomeOf(outcome)}: read what is missing, then ${goOn} with what it needed`;
}

const MAX_TEXT = 1000;
const notBegun = { error: "it was not begun, because the whole ended before", error_type: "cancelled" } as const;

/** What it took; of one that never ran, what the task took that answers it. */
function numbersOf({ answeredBy, ...task }: Task): Partial<AgentResult> {
  const { usage = {}, ranMs: durationMs } = answeredBy ?? { usage: task.usage, ranMs: ranMs(task) };
  return {
    ...(typeof usage.costUsd === "number" && { cost_usd: usage.costUsd }),
    ...(durationMs !== undefined && { duration_ms: durationMs }),
    ...(typeof usage.turns === "number" && { num_turns: usage.turns }),
  };
}

function problemOf(task: Task, unreadable: Problem | undefined): Partial<AgentResult> {
  if (!hasEnded(task)) return { error: `it is ${task.status}` };
  if (task.status === "cancelled" && !task.error) return { error: "it was cancelled", error_type: "cancelled" };
  const error = task.error ?? unreadable;
  if (!error) return {};
  const { code, message, hint } = error;
  return {
    error: firstOf(message, MAX_TEXT),
    error_code: code,
    error_type: errorTypeOf(error),
    ...(hint !== undefined && { hint: firstOf(hint, MAX_TEXT) }),
  };
}

/** Why an agent did not succeed, as few words have it. */
export function errorTypeOf({ code, details }: Problem): ErrorType {
  if (code === "tree.limit") return limits[String(details?.limit)] ?? "permission";
  return (Object.hasOwn(errorTypes, code) && errorTypes[code]) || "cli_error";
}

const limits: Readonly<Record<string, ErrorType>> = {
  maxDepth: "recursion",
  treeBudgetUsd: "budget",
  treeTimeoutSeconds: "timeout",
};

const errorTypes: Readonly<Record<string, ErrorType>> = {
  "task.permission": "permission",
  "task.timeout": "timeout",
  "task.input_timeout": "timeout",
  "policy.denied": "permission",
  "runtime_profile.not_found": "not_found",
  "task.workspace_not_found": "not_found",
  "task.budget": "budget",
  "tree.loop": "recursion",
  "task.usage_limit": "usage_limit",
};
