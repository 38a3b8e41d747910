import { randomUUID } from "node:crypto";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { environmentVariables } from "../../../../lib/contract/execution-environment.ts";
import type { PermissionMode } from "../../../../lib/contract/kinds.ts";
import { DISPATCHING, type McpServer } from "../../../../lib/contract/worker.ts";
import { invalidInput } from "../../../parse.ts";
import type { AgentProgram, AgentRun, SessionFile } from "../program.ts";
import { isPersonsHome } from "../program-environment.ts";
import { ClaudeDialogue } from "./dialogue.ts";
import { ClaudeOutput } from "./output.ts";
import { usesBedrock } from "./problem.ts";

const modes: Readonly<Record<PermissionMode, string>> = {
  default: "manual",
  acceptEdits: "acceptEdits",
  plan: "plan",
  auto: "auto",
  bypassPermissions: "bypassPermissions",
};
const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** One argument cannot be longer on Linux: https://man7.org/linux/man-pages/man2/execve.2.html */
const MAX_ARGUMENT_BYTES = 128 * 1024 - 1024;

/**
 * Claude Code, as `claude -p` with streaming output. No value of a caller is a word of its own on the command line: each
 * follows its flag after `=`, or stands in a file.
 * https://code.claude.com/docs/en/cli-reference
 */
export const claudeCode: AgentProgram = {
  name: "claude-code",
  program: "claude",
  options: [
    "enabled",
    "permissionMode",
    "allowedTools",
    "deniedTools",
    "systemPrompt",
    "maxTurns",
    "mcpServers",
    "jsonSchema",
    "questions",
  ],
  ownBudget: true,
  ownSchema: true,
  // It ends its shell commands, and still tells what it has used; after SIGTERM it says nothing.
  stopSignal: "SIGINT",
  command: async (run) => ({ args: [...fixed(run), ...(await chosen(run))], env: environment(run) }),
  reader: (run) => new ClaudeOutput(run),
  dialogue: (run, prompt, ask) => (run.tools.questions === "ask" ? new ClaudeDialogue(prompt, ask) : undefined),

  async sessionFiles(run, sessionId): Promise<SessionFile[]> {
    if (!SESSION_ID.test(sessionId)) return [];
    const projects = join(home(run), "projects");
    const name = `${sessionId}.jsonl`;
    for (const project of await readdir(projects).catch(() => [])) {
      const files: string[] = await readdir(join(projects, project)).catch(() => []);
      if (files.includes(name)) return [{ path: join(projects, project, name), name }];
    }
    return [];
  },

  // It finds a session in the folder of any project.
  async restore(run, sessionId, files) {
    const folder = join(home(run), "projects", "-agentdispatch");
    const file = files.find(({ name }) => name === `${sessionId}.jsonl`);
    if (!file || !SESSION_ID.test(sessionId)) return;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await copyFile(file.path, join(folder, file.name));
  },
};

const home = ({ env }: AgentRun): string => env.CLAUDE_CONFIG_DIR ?? join(env.HOME ?? "/", ".claude");

/** A checkout's settings can start programs and send the model's key elsewhere: they are read only where it is trusted. */
function fixed({ trusted, resume, task, env, tools }: AgentRun): string[] {
  if (resume !== undefined && !SESSION_ID.test(resume))
    throw invalidInput("conversation", "names no session of claude");
  const { maxBudgetUsd, maxTokens } = task.limits;
  const artifacts = env[environmentVariables.artifactsDir];
  return [
    "-p",
    "--output-format=stream-json",
    "--verbose",
    ...(tools.questions === "ask"
      ? ["--input-format=stream-json", "--permission-prompt-tool=stdio"]
      : ["--permission-prompts=none"]),
    ...(trusted ? [] : ["--setting-sources=", "--strict-mcp-config"]),
    ...(artifacts === undefined ? [] : [`--add-dir=${artifacts}`]),
    `--session-id=${randomUUID()}`,
    // The session of the last turn stays as it was, so that this turn can be tried again, and others go on from there.
    ...(resume === undefined ? [] : [`--resume=${resume}`, "--fork-session"]),
    ...(maxBudgetUsd === undefined ? [] : [`--max-budget-usd=${maxBudgetUsd}`]),
    // Only these lines have the tokens of an answer while it runs.
    ...(maxTokens === undefined ? [] : ["--include-partial-messages"]),
  ];
}

