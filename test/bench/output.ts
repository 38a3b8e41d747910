import { join } from "node:path";
import { watchWorkers } from "../system/worker-memory.ts";
import { type BenchSystem, command } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";

const READS = 300;
const LINES_A_SECOND = 200_000;
const SECONDS = 5;

const printLines = join(import.meta.dirname, "../fixtures/print-lines.mjs");

/** What much output costs: the worker's memory, the readers' patience, and whether a line is lost. */
export async function benchOutput({ call, stateDir }: BenchSystem): Promise<void> {
  const run = async (input: Record<string, unknown>) => {
    const { taskId } = await call("dispatch_task", input);
    for (;;) {
      const record = await call("wait_for_task", { task_id: taskId, timeout_seconds: 40 });
      if (record.status === "succeeded") return { taskId, result: record.result as { durationMs: number } };
      if (!record.timedOutWaiting) throw new Error(`the job ended ${record.status}: ${JSON.stringify(record.error)}`);
    }
  };

  using workers = await watchWorkers(stateDir);
  const print = "head -c 200000000 /dev/zero | tr '\\0' x | fold -w 99 | head -c 200000000";
  const { taskId } = await run(command(print, { shell: true }));
  const grown =
    "resident memory of the worker at its largest, until its artifact was sent, beyond that of a worker ready";
  figure("worker while a job prints 200 MB, growth", workers.growth(), "MB", grown, "<= 64");

  const samples: number[] = [];
  for (let i = 0; i < READS; i++) {
    const cursor = Math.floor(((i * 0.618) % 1) * 16_700_000);
    const begin = performance.now();
    const page = await call("get_task_logs", { task_id: taskId, cursor, limit: 64_000 });
    samples.push(performance.now() - begin);
    if (page.data === "") throw new Error(`nothing at ${cursor}`);
  }
  const read = `${READS} cursors all over a log of 16 MB, read with get_task_logs, the most that one call returns`;
  figure("log read at any cursor, p50", quantile(samples, 0.5), "ms", read);
  figure("log read at any cursor, p95", quantile(samples, 0.95), "ms", read, "<= 50");

  const total = LINES_A_SECOND * SECONDS;
  const lines = await run(command(process.execPath, { args: [printLines, `${LINES_A_SECOND}`, `${SECONDS}`] }));
  let log = "";
  for (let page = await call("get_task_logs", { task_id: lines.taskId, limit: 64_000 }); page.data !== ""; ) {
    log += page.data;
    page = await call("get_task_logs", { task_id: lines.taskId, cursor: page.nextCursor, limit: 64_000 });
  }
  for (let line = 0; line < total; line++) {
    if (Number(log.slice(line * 10, line * 10 + 9)) !== line) throw new Error(`line ${line} is missing`);
  }
  const how = `${total} numbered lines of ten bytes, printed in ${SECONDS} s if nothing holds them up; each was found in the log`;
  figure("lines without loss", (total * 1000) / lines.result.durationMs, "lines/s", how, ">= 100000");
}
