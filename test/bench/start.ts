import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPackage } from "../../lib/package/build.ts";
import type { BenchSystem } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";

const ROUNDS = 20;
const WARM_UP = 3;

/** How long commands of the built package take at a system that runs, beside Node that does nothing. */
export async function benchStart({ stateDir }: BenchSystem): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-bench-"));
  try {
    // Where it belongs: a program looks for its package around it.
    await buildPackage();
    const program = join(import.meta.dirname, "../../dist/package/agent-dispatch.mjs");
    const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, "compile-cache") };
    const rows = [
      ["bare node", ["--eval", "0"], undefined],
      ["agent-dispatch list", [program, "list", "--state-dir", stateDir], "<= 150"],
      ["agent-dispatch run --command true", [program, "run", "--state-dir", stateDir, "--command", "true"], "<= 200"],
    ] as const;
    for (const [name, args, goal] of rows) {
      const samples = Array.from({ length: WARM_UP + ROUNDS }, () => wallMs(args, env)).slice(WARM_UP);
      const how = `median of ${ROUNDS} processes of the built package, with a compile cache, at a local system that runs`;
      figure(name, quantile(samples, 0.5), "ms", how, goal);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function wallMs(args: readonly string[], env: NodeJS.ProcessEnv): number {
  const begin = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
  return performance.now() - begin;
}
