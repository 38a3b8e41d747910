import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environmentIn, install, pack } from "../package/packed.ts";
import type { BenchSystem } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";

const ROUNDS = 20;
const WARM_UP = 3;

/** How long commands of the package take, as npm installs it, at a system that runs, beside Node that does nothing. */
export async function benchStart({ stateDir }: BenchSystem): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-bench-"));
  try {
    const installed = join(folder, "installed");
    const { tarball } = await pack(folder);
    await install(tarball, installed);
    const program = join(installed, "node_modules/.bin/agent-dispatch");
    const env = environmentIn(installed);
    const rows = [
      { name: "bare node, start to end", args: ["--eval", "0"], goal: undefined },
      { name: "agent-dispatch list", args: [program, "list", "--state-dir", stateDir], goal: "<= 150" },
      {
        name: "agent-dispatch run --command true",
        args: [program, "run", "--state-dir", stateDir, "--command", "true"],
        goal: "<= 200",
      },
    ].map((row) => ({ ...row, ms: [] as number[] }));
    for (let round = 0; round < WARM_UP + ROUNDS; round++)
      for (const { args, ms } of rows) {
        const taken = wallMs(args, env);
        if (round >= WARM_UP) ms.push(taken);
      }
    for (const { name, goal, ms } of rows) {
      const least = Math.min(...ms).toFixed(1);
      const how = `median of ${ROUNDS} processes in turn, the least ${least} ms; the installed package, with what earlier ones have compiled, at a local system that runs`;
      figure(name, quantile(ms, 0.5), "ms", how, goal);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function wallMs(args: readonly string[], env: Readonly<Record<string, string | undefined>>): number {
  const begin = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
  return performance.now() - begin;
}
