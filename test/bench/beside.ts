import { spawn } from "node:child_process";
import { once } from "node:events";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

type Json = Record<string, unknown>;

/** Another dispatcher, or whatever else runs the same program. */
export type Peer = { run(): Promise<void> };

/** Calls of tools that make up one job of an MCP server: `tool {"json":"arguments"}`, one after the other. */
let calls: readonly { tool: string; input: Json }[] = [];

/** What `--call` says. Throws an Error for one that is not `tool {json}`. */
export function setCalls(texts: readonly string[]): void {
  calls = texts.map((text) => {
    const [, tool, json = "{}"] = /^(\S+)\s*(\{.*\})?$/s.exec(text) ?? [];
    if (!tool) throw new Error(`--call takes a tool and its arguments as JSON, not ${text}`);
    return { tool, input: JSON.parse(json) as Json };
  });
}

/**
 * Measures with a peer, if a command line is given: run once per job until it ends, or, where calls are given, started once
 * as an MCP server on stdio that is called for each job.
 */
export async function withPeer<T>(
  commandLine: string | undefined,
  measure: (peer: Peer | undefined) => Promise<T>,
): Promise<T> {
  if (commandLine === undefined) return measure(undefined);
  if (calls.length === 0) return measure({ run: () => runOnce(commandLine) });
  const client = new Client({ name: "bench", version: "0" });
  await client.connect(new StdioClientTransport({ command: "sh", args: ["-c", commandLine], stderr: "inherit" }));
  try {
    return await measure({ run: () => callAll(client) });
  } finally {
    await client.close();
  }
}

async function runOnce(commandLine: string): Promise<void> {
  const child = spawn("sh", ["-c", commandLine], { stdio: ["ignore", "ignore", "inherit"] });
  const [exitCode] = (await once(child, "close")) as [number | null];
  if (exitCode !== 0) throw new Error(`the peer ended with ${exitCode}: ${commandLine}`);
}

/** A text `$name` among the arguments of a later call is the field of that name in the answer before it. */
async function callAll(client: Client): Promise<void> {
  let answer: Json = {};
  for (const { tool, input } of calls) {
    const known = answer;
    const filled = Object.entries(input).map(([name, value]) => [
      name,
      typeof value === "string" && value.startsWith("$") ? known[value.slice(1)] : value,
    ]);
    const result = await client.callTool({ name: tool, arguments: Object.fromEntries(filled) as Json });
    if (result.isError) throw new Error(`${tool}: ${JSON.stringify(result.content)}`);
    answer = answerOf(result);
  }
}

function answerOf({ structuredContent, content }: Awaited<ReturnType<Client["callTool"]>>): Json {
  if (structuredContent) return structuredContent as Json;
  const [first] = content;
  try {
    return first?.type === "text" ? (JSON.parse(first.text) as Json) : {};
  } catch {
    return {};
  }
}
