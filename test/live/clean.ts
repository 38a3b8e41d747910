import type { Client } from "../../lib/client/sdk/client.ts";
import { isTerminal, statuses } from "../../lib/contract/lifecycle.ts";
import type { TaskRecord } from "../../lib/contract/tools/task-record.ts";
import { MARK } from "./guarded-fetch.ts";
import { type Budget, useOf } from "./plan.ts";

/** What became of the tasks of runs; `left` are those that were not seen to be over. */
export type Cleaned = { found: string[]; cancelled: string[]; left: string[]; use: Budget };

/** The mark of the run that a task is of; undefined for any other task. */
const markOf = ({ metadata }: TaskRecord): string | undefined => {
  const mark = metadata?.[MARK];
  return typeof mark === "string" ? mark : undefined;
};

/**
 * Cancels what has not ended of the tasks that carry a run's mark, or of those that are named, and waits until each has. Without a
 * mark it takes those of every run.
 */
export async function clean(client: Client, mark: string | undefined, named: readonly string[]): Promise<Cleaned> {
  const found = new Set<string>();
  const cancelled: string[] = [];
  const left: string[] = [];
  let seconds = 0;
  // What was on its way when the run ended may have been made since.
  for (let more = new Set(named); ; more = new Set()) {
    for (const id of await openOf(client, mark)) if (!found.has(id)) more.add(id);
    if (more.size === 0) return { found: [...found], cancelled, left, use: useOf(seconds) };
    for (const id of more) found.add(id);
    cancelled.push(...(await cancelEach(client, more)));
    for (const id of more) {
      const record = await client.task(id).wait({ timeoutMs: 120_000 });
      if (!isTerminal(record.status)) left.push(id);
      seconds += sessionSecondsOf(record);
    }
  }
}

/** The tasks of a run, or of any, that have not ended. */
export async function openOf(client: Client, mark: string | undefined): Promise<string[]> {
  const open: string[] = [];
  for (const status of statuses.filter((each) => !isTerminal(each)))
    for await (const { id } of client.tasks({ status })) {
      const of = markOf(await client.task(id).status());
      if (of !== undefined && (mark === undefined || of === mark)) open.push(id);
    }
  return open;
}

/** Resolves with those that were cancelled; one that ends just now is refused, which is as good. */
export async function cancelEach(client: Client, ids: Iterable<string>): Promise<string[]> {
  const cancelled: string[] = [];
  for (const id of ids) {
    const task = client.task(id);
    if (
      !isTerminal((await task.status()).status) &&
      (await task.cancel().then(
        () => true,
        () => false,
      ))
    )
      cancelled.push(id);
  }
  return cancelled;
}

/** Seconds for which a session of the task may have been billed so far. */
export function sessionSecondsOf({ phases = {}, updatedAt, status }: TaskRecord): number {
  const begun = phases.provisioning ?? phases.starting;
  if (begun === undefined) return 0;
  const endMs = isTerminal(status) ? Date.parse(phases[status] ?? updatedAt) : Date.now();
  return Math.max(0, endMs - Date.parse(begun)) / 1000;
}
