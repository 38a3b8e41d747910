import { agentAnswerSchema } from "../contract/agent.ts";
import type { Estimate } from "../contract/costs/estimate.ts";
import { LEDGER_DAYS, type LedgerEntry, ledgerEntrySchema } from "../contract/costs/ledger.ts";
import { defined, isObject } from "../contract/json.ts";
import type { Logger } from "../contract/logger.ts";
import { hasEnded, type Task } from "../contract/task.ts";
import { usageSchema } from "../contract/worker.ts";

/** What a task costs besides its models, where that can be guessed. */
export type EstimateOf = (task: Task) => Estimate | undefined;

/**
 * What a write of a task has to leave in the ledger: nothing, unless the task has ended and what it took is not there yet.
 * Which entry it is follows from the task alone, so that it is there once, however often it is written.
 */
export function ledgerEntryFor(before: Task | undefined, after: Task, estimate?: EstimateOf): LedgerEntry | undefined {
  const entry = entryOf(after, estimate);
  const isThere = before && entry && JSON.stringify(entry) === JSON.stringify(entryOf(before, estimate));
  return isThere ? undefined : entry;
}

function entryOf(task: Task, estimate?: EstimateOf): LedgerEntry | undefined {
  if (!hasEnded(task)) return undefined;
  // Nothing was taken by one that never ran.
  if (task.answeredBy) return undefined;
  // What is made of other tasks took what they took.
  if (task.taskType !== "agent.run" && task.taskType !== "command.run") return undefined;
  const { id, owner, status, phases, createdAt, updatedAt, target, parent, framework, conversation, error } = task;
  const { model, ...used } = usageSchema.safeParse(task.usage ?? {}).data ?? {};
  const workspace = target.details?.workspace;
  const guess = estimate?.(task);
  return defined({
    v: 1 as const,
    taskId: id,
    owner,
    status,
    taskType: task.taskType,
    profile: task.profile,
    framework,
    model,
    workspace: typeof workspace === "string" ? workspace : undefined,
    tree: task.root ?? parent ?? id,
    parent,
    conversation: conversation?.id,
    createdAtMs: Date.parse(createdAt),
    endedAtMs: Date.parse(phases[status] ?? updatedAt),
    ranMs: ranMs(task),
    error: error?.code,
    outcome: outcomeOf(task),
    ...used,
    estimate: guess && defined({ ...guess, estimated: undefined }),
  }) satisfies LedgerEntry;
}

/** How far the agent of a task says that it came; undefined where it has not said. */
export function outcomeOf({ result }: Task): LedgerEntry["outcome"] {
  const said = agentAnswerSchema.shape.outcome.safeParse(isObject(result) ? result.outcome : undefined);
  return said.data ?? undefined;
}

/** How long the job of a task that has ended ran, in milliseconds; undefined where it never did. */
export function ranMs({ phases, status }: Pick<Task, "phases" | "status">): number | undefined {
  const from = Date.parse(phases.running ?? "");
  const to = Date.parse(phases.completing ?? phases[status] ?? "");
  return to >= from ? to - from : undefined;
}

/** Those that can be read; one that cannot is left out, and logged. */
export const readableEntries = (bodies: readonly unknown[], log?: Logger): LedgerEntry[] =>
  bodies.flatMap((body) => {
    try {
      return [ledgerEntrySchema.parse(JSON.parse(String(body)))];
    } catch (error) {
      log?.error("an entry of the ledger cannot be read; it is left out", { error: String(error) });
      return [];
    }
  });

/** Epoch milliseconds before which no task was dispatched whose entry is still kept. */
export const ledgerStartMs = (nowMs: number): number => nowMs - LEDGER_DAYS * 86_400_000;
