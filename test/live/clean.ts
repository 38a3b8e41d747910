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
  const found = new Set(named);
  for (const status of statuses.filter((each) => !isTerminal(each)))
    for await (const { id } of client.tasks({ status })) {
      const of = found.has(id) ? undefined : markOf(await client.task(id).status());
      if (of !== undefined && (mark === undefined || of === mark)) found.add(id);
    }
  const cancelled: string[] = [];
  const left: string[] = [];
  let seconds = 0;
  for (const id of found) {
    const task = client.task(id);
    // One that ends just now is refused, which is as good.
    if (
      !isTerminal((await task.status()).status) &&
      (await task.cancel().then(
        () => true,
        () => false,
      ))
    )
      cancelled.push(id);
  }
  for (const id of found) {
    const record = await client.task(id).wait({ timeoutMs: 120_000 });
    if (!isTerminal(record.status)) left.push(id);
    seconds += sessionSecondsOf(record);
  }
  return { found: [...found], cancelled, left, use: useOf(seconds) };
}

/** Seconds for which a session of the task may have been billed so far. */
export function sessionSecondsOf({ phases = {}, updatedAt, status }: TaskRecord): number {
  const begun = phases.provisioning ?? phases.starting;
  if (begun === undefined) return 0;
  const endMs = isTerminal(status) ? Date.parse(phases[status] ?? updatedAt) : Date.now();
  return Math.max(0, endMs - Date.parse(begun)) / 1000;
}
