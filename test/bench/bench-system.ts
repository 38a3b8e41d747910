import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";

/** The framework that every system here has: an agent of one line, which answers as soon as it runs. */
export const AGENT = "quick";
export const agentWords = ["sh", "-c", "cat >/dev/null; echo done"] as const;

export type BenchSystem = {
  client: Client;
  call(tool: string, input?: Record<string, unknown>): Promise<Record<string, unknown>>;
  pid: number;
  stateDir: string;
};

/** Runs `measure` against a local system in a process of its own, on a fresh state folder, through a connected MCP client. */
export async function withSystem<T>(
  {
    configuration = {},
    env = {},
    ...options
  }: { prewarm: boolean; configuration?: object; env?: Record<string, string> },
  measure: (system: BenchSystem) => Promise<T>,
): Promise<T> {
  const stateDir = mkdtempSync(join(tmpdir(), "agent-dispatch-bench-"));
  const configFile = join(stateDir, "config.json");
  writeFileSync(configFile, JSON.stringify(configuration));
  const script = join(import.meta.dirname, "../fixtures/local-system.ts");
  const server = spawn(process.execPath, [script, JSON.stringify({ stateDir, ...options })], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      ...env,
      [environmentVariables.configFile]: configFile,
      [environmentVariables.frameworkCommands]: JSON.stringify({ [AGENT]: agentWords }),
    },
  });
  try {
    const { url, token, pid } = JSON.parse(await firstLine(server)) as { url: string; token: string; pid: number };
    const client = new Client({ name: "bench", version: "0" });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(url), {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      }),
    );
    const call = async (name: string, input: Record<string, unknown> = {}) => {
      const result = await client.callTool({ name, arguments: input });
      if (result.isError) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
      return result.structuredContent as Record<string, unknown>;
    };
    const value = await measure({ client, call, pid, stateDir });
    await client.close();
    return value;
  } finally {
    server.kill("SIGTERM");
    if (server.exitCode === null) await once(server, "exit");
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("the server's output is not piped");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("the server ended before it listened");
}

/** The arguments that dispatch a command to this machine. */
export const command = (text: string, more: Record<string, unknown> = {}) => ({
  provider: "local",
  account_profile: "local",
  capability: "agent-runtime",
  task_type: "command.run",
  target: { mode: "session" },
  input: { command: text, ...more },
});
