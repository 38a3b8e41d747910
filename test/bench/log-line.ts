import { type BenchSystem, command } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";

const LINES = 100;

/** From the moment a job prints a line until a reader that waits has it. */
export async function benchLogLine({ call }: BenchSystem): Promise<void> {
  const program = `let n = 0; const t = setInterval(() => { console.log(Date.now()); if (++n === ${LINES}) clearInterval(t); }, 50)`;
  const { taskId } = await call("dispatch_task", command("node", { args: ["-e", program] }));
  const samples: number[] = [];
  let cursor = 0;
  let rest = "";
  while (samples.length < LINES) {
    const reply = await call("get_task_logs", { task_id: taskId, cursor, wait_seconds: 20 });
    const now = Date.now();
    if (reply.nextCursor === cursor) throw new Error(`only ${samples.length} of ${LINES} lines arrived`);
    cursor = reply.nextCursor as number;
    const lines = (rest + reply.data).split("\n");
    rest = lines.pop() ?? "";
    samples.push(...lines.map((line) => now - Number(line)));
  }
  const how = `${LINES} lines printed 50 ms apart, read with get_task_logs and wait_seconds by a second process; both clocks are the machine's`;
  figure("log line until a waiting reader has it, p50", quantile(samples, 0.5), "ms", how);
  figure("log line until a waiting reader has it, p95", quantile(samples, 0.95), "ms", how, "<= 1000");
}
