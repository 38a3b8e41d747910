import { prices } from "../../lib/contract/costs/prices.ts";
import { RETENTION_DAYS } from "../../lib/contract/task.ts";
import { functionMemory, stepMemory } from "../../lib/infra/function-memory.ts";
import type { CountedTask } from "./count.ts";
import type { Work } from "./tally.ts";

/**
 * What cannot be counted on this machine, and is assumed. Processor time is that of a function in the emulated cloud on an x64
 * machine; Lambda gives one processor for 1,769 MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
 */
export const assumptions = {
  /** Each function's first event of a task finds no environment, as where tasks are rare. */
  coldCpuMs: 400,
  warmCpuMs: 25,
  oneCpuMb: 1769,
  /** Until a service of AWS answers. */
  requestMs: 15,
  /** Lambda's own lines about an invocation, a line about an event of an execution, and one about a request to the API. */
  invocationLogBytes: 1000,
  historyLogBytes: 450,
  requestLogBytes: 450,
} as const;

/** US dollars, by what they are paid for. */
export type Bill = Record<
  "transitions" | "waiting" | "working" | "tableUnits" | "logs" | "api" | "traces" | "files" | "kept",
  number
>;

const memoryOf = (name: string): number =>
  name in functionMemory ? functionMemory[name as keyof typeof functionMemory] : stepMemory(name);

const gbSecondsUsd = (ms: number, memoryMb: number) => (ms / 1000) * (memoryMb / 1024) * prices.lambdaGbSecond.usd;

/** What a function costs for its work, without its log; `isCold` where its first event found no environment. */
export function workUsd(name: string, work: Work, { isCold }: { isCold: boolean }) {
  const { coldCpuMs, warmCpuMs, oneCpuMb, requestMs } = assumptions;
  const memory = memoryOf(name);
  const cold = isCold ? Math.min(1, work.invocations) : 0;
  const cpuMs = cold * coldCpuMs + (work.invocations - cold) * warmCpuMs;
  const busyMs = cpuMs * Math.max(1, oneCpuMb / memory) + work.requests * requestMs;
  return {
    waiting: gbSecondsUsd(work.heldMs, memory),
    working: gbSecondsUsd(busyMs, memory) + work.invocations * prices.lambdaRequest.usd,
    tableUnits: work.write * prices.writeUnit.usd + work.read * prices.readUnit.usd,
  };
}

export const logUsd = (bytes: number): number => (bytes / 1024 ** 3) * prices.logGb.usd;

/** What functions write, with what Lambda adds, in bytes. */
export const functionLogBytes = ({ logBytes, invocations }: Work): number =>
  logBytes + invocations * assumptions.invocationLogBytes;

/** What the control plane costs for a task. */
export function billOf(task: CountedTask): Bill {
  const works = Object.entries(task.functions);
  const priced = works.map(([name, work]) => workUsd(name, work, { isCold: true }));
  const sum = (of: (each: (typeof priced)[number]) => number) => priced.reduce((total, each) => total + of(each), 0);
  const requests = task.functions.mcp?.invocations ?? 0;
  const logBytes =
    works.reduce((total, [, work]) => total + functionLogBytes(work), 0) +
    task.history * assumptions.historyLogBytes +
    requests * assumptions.requestLogBytes;
  const months = RETENTION_DAYS / 30;
  return {
    transitions: task.transitions * prices.transition.usd,
    waiting: sum(({ waiting }) => waiting),
    working: sum(({ working }) => working),
    tableUnits: sum(({ tableUnits }) => tableUnits),
    logs: logUsd(logBytes),
    api: requests * prices.apiRequest.usd,
    // An execution belongs to the trace of the request that began it.
    traces: requests * prices.trace.usd,
    files: task.s3Writes * prices.s3Write.usd + task.s3Reads * prices.s3Read.usd,
    kept: (task.storedBytes / 1024 ** 3) * months * (prices.tableGbMonth.usd + prices.recoveryGbMonth.usd),
  };
}

export const totalOf = (bill: Bill): number => Object.values(bill).reduce((sum, usd) => sum + usd, 0);
