import { expect, it } from "vitest";
import { type Ended, judge, readLedger } from "./verdict.ts";

const job = { key: "job-1", script: "", exitCode: 0, log: "line 1\nline 2\n", leavesFile: true, requests: 1 };
const good: Ended = {
  job,
  taskId: "task_1",
  wasCancelled: false,
  record: { status: "succeeded", providerRefs: { sessionId: "s" } },
  result: { artifacts: [{ name: "left.txt" }] },
  log: job.log,
};
const once = "job-1 began\njob-1 done\n";
const failed = (code: string) => ({ ...good.record, status: "failed", error: { code, message: "because" } });
const nobody = { workers: new Set<string>(), jobs: new Set<string>() };
const worker = { ...nobody, workers: new Set(["s"]) };

it.each([
  ["a job that ran once and is told so", {}, once, nobody],
  ["a job whose worker was killed", { record: failed("worker.lost"), log: "line 1\n" }, "job-1 began\n", worker],
  [
    "one that a client has cancelled",
    { record: { ...good.record, status: "cancelled" }, wasCancelled: true },
    "",
    nobody,
  ],
])("a storm accepts %s", (_, change, ledger, victims) => {
  expect(judge({ ...good, ...change }, readLedger(ledger), victims)).toEqual([]);
});

it.each([
  ["a job that ran twice", {}, `${once}${once}`, nobody],
  ["a success of a job that never ran", {}, "", nobody],
  ["a log with a hole", { log: "line 2\n" }, once, nobody],
  ["a log that is cut off", { log: "line 1\n" }, once, nobody],
  ["a file that is gone", { result: { artifacts: [] } }, once, nobody],
  ["a loss that nothing explains", { record: failed("worker.lost") }, once, nobody],
  ["a failure of ours", { record: failed("platform.stuck") }, "job-1 began\n", worker],
  ["an end that nobody asked for", { record: { ...good.record, status: "cancelled" } }, "", nobody],
])("a storm does not accept %s", (_, change, ledger, victims) => {
  expect(judge({ ...good, ...change }, readLedger(ledger), victims)).not.toEqual([]);
});
