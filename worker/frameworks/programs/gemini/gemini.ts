import { existsSync } from "node:fs";
import { readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { environmentVariables } from "../../../../lib/contract/execution-environment.ts";
import type { JsonObject } from "../../../../lib/contract/json.ts";
import { invalidInput } from "../../../parse.ts";
import type { AgentProgram, AgentRun, ProgramStart } from "../program.ts";
import { makeHome, restoreSession, sessionFiles } from "./home.ts";
import { GeminiOutput } from "./output.ts";
import { policyOf } from "./policy.ts";

/** Of one call to a model; it would be ten otherwise, with pauses that add up to minutes. */
const MAX_ATTEMPTS = 3;
/** It is read by this name whatever other names a setting adds. */
const CONTEXT_FILE = "GEMINI.md";
/** Of a workspace; one that has more counts as one with files that steer. */
const MAX_FOLDERS = 20_000;

/**
 * Google's Gemini CLI. It asks for what no rule allows, and nobody being there denies it. Tried with 0.61.
 * @see https://geminicli.com/docs/cli/headless/
 */
export const gemini: AgentProgram = {
  name: "gemini",
  program: "gemini",
  options: ["permissionMode", "allowedTools", "deniedTools", "systemPrompt", "maxTurns", "mcpServers", "jsonSchema"],
  command,
  reader: (run) => new GeminiOutput(run),
  sessionFiles: async ({ env }, sessionId) => sessionFiles(env, sessionId),
  restore: ({ env }, _sessionId, files) => restoreSession(env, files),
  // None ends its commands; they are found by the task's mark.
  stopSignal: "SIGTERM",
};

async function command(run: AgentRun): Promise<ProgramStart> {
  const { tools, model, resume, scratch, trusted, env } = run;
  if (resume !== undefined && !/^[0-9a-f-]{36}$/.test(resume))
    throw invalidInput("conversation.session.id", "is no id of gemini");
  const isRestricted = !trusted && (await steers(run));
  if (isRestricted && Object.keys(tools.mcpServers ?? {}).length > 0)
    throw invalidInput(
      "runtime_tools.mcpServers",
      "gemini connects to no server where the workspace has files for it and is not trusted",
    );
  const policy = join(scratch, "policy.toml");
  await writeFile(policy, policyOf(tools));
  const home = await makeHome(run, settingsOf(run));
  await addInstructions(run, home);
  const mode =
    tools.permissionMode === "plan" ? "plan" : tools.permissionMode === "bypassPermissions" ? "yolo" : "default";
  const artifacts = env[environmentVariables.artifactsDir];
  return {
    args: [
      ...["--output-format=stream-json", `--policy=${policy}`, `--approval-mode=${mode}`],
      ...(model === undefined ? [] : [`--model=${model}`]),
      ...(artifacts === undefined ? [] : [`--include-directories=${artifacts}`]),
      ...(resume === undefined ? [] : [`--resume=${resume}`]),
    ],
    env: {
      GEMINI_CLI_HOME: home,
      // Else it starts itself a second time, for a larger heap.
      GEMINI_CLI_NO_RELAUNCH: "true",
      GEMINI_CLI_TRUST_WORKSPACE: String(!isRestricted),
    },
    // A prompt that begins with a slash would be a command, one of the project's among them.
    prompt: `\n${run.prompt}`,
  };
}

function settingsOf({ tools, trusted }: AgentRun): JsonObject {
  const { maxTurns, mcpServers } = tools;
  return {
    // A session that has not been answered yet would count as damaged, and go.
    general: { enableAutoUpdate: false, maxAttempts: MAX_ATTEMPTS, sessionRetention: { enabled: false } },
    // Whether the workspace is trusted says the environment of this run alone; else it would end where it is not.
    security: { folderTrust: { enabled: false } },
    // By the names that a person chose, such as AGENTS.md, it would find files that `steers` does not look for.
    ...(!trusted && { advanced: { ignoreLocalEnv: true }, context: { fileName: CONTEXT_FILE } }),
    ...(maxTurns !== undefined && { model: { maxSessionTurns: maxTurns } }),
    ...(mcpServers && {
      mcpServers: Object.fromEntries(
        Object.entries(mcpServers).map(([name, server]) => [
          name,
          "url" in server ? { httpUrl: server.url, headers: server.headers ?? {} } : server,
        ]),
      ),
    }),
  };
}

/**
 * Whether gemini would find files in the workspace, or above it, that steer it; GEMINI.md it also reads below, in each folder
 * that it looks into. In such a one, unless it is trusted, it runs in its restricted mode, which reads none of them, connects to
 * no MCP server, and denies its shell every use of git. (An `.env` is no reason: a setting turns it off.)
 */
async function steers({ workspace, env }: AgentRun): Promise<boolean> {
  const place = await realpath(workspace);
  if (existsSync(join(place, ".agents"))) return true;
  for (let folder = place; folder !== (env.HOME || homedir()); folder = dirname(folder)) {
    if ([".gemini", CONTEXT_FILE].some((name) => existsSync(join(folder, name)))) return true;
    if (folder === dirname(folder)) break;
  }
  return hasContextBelow(place);
}

async function hasContextBelow(workspace: string): Promise<boolean> {
  const folders = [workspace];
  for (const folder of folders) {
    if (existsSync(join(folder, CONTEXT_FILE)) || folders.length > MAX_FOLDERS) return true;
    // What cannot be read now cannot be read by gemini.
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isDirectory()) folders.push(join(folder, entry.name));
  }
  return false;
}

/** Instructions go where a person's own for all projects are. */
async function addInstructions({ tools }: AgentRun, home: string): Promise<void> {
  if (tools.systemPrompt === undefined) return;
  const file = join(home, ".gemini", CONTEXT_FILE);
  const theirs = await readFile(file, "utf8").catch(() => "");
  // What is there is a link to the person's own.
  await rm(file, { force: true });
  await writeFile(file, [theirs, tools.systemPrompt].filter((text) => text.trim() !== "").join("\n\n"));
}
