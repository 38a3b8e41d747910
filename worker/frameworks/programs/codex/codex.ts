import { realpath, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { environmentVariables } from "../../../../lib/contract/execution-environment.ts";
import type { PermissionMode } from "../../../../lib/contract/kinds.ts";
import { invalidInput } from "../../../parse.ts";
import type { AgentProgram, AgentRun, ProgramStart } from "../program.ts";
import { refuseSteering } from "../steering-variables.ts";
import { CodexOutput } from "./output.ts";
import { isThreadId, restoreThread, threadFile } from "./thread.ts";

/**
 * OpenAI's Codex. It asks nobody: a sandbox holds its commands to the workspace, without network. Tried with 0.169.
 * @see https://developers.openai.com/codex/noninteractive
 */
export const codex: AgentProgram = {
  name: "codex",
  program: "codex",
  options: ["permissionMode", "systemPrompt", "mcpServers", "jsonSchema"],
  ownSchema: true,
  command,
  reader: (run) => new CodexOutput(run),
  sessionFiles: async ({ env }, sessionId) => {
    const path = threadFile(env, sessionId);
    return path === undefined ? [] : [{ path, name: basename(path) }];
  },
  restore: async ({ env }, sessionId, [file]) => {
    if (file && isThreadId(sessionId)) await restoreThread(env, sessionId, file.path);
  },
  // Any other signal ends it alone, and leaves its commands running.
  stopSignal: "SIGINT",
};

const sandboxes: Readonly<Record<PermissionMode, string>> = {
  plan: "read-only",
  default: "workspace-write",
  acceptEdits: "workspace-write",
  auto: "workspace-write",
  bypassPermissions: "danger-full-access",
};

async function command(run: AgentRun): Promise<ProgramStart> {
  const { tools, model, resume, scratch, env } = run;
  const sandbox = sandboxes[tools.permissionMode ?? "default"];
  const artifacts = env[environmentVariables.artifactsDir];
  const servers = mcpServers(run);
  const schema = join(scratch, "schema.json");
  if (tools.jsonSchema) await writeFile(schema, JSON.stringify(tools.jsonSchema));
  if (resume !== undefined && !isThreadId(resume)) throw invalidInput("conversation.session.id", "is no id of codex");
  const settings: [name: string, toml: string][] = [
    ...(model === undefined ? [] : [["model", text(model)] as [string, string]]),
    // A thread keeps the instructions that it began with.
    ...(tools.systemPrompt === undefined || resume !== undefined
      ? []
      : [["developer_instructions", text(tools.systemPrompt)] as [string, string]]),
    // Else it waits for ever for an endpoint that cannot be reached.
    ["features.unbounded_connection_retries", "false"],
    ...servers.settings,
    ...(await trustOf(run)),
  ];
  return {
    args: [
      ...["exec", "--json", "--skip-git-repo-check", "--sandbox", sandbox],
      ...(sandbox === "workspace-write" && artifacts !== undefined ? ["--add-dir", artifacts] : []),
      ...(tools.jsonSchema ? ["--output-schema", schema] : []),
      ...settings.flatMap(([name, toml]) => ["-c", `${name}=${toml}`]),
      ...(resume === undefined ? [] : ["resume", resume]),
      "-",
    ],
    env: servers.env,
    ...(tools.systemPrompt !== undefined &&
      resume !== undefined && { prompt: `## Standing instructions\n\n${tools.systemPrompt}\n\n${run.prompt}` }),
  };
}

/**
 * What the project's own files may do. Of an untrusted one, its `.codex` is off, its AGENTS.md and skills are not read, and
 * no folder above the workspace lends it the trust that a person gave there. Said for this run, and written nowhere.
 */
async function trustOf({ workspace, trusted }: AgentRun): Promise<[string, string][]> {
  const folder = await realpath(workspace);
  const level = (name: string): [string, string] => ["projects", `{${text(folder)}={trust_level=${text(name)}}}`];
  if (trusted) return [level("trusted")];
  return [
    level("untrusted"),
    ["project_root_markers", "[]"],
    ["project_doc_max_bytes", "0"],
    ["skills.include_instructions", "false"],
  ];
}

/** Their secrets travel in the environment: the arguments of a program are there for every user of the machine to read. */
function mcpServers({ tools, env }: AgentRun): { settings: [string, string][]; env: Record<string, string> } {
  const values: Record<string, string> = {};
  const settings = Object.entries(tools.mcpServers ?? {}).map(([name, server], index): [string, string] => {
    const approve = 'default_tools_approval_mode="approve"';
    if ("url" in server) {
      const headers = Object.entries(server.headers ?? {}).map(([header, value], at) => {
        const variable = `MCP_HEADER_${index}_${at}`;
        values[variable] = value;
        return `${text(header)}=${text(variable)}`;
      });
      return [`mcp_servers.${name}`, `{url=${text(server.url)},env_http_headers={${headers.join(",")}},${approve}}`];
    }
    // They become codex's own.
    refuseSteering("codex", Object.keys(server.env ?? {}), `runtime_tools.mcpServers.${name}.env`);
    for (const [variable, value] of Object.entries(server.env ?? {})) {
      if (value !== (values[variable] ?? env[variable] ?? value))
        throw invalidInput(
          `runtime_tools.mcpServers.${name}.env.${variable}`,
          "has another value elsewhere, and codex gives it one; name it differently",
        );
      values[variable] = value;
    }
    const words = `args=${list(server.args ?? [])},env_vars=${list(Object.keys(server.env ?? {}))}`;
    return [`mcp_servers.${name}`, `{command=${text(server.command)},${words},${approve}}`];
  });
  return { settings, env: values };
}

/** A text of TOML, whose escapes are those of JSON and one more. */
const text = (value: string): string => JSON.stringify(value).replaceAll("\x7f", "\\u007f");
const list = (values: readonly string[]): string => `[${values.map(text).join(",")}]`;
