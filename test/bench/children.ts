import { setTimeout as sleep } from "node:timers/promises";
import { AGENT, withSystem } from "./bench-system.ts";
import { figure } from "./figures.ts";
import { shareMb } from "./memory.ts";

const AT_ONCE = 20;
const WARM_UP = 100;
const SETTLE_MS = 2000;
/** How much more the last thousand may take than the first hundred. */
const FLAT = "<= 1.25";

type Seen = { msPerChild: number; peakMb: number; mbPerChild: number };

/** Whether what a child of one parent takes, in time and memory, depends on how many there are. */
export async function benchChildren(): Promise<void> {
  const seen = new Map<number, Seen>();
  for (const count of [100, 300, 1000]) seen.set(count, await of(count));
  for (const [count, { msPerChild, peakMb, mbPerChild }] of seen) {
    const how = `a parallel.run of ${count} agents of one line, ${AT_ONCE} at a time, after one of ${WARM_UP}, in a system of its own`;
    figure(`a child of ${count}, time`, msPerChild, "ms", how);
    figure(`a child of ${count}, memory that stays`, mbPerChild, "MB", `${how}; proportional set size of the system`);
    figure(`  the system's peak with ${count} children`, peakMb, "MB", how);
  }
  const [few, many] = [seen.get(100), seen.get(1000)];
  if (!few || !many) return;
  const how = "of the figures above";
  figure("a child of 1000 / of 100, time", many.msPerChild / few.msPerChild, "x", how, FLAT);
  figure("the system's peak with 1000 children / with 100", many.peakMb / few.peakMb, "x", how, FLAT);
}

async function of(count: number): Promise<Seen> {
  let seen: Seen | undefined;
  const limits = { maxRunning: AT_ONCE };
  const local = { backend: "local", framework: AGENT };
  const configuration = {
    accounts: { local: { provider: "local", credentialSource: "none" } },
    backends: { local: { adapter: "local-process", account: "local" } },
    runtimes: { local },
    defaults: { runtime: "local", limits },
  };
  await withSystem({ prewarm: true, configuration }, async ({ call, pid }) => {
    const run = async (children: number) => {
      const items = Array.from({ length: children }, (_, at) => ({ instruction: `say done ${at}` }));
      const { taskId } = await call("dispatch_task", {
        ...{ provider: "local", account_profile: "local", capability: "agent-runtime", target: { mode: "session" } },
        ...{ task_type: "parallel.run", input: { items, max_parallel: AT_ONCE } },
      });
      for (;;) {
        const record = await call("wait_for_task", { task_id: taskId, timeout_seconds: 40 });
        if (record.status === "succeeded") return;
        if (!record.timedOutWaiting) throw new Error(`it ended ${record.status}: ${JSON.stringify(record.error)}`);
      }
    };
    await run(WARM_UP);
    await sleep(SETTLE_MS);
    const before = shareMb(pid);
    let peakMb = before;
    const looking = setInterval(() => {
      peakMb = Math.max(peakMb, shareMb(pid));
    }, 250);
    const begin = performance.now();
    await run(count);
    const ms = performance.now() - begin;
    clearInterval(looking);
    await sleep(SETTLE_MS);
    seen = { msPerChild: ms / count, peakMb, mbPerChild: (shareMb(pid) - before) / count };
  });
  return seen as unknown as Seen;
}
