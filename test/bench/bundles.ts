import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { bundle, sizeBudgets } from "../../lib/infra/bundle.ts";
import { figure, quantile } from "./figures.ts";

const PROCESSES = 10;
const how = `median of ${PROCESSES} fresh processes, bundle minified, no compile cache`;

/** How large the deployed programs are, and how soon they are there. */
export async function benchBundles(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-bench-"));
  try {
    const worker = await bundle("worker/main.ts", folder);
    const mcp = await bundle("lib/mcp/server.ts", folder);
    const size = (name: string, bytes: number, budget: number) =>
      figure(name, bytes / 1000, "kB", "minified, all files, without source maps", `<= ${budget / 1000}`);
    size("worker bundle", worker.bytes, sizeBudgets["worker/main.ts"]);
    size("MCP server bundle", mcp.bytes, sizeBudgets["lib/mcp/server.ts"]);
    const imports = Array.from({ length: PROCESSES }, () => importMs(mcp.file));
    figure("MCP server bundle, import", quantile(imports, 0.5), "ms", how, "<= 60");
    const starts: number[] = [];
    for (let i = 0; i < PROCESSES; i++) starts.push(await listeningMs(worker.file));
    figure("worker bundle, start to listening", quantile(starts, 0.5), "ms", how, "<= 300");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What an import takes in a process that has done nothing else. */
function importMs(file: string): number {
  const script = "const a = performance.now(); await import(process.argv[1]); console.log(performance.now() - a)";
  return Number(execFileSync(process.execPath, ["--input-type=module", "--eval", script, file]));
}

/** From the start of the process to the line that says where it listens. */
async function listeningMs(file: string): Promise<number> {
  const begin = performance.now();
  const child = spawn(process.execPath, [file], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      PATH: process.env.PATH,
      [environmentVariables.workerHost]: "127.0.0.1",
      [environmentVariables.workerPort]: "0",
    },
  });
  const exited = once(child, "exit");
  try {
    let output = "";
    for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
      output += chunk;
      if (output.includes("listens on")) return performance.now() - begin;
    }
    throw new Error(`the worker ended: ${output}`);
  } finally {
    child.kill("SIGTERM");
    await exited;
  }
}
