/** One machine for two programs: a stand-in for Claude Code as `claude`, and the projects that the README of the Python program has. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { agentPrograms } from "../../fixtures/agent-programs.ts";
import { type AtEnd, connect, type Revision } from "../../mcp/clients.ts";
import { officialClients } from "../../mcp/official-clients.ts";
import { startSystem, temporaryFolder } from "../system.ts";

const fixtures = join(import.meta.dirname, "../../fixtures");

/** A machine with a stand-in as `claude`, and the projects of the README. */
export function machine({ stub = "claude-of-two.mjs", atEnd }: { stub?: string; atEnd?: AtEnd } = {}) {
  const folder = temporaryFolder(atEnd);
  // No folder in the state of a system may be registered.
  const projects = temporaryFolder(atEnd);
  const home = join(folder, "home");
  mkdirSync(home);
  const { bin, PATH } = agentPrograms(folder);
  writeFileSync(join(bin, "claude"), `#!/bin/sh\nexec '${process.execPath}' '${join(fixtures, stub)}' "$@"\n`);
  chmodSync(join(bin, "claude"), 0o755);
  const folders = Object.fromEntries(["infra", "backend", "db", "web"].map((name) => [name, join(projects, name)]));
  for (const place of Object.values(folders)) {
    mkdirSync(place, { recursive: true });
    const files = {
      "CLAUDE.md": "# Infra",
      "README.md": "What it is.",
      ".mcp.json": JSON.stringify({ mcpServers: { portainer: { command: "x" } } }),
      "pyproject.toml": '[project]\nname = "x"\n',
      "alembic.ini": "",
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text);
  }
  return { folder, folders, env: { PATH, HOME: home, ANTHROPIC_API_KEY: "none" } };
}
export type Machine = { folder: string; folders: Record<string, string>; env: Record<string, string> };

export const labels = { capabilities: ["docker_logs"], risky: ["restart_services"], tools: ["Bash", "Read"] };
export const facts = "Prod runs in Portainer stack shop.";
export type Program = { call(tool: string, args: Json): Promise<Json> };

/** This program. */
export async function ours({ folder, folders, env }: Machine, revision: Revision, atEnd: AtEnd = onTestFinished) {
  const agent = (name: string) => ({
    backend: "local",
    framework: "claude-code",
    workspace: folders[name],
    description: `The ${name}`,
    instructions: "Read-only.",
    capabilities: labels.capabilities,
    riskyCapabilities: labels.risky,
    runtimeTools: { permissionMode: "plan", allowedTools: labels.tools },
    limits: { timeoutSeconds: 300, maxBudgetUsd: 5 },
  });
  const system = await startSystem(folder, {
    revision,
    env,
    atEnd,
    configuration: {
      accounts: { local: { provider: "local", credentialSource: "none" } },
      backends: { local: { adapter: "local-process", account: "local" } },
      runtimes: { infra: agent("infra"), backend: agent("backend"), db: agent("db") },
      groups: {
        shop: {
          description: "Deploy by infra.",
          sharedContext: facts,
          members: [{ agent: "infra", useFor: "deploys" }],
        },
      },
      cache: { ttlSeconds: 300 },
    },
  });
  const client = await connect(system.url, revision, system.token, atEnd);
  return {
    call: async (tool: string, args: Json) => (await client.call(tool, args)).text as Json,
    /** The answer as it came. */
    raw: async (name: string, args: Json): Promise<string> => {
      const requestInit = { headers: { authorization: `Bearer ${system.token}` } };
      const official = await officialClients.legacy(system.url, { requestInit });
      const { content } = await official.callTool({ name, arguments: args });
      return (content as { text: string }[])[0]?.text ?? "";
    },
  };
}