async function chosen({ tools, model, scratch }: AgentRun): Promise<string[]> {
  const { enabled, permissionMode = "acceptEdits", maxTurns, mcpServers, jsonSchema, systemPrompt } = tools;
  const args = [`--permission-mode=${modes[permissionMode]}`];
  const write = async (flag: string, name: string, text: string) => {
    const file = join(scratch, name);
    await writeFile(file, text, { mode: 0o600 });
    args.push(`${flag}=${file}`);
  };
  if (model !== undefined) args.push(`--model=${model}`);
  if (maxTurns !== undefined) args.push(`--max-turns=${maxTurns}`);
  if (enabled) args.push(`--tools=${toolNames(enabled)}`);
  if (jsonSchema) args.push(argument("--json-schema", JSON.stringify(jsonSchema), "runtime_tools.jsonSchema"));
  if (mcpServers) await write("--mcp-config", "mcp.json", JSON.stringify({ mcpServers: serversOf(mcpServers) }));
  if (systemPrompt !== undefined) {
    await write("--append-system-prompt-file", "system-prompt.md", systemPrompt);
    // Otherwise the one of the first turn would stand, and this one be ignored.
    args.push("--system-prompt-snapshot=off");
  }
  const servers = Object.keys(mcpServers ?? {}).map((name) => `mcp__${name}`);
  const { allowedTools = servers, deniedTools = [] } = tools;
  // What its profile lets it do, no list of other tools takes away.
  const dispatching = servers.filter((name) => name === `mcp__${DISPATCHING}` && !allowedTools.includes(name));
  const allow = [...allowedTools, ...dispatching];
  if (allow.length + deniedTools.length > 0) {
    const permissions = { allow, deny: deniedTools };
    await write("--settings", "settings.json", JSON.stringify({ permissions }));
  }
  return args;
}

function toolNames(names: readonly string[]): string {
  const wrong = names.find((name) => !/^[A-Za-z][A-Za-z0-9_]*$/.test(name));
  if (wrong !== undefined) throw invalidInput("runtime_tools.enabled", `${JSON.stringify(wrong)} is no name of a tool`);
  return names.join(",");
}

function argument(flag: string, value: string, path: string): string {
  const text = `${flag}=${value}`;
  if (Buffer.byteLength(text) > MAX_ARGUMENT_BYTES) throw invalidInput(path, "is longer than 127 KB as JSON");
  return text;
}

const serversOf = (servers: Readonly<Record<string, McpServer>>) =>
  Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [
      name,
      "url" in server ? { type: "http", ...server } : { type: "stdio", ...server },
    ]),
  );

/** What the configuration sets of these stands. https://code.claude.com/docs/en/env-vars */
function environment({ env, task, tools, trusted }: AgentRun): Record<string, string> {
  const isContainer = !isPersonsHome(env);
  const longestMs = String(Math.ceil(task.limits.timeoutSeconds) * 1000);
  const defaults: Record<string, string> = {
    DISABLE_AUTOUPDATER: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    // One answer for a run: what runs in the background would bring others after it.
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    // What an agent noted in one checkout would steer others that lie in the same place later.
    ...(!trusted && { CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1" }),
    // About 15 seconds in all, so that a wrong key fails soon.
    CLAUDE_CODE_MAX_RETRIES: "5",
    API_TIMEOUT_MS: "600000",
    // A command has as long as its task; by default it would be killed after two minutes, and could ask for ten at most.
    BASH_DEFAULT_TIMEOUT_MS: "600000",
    BASH_MAX_TIMEOUT_MS: longestMs,
    ...(isContainer && tools.permissionMode === "bypassPermissions" && { IS_SANDBOX: "1" }),
    ...(usesBedrock(env) && { CLAUDE_CODE_USE_BEDROCK: "1" }),
  };
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => env[name] === undefined));
}
