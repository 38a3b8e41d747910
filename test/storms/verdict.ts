import type { Json } from "../../lib/contract/task.ts";
import type { Victims } from "./faults.ts";
import type { StormJob } from "./jobs.ts";

/** What came of a job: its task as a client sees it in the end. */
export type Ended = { job: StormJob; taskId: string; wasCancelled: boolean; record: Json; result: Json; log: string };

/** How often each line stands in the ledger. */
export function readLedger(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  for (const line of text.split("\n")) lines.set(line, (lines.get(line) ?? 0) + 1);
  return lines;
}

/** Says in one word how a task ended. */
export const endOf = ({ record }: Ended): string =>
  record.status === "failed" ? `failed ${(record.error as Json).code}` : String(record.status);

/** Everything that is not as it was promised; an empty list is a good storm. */
export function judge(ended: Ended, ledger: ReadonlyMap<string, number>, victims: Victims): string[] {
  const { job, record, result, log } = ended;
  const began = ledger.get(`${job.key} began`) ?? 0;
  const done = ledger.get(`${job.key} done`) ?? 0;
  const session = String((record.providerRefs as Json).sessionId);
  const isVictim = { worker: victims.workers.has(session), job: victims.jobs.has(session) };
  const faults: string[] = [];
  const must = (isSo: boolean, otherwise: string) => {
    if (!isSo) faults.push(`${job.key} (${ended.taskId}, ${endOf(ended)}): ${otherwise}`);
  };

  must(began <= 1, `it ran ${began} times`);
  // A shell says itself that what it ran was killed.
  const printed = isVictim.job ? log.replaceAll("Killed\n", "") : log;
  const isPrinted = job.log.startsWith(printed) || record.status === "cancelled";
  must(isPrinted, `its log is not what it printed: ${JSON.stringify(log)}`);
  if (record.status === "succeeded") {
    must(job.exitCode === 0 && done === 1, `it did not end well: ${done} times done, exit code ${job.exitCode}`);
    must(printed === job.log, `its log has ${log.length} characters, not ${job.log.length}`);
    const files = result.artifacts as Json[];
    const isKept = files.length === 1 || (isVictim.worker && (result.lostArtifacts as Json[])?.length === 1);
    must(!job.leavesFile || isKept, "its file is not there");
  } else if (record.status === "cancelled") {
    must(ended.wasCancelled, "nobody has cancelled it");
  } else {
    const { code, message } = record.error as { code: string; message: string };
    const itself = code === "task.exit_code" && job.exitCode !== 0 && done === 1;
    const isTrue =
      itself || (code.startsWith("task.") && isVictim.job) || (code.startsWith("worker.") && isVictim.worker);
    must(isTrue, `nothing has happened to it that explains this: ${message}`);
  }
  return faults;
}
