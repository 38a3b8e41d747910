import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { freePort } from "../../fixtures/free-port.ts";
import type { AtEnd } from "../../mcp/clients.ts";

export type AgentName = "bedrock-agentcore" | "a2a" | "ag-ui" | "mcp";

/** Starts an agent that knows nothing of the worker contract, as its container would; resolves with where it listens. */
export async function startAgent(
  name: AgentName,
  { env = {}, atEnd = onTestFinished }: { env?: Record<string, string>; atEnd?: AtEnd } = {},
): Promise<URL> {
  const port = await freePort();
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.mjs`)], {
    stdio: "ignore",
    env: { PATH, HOME, NODE_NO_WARNINGS: "1", PORT: String(port), ...env },
  });
  const exited = once(child, "exit");
  atEnd(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const url = new URL(`http://127.0.0.1:${port}`);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the agent ${name} ended with ${child.exitCode}`);
    if (await fetch(new URL("/ping", url)).then(drain, () => false)) return url;
    await sleep(50);
  }
}

const drain = async (response: Response): Promise<true> => {
  await response.arrayBuffer();
  return true;
};
