import { isObject } from "../../contract/json.ts";
import { type AgentResult, dialogueAnswer, parallelAnswer } from "../../contract/orchestration/answers.ts";
import { firstFitting, fullest, MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import type { Task } from "../../contract/task.ts";
import type { DispatchResult, ShownDialogue, ShownParallel } from "../../contract/tools/jobs/dispatching.ts";
import { jobIdOf } from "../../contract/tools/jobs/fields.ts";
import { readLargeValue } from "../large-values.ts";
import { agentResult } from "../orchestration/agent-result.ts";
import { longestResult } from "../orchestration/finish.ts";
import type { ReadPorts } from "../ports.ts";
import { turnWithin, within } from "./within.ts";

export type Kept = Pick<ReadPorts, "artifacts">;

/** What an agent came to, as much of it as there is room for in a reply, and where the rest is. */
export async function resultOfAgent(ports: Kept, task: Task, room = MAX_REPLY): Promise<DispatchResult> {
  const hint = `fetch_result with ref ${jobIdOf(task.id)} has the whole`;
  const seen = await seenOf(ports, task, MAX_REPLY);
  const { agent, task_id, status } = seen;
  const part = within(shown(seen, task.summaryChars !== undefined), room - replySize({ hint }));
  const result = { ...part, agent, task_id, status };
  return result.truncated ? { ...result, hint: result.hint ?? hint } : result;
}

type Seen = AgentResult & Pick<DispatchResult, "budget_exceeded">;

/** What an agent came to, and whether it spent more than it was to; with a text of that many UTF-16 units at most. */
export async function seenOf(ports: Kept, task: Task, maxChars: number): Promise<Seen> {
  const seen = await agentResult(ports, { agent: task.profile, id: task.id, task, maxChars });
  const { maxBudgetUsd } = task.limits;
  const isOver = maxBudgetUsd !== undefined && (seen.cost_usd ?? 0) > maxBudgetUsd;
  return { ...seen, ...(isOver && { budget_exceeded: true }) };
}

/**
 * One that was asked for as a summary is one; any other is its text, or what there is of it. The former has fewer characters than
 * are left of what is too long.
 */
const asAsked = (one: AgentResult, longest: number): DispatchResult =>
  shown(one, (one.summary_chars ?? longest) < longest - 1);

function shown({ ref, size = 0, summary = "", summary_chars, ...rest }: Seen, asRef: boolean): DispatchResult {
  if (ref === undefined) return rest;
  const id = jobIdOf(ref);
  if (asRef) return { ...rest, ref: id, size, summary_chars: summary_chars ?? summary.length, summary };
  return { ...rest, result: summary, truncated: true, full_size: size, ref: id };
}

/** What a task came to that is made of others, as much of it as there is room for; undefined where it has none. */
export async function answerOfAll(
  ports: Kept,
  task: Task,
  room = MAX_REPLY,
): Promise<ShownParallel | ShownDialogue | undefined> {
  const whole = task.result ?? (task.resultRef && (await readLargeValue(ports, task.resultRef)));
  if (!isObject(whole)) return undefined;
  return task.taskType === "dialogue.run" ? dialogueOf(task, whole, room) : parallelOf(task, whole, room);
}

function parallelOf(task: Task, whole: object, room: number): ShownParallel {
  const { individual_results, aggregated } = parallelAnswer.parse(whole);
  const all = individual_results.map((one) => asAsked(one, longestResult(individual_results.length)));
  const of = aggregated && asAsked(aggregated, longestResult(1));
  const least = replySize(all.map((one) => within(one, 0)));
  return fullest((share) => {
    const items = all.map((one) => within(one, share));
    const one = of && within(of, Math.max(share, (room - least) / 2));
    const isShort = one?.truncated || items.some((item, at) => item.truncated || item !== all[at]);
    // Who reads the bare list alone learns it from the first of those that have no room to say it.
    const bare = items.findIndex((item, at) => item !== all[at] && item.ref === undefined);
    if (items[bare]) items[bare] = { ...items[bare], truncated: true, hint: whereAll(task).hint };
    return { individual_results: items, ...(one && { aggregated: one }), ...(isShort && whereAll(task)) };
  }, room);
}

function dialogueOf(task: Task, whole: object, room: number): ShownDialogue {
  const answer = dialogueAnswer.parse(whole);
  return fullest((share) => {
    const conversation = answer.conversation.map((turn) => turnWithin(turn, share));
    const isShort = conversation.some(({ truncated }) => truncated);
    const final_answer = firstFitting(answer.final_answer, 2 * share);
    return { ...answer, final_answer, conversation, ...(isShort && whereAll(task)) };
  }, room);
}

/** What is said where not all of an answer is there. */
function whereAll({ id }: Task) {
  const job_id = jobIdOf(id);
  const hint = `shortened: fetch_result with the ref of one has it whole, with ref ${job_id} all as JSON, page by page`;
  return { job_id, truncated: true, hint } as const;
}
