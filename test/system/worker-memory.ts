import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { workersOf } from "./workers.ts";

type Sample = { idleMb: number; peakMb: number };

const megabytes = (status: string, line: "VmRSS" | "VmHWM") =>
  Number(new RegExp(`${line}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;

/**
 * Watches the workers of a local system, of which one must be ready. `growth` tells by how many MB the resident memory of
 * the one that grew most went beyond what it took at first, at any time until it ended.
 */
export async function watchWorkers(stateDir: string): Promise<{ growth(): number } & Disposable> {
  const samples = new Map<number, Sample>();
  const look = () => {
    for (const { pid } of workersOf(stateDir)) {
      try {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const peakMb = megabytes(status, "VmHWM");
        // One that has ended, and that nobody has waited for, has no memory any more.
        if (Number.isNaN(peakMb)) continue;
        samples.set(pid, { idleMb: samples.get(pid)?.idleMb ?? megabytes(status, "VmRSS"), peakMb });
      } catch {
        // it has ended
      }
    }
  };
  for (look(); samples.size === 0; look()) await sleep(10);
  const timer = setInterval(look, 20);
  return {
    growth: () => Math.max(...[...samples.values()].map(({ idleMb, peakMb }) => peakMb - idleMb)),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
