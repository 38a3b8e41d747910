import { numberOf } from "../../contract/json.ts";
import type { DialogueAnswer, ParallelAnswer } from "../../contract/orchestration/answers.ts";
import type { Dialogue, Parallel, Specification } from "../../contract/orchestration/specification.ts";
import { hasEnded, type Json, type Outcome, type Task, transition } from "../../contract/task.ts";
import { readable } from "../../store/stored-task.ts";
import { inLanes } from "../in-lanes.ts";
import { keepLargeValue } from "../large-values.ts";
import { conclude, type Ended } from "../poll/apply-reply.ts";
import { settle } from "../poll/poll.ts";
import type { Ports } from "../ports.ts";
import { agentResult, saidBy } from "./agent-result.ts";
import { agentAt } from "./calls.ts";
import { childId } from "./children.ts";
import { turnAt, withoutResolved } from "./dialogue.ts";
import type { Next } from "./next.ts";
import { progressEvent } from "./progress.ts";

/** Characters of all results in an answer, and of one; what is longer is a summary with a reference. */
const ALL_RESULTS = 1_000_000;
const ONE_RESULT = 100_000;
const SHORTEST_RESULT = 500;

/** Characters that the answer of one of so many may have. */
export const longestResult = (count: number): number =>
  Math.min(ONE_RESULT, Math.max(SHORTEST_RESULT, Math.floor(ALL_RESULTS / count)));

const LANES = 16;
/** Whoever ends one has so long to settle what it owes, before others do. */
const SETTLE_MS = 60_000;

type Finish = Extract<Next, { do: "finish" }> | { do: "finish"; status: "cancelled" };
type Answered = { answer: ParallelAnswer | DialogueAnswer; usage: Json | undefined };

/** Ends a task that is made of others, with what these came to. Repeating is safe: whoever comes first has ended it. */
export async function finish(ports: Ports, specification: Specification, task: Task, how: Finish): Promise<Task> {
  const { answer, usage } = await answerOf(ports, specification, task);
  const kept = await keepLargeValue(ports, task.id, "result", answer);
  // Whoever noted the last end may have died before it told of it.
  await ports.store.appendEvents(progressEvent(task));
  return settle(ports, () =>
    ports.store.change(task.id, (now) => {
      if (hasEnded(now)) return undefined;
      const nowMs = ports.now();
      const status = now.status === "cancelling" ? "cancelled" : how.status;
      const outcome: Outcome = { status, atMs: nowMs };
      const left = { ...kept, outcome };
      const leavesOthers = now.status === "cancelling" && !now.calledOff;
      const used = { ...(leavesOthers ? now : owing(now, nowMs)), ...(usage && { usage }) };
      if (used.status === "cancelling") return transition(used, "cancelled", nowMs, left);
      const error = how.status === "failed" && { error: how.error };
      return conclude(transition(used, "completing", nowMs, { ...left, ...error }) satisfies Ended, nowMs);
    }),
  );
}

/** The task that is about to end: until somebody has seen that nothing goes on below it, and has told of the end, that is owed. */
export const owing = (task: Task, nowMs: number): Task => ({
  ...task,
  obligations: { ...task.obligations, children: "cancel" },
  dueAtMs: nowMs + SETTLE_MS,
});

async function answerOf(ports: Ports, specification: Specification, task: Task): Promise<Answered> {
  return specification.type === "dialogue.run"
    ? dialogueOf(ports, specification, task)
    : parallelOf(ports, specification, task);
}

const childAt = async (ports: Ports, { id }: Task, position: number) => {
  const at = await childId(id, position);
  return { id: at, task: await readable(ports.store, at) };
};

async function parallelOf(ports: Ports, { items, aggregate }: Parallel, task: Task): Promise<Answered> {
  const maxChars = longestResult(items.length);
  const used = new Usage();
  const resultAt = async (position: number, most: number) => {
    const child = await childAt(ports, task, position);
    used.add(child.task);
    return agentResult(ports, { agent: agentAt({ items }, position, aggregate), ...child, maxChars: most });
  };
  const individual_results = await inLanes(LANES, [...items.keys()], (position) => resultAt(position, maxChars));
  const hasAggregate = (task.orchestration?.begun ?? 0) > items.length;
  const aggregated = hasAggregate ? await resultAt(items.length, ONE_RESULT) : undefined;
  return { answer: { individual_results, ...(aggregated && { aggregated }) }, usage: used.sum };
}

async function dialogueOf(ports: Ports, dialogue: Dialogue, task: Task): Promise<Answered> {
  const used = new Usage();
  const { begun = 0, resolved = false } = task.orchestration ?? {};
  const conversation: DialogueAnswer["conversation"] = [];
  let totalMs = 0;
  for (let position = 0; position < begun; position++) {
    const child = await childAt(ports, task, position);
    used.add(child.task);
    const { agent, role, round } = turnAt(dialogue, position);
    const seen = await agentResult(ports, { agent, ...child, maxChars: Number.POSITIVE_INFINITY });
    const message = child.task ? (await saidBy(ports, child.task)).text.slice(0, ONE_RESULT).toWellFormed() : "";
    const { cost_usd = null, task_id, duration_ms = 0, error, error_type } = seen;
    totalMs += duration_ms;
    const failed = { ...(error !== undefined && { error }), ...(error_type && { error_type }) };
    conversation.push({ agent, role, round, message, cost_usd, task_id, ...failed });
  }
  const last = conversation.at(-1);
  return {
    answer: {
      resolved,
      rounds: last?.round ?? 0,
      total_cost_usd: numberOf(used.sum?.costUsd),
      total_duration_ms: totalMs,
      final_answer: withoutResolved(conversation.findLast(({ message }) => message !== "")?.message ?? ""),
      conversation,
    },
    usage: used.sum,
  };
}

const counted = ["inputTokens", "outputTokens", "cachedTokens", "costUsd", "turns"] as const;

/** What the children consumed, together. */
class Usage {
  readonly #sum: Partial<Record<(typeof counted)[number], number>> = {};

  add(task: Task | undefined): void {
    for (const name of counted)
      if (typeof task?.usage?.[name] === "number") this.#sum[name] = (this.#sum[name] ?? 0) + task.usage[name];
  }

  /** Undefined where none has told of any. */
  get sum(): Json | undefined {
    return Object.keys(this.#sum).length > 0 ? this.#sum : undefined;
  }
}
