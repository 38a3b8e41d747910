import { isObject } from "../../contract/json.ts";
import {
  type AgentResult,
  type DialogueAnswer,
  dialogueAnswer,
  type ParallelAnswer,
  parallelAnswer,
} from "../../contract/orchestration/answers.ts";
import { firstOf } from "../../contract/preview.ts";
import type { Task } from "../../contract/task.ts";
import type { DispatchResult } from "../../contract/tools/jobs/dispatching.ts";
import { jobIdOf } from "../../contract/tools/jobs/fields.ts";
import { readLargeValue } from "../large-values.ts";
import { agentResult } from "../orchestration/agent-result.ts";
import type { ReadPorts } from "../ports.ts";

type Kept = Pick<ReadPorts, "artifacts">;

/** Characters of texts in one answer; what is longer is fetched. */
const ALL_TEXT = 20_000;
const SHORTEST = 200;

/** What an agent came to, as far as one answer holds it. */
export async function resultOfAgent(ports: Kept, task: Task, maxChars = ALL_TEXT): Promise<DispatchResult> {
  const seen = await agentResult(ports, { agent: task.profile, id: task.id, task, maxChars });
  const { maxBudgetUsd } = task.limits;
  const isOver = maxBudgetUsd !== undefined && (seen.cost_usd ?? 0) > maxBudgetUsd;
  return { ...shown(seen, task.summaryChars !== undefined), ...(isOver && { budget_exceeded: true }) };
}

/** One that was asked for whole is as much of it as there is room for. */
function shown({ ref, size = 0, summary = "", summary_chars, ...rest }: AgentResult, asRef: boolean): DispatchResult {
  if (ref === undefined) return rest;
  const id = jobIdOf(ref);
  if (asRef) return { ...rest, ref: id, size, summary_chars: summary_chars ?? summary.length, summary };
  return { ...rest, result: summary, truncated: true, full_size: size, ref: id, hint: rest.hint ?? howToFetch(id) };
}

const howToFetch = (ref: string) => `fetch_result with ref ${ref} has the whole`;

/** What a task came to that is made of others, as far as one answer holds it; undefined where it has none. */
export async function answerOfAll(ports: Kept, task: Task): Promise<ParallelAnswer | DialogueAnswer | undefined> {
  const whole = task.result ?? (task.resultRef && (await readLargeValue(ports, task.resultRef)));
  if (!isObject(whole)) return undefined;
  if (task.taskType === "dialogue.run") return fitDialogue(dialogueAnswer.parse(whole));
  const { individual_results, aggregated } = parallelAnswer.parse(whole);
  const each = Math.max(SHORTEST, Math.floor(ALL_TEXT / (individual_results.length + (aggregated ? 1 : 0))));
  return {
    individual_results: individual_results.map((one) => fitted(one, each)),
    ...(aggregated && { aggregated: fitted(aggregated, Math.max(each, ALL_TEXT / 2)) }),
  };
}

/** A result with as much of its text as there is room for. */
function fitted(result: AgentResult, maxChars: number): DispatchResult {
  const { result: text, parsed_result, ...rest } = result;
  // Only those that were asked for so have so short a summary.
  if (result.ref !== undefined) return cut(shown(result, (result.summary_chars ?? 0) <= maxChars), maxChars);
  const isParsedLong = (JSON.stringify(parsed_result)?.length ?? 0) > maxChars;
  const parsed = parsed_result === undefined || isParsedLong ? {} : { parsed_result };
  return cut({ ...rest, ...(text !== undefined && { result: text }), ...parsed }, maxChars);
}

function cut(result: DispatchResult, maxChars: number): DispatchResult {
  const { result: text = "", task_id } = result;
  if (text.length <= maxChars) return result;
  const ref = jobIdOf(task_id);
  return {
    ...result,
    result: firstOf(text, maxChars),
    truncated: true,
    full_size: result.full_size ?? text.length,
    ref,
  };
}

function fitDialogue(answer: DialogueAnswer): DialogueAnswer {
  const each = Math.max(SHORTEST, Math.floor(ALL_TEXT / (answer.conversation.length + 2)));
  return {
    ...answer,
    final_answer: firstOf(answer.final_answer, 2 * each),
    conversation: answer.conversation.map((turn) => ({ ...turn, message: firstOf(turn.message, each) })),
  };
}
