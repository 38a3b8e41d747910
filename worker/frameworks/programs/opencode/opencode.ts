import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { environmentVariables } from "../../../../lib/contract/execution-environment.ts";
import { type JsonObject, parseJsonObject } from "../../../../lib/contract/json.ts";
import type { McpServer } from "../../../../lib/contract/worker.ts";
import { invalidInput } from "../../../parse.ts";
import { mergeSettings } from "../merge-settings.ts";
import type { AgentProgram, AgentRun, ProgramStart } from "../program.ts";
import { databaseFiles, databaseName, prepareDatabase, restoreDatabase, sessionOf } from "./database.ts";
import { OpencodeOutput } from "./output.ts";
import { ownServers } from "./own-servers.ts";
import { permissionsOf } from "./permissions.ts";
import { retryWatch } from "./retry-watch.ts";

/**
 * opencode. What it would have to ask for is denied. Tried with 1.18.
 * @see https://opencode.ai/docs/cli/
 */
export const opencode: AgentProgram = {
  name: "opencode",
  program: "opencode",
  options: ["permissionMode", "allowedTools", "deniedTools", "systemPrompt", "mcpServers", "jsonSchema"],
  command,
  reader: (run) => new OpencodeOutput(databaseName(run), run.model),
  sessionFiles: async ({ env }, sessionId) => databaseFiles(env, sessionId),
  restore: ({ env }, sessionId, files) => restoreDatabase(env, sessionId, files),
  // None ends its commands; they are found by the task's mark.
  stopSignal: "SIGTERM",
};

async function command(run: AgentRun): Promise<ProgramStart> {
  const { tools, model, resume, env, trusted } = run;
  const off = ["PROJECT_CONFIG", "EXTERNAL_SKILLS", "CLAUDE_CODE"].map((name) => [`OPENCODE_DISABLE_${name}`, "true"]);
  return {
    args: [
      // Without a title a model would be asked for one.
      ...["run", "--format=json", "--title=agent-dispatch"],
      ...(tools.permissionMode === "bypassPermissions" ? ["--auto"] : []),
      ...(model === undefined ? [] : [`--model=${model}`]),
      ...(resume === undefined ? [] : [`--session=${sessionOf(resume).session}`]),
    ],
    env: {
      OPENCODE_CONFIG_CONTENT: JSON.stringify(mergeSettings(given(env), await settingsOf(run), "mcp")),
      OPENCODE_DB: await prepareDatabase(run),
      OPENCODE_DISABLE_AUTOUPDATE: "true",
      ...(!trusted && Object.fromEntries(off)),
    },
  };
}

/** What the configuration gives by the same variable. */
function given({ OPENCODE_CONFIG_CONTENT: content }: AgentRun["env"]): JsonObject {
  const settings = parseJsonObject(content ?? "{}");
  if (settings) return settings;
  throw invalidInput("env.OPENCODE_CONFIG_CONTENT", "must be a JSON object");
}

/** These stand over a person's own and a project's. */
async function settingsOf({ tools, scratch, env }: AgentRun): Promise<JsonObject> {
  const mcp = tools.mcpServers && serversOf(tools.mcpServers);
  const plugins = { "retry-watch.js": retryWatch, ...(mcp && { "own-servers.js": ownServers(mcp) }) };
  for (const [name, text] of Object.entries(plugins)) await writeFile(join(scratch, name), text, { mode: 0o600 });
  const instructions = join(scratch, "instructions.md");
  if (tools.systemPrompt !== undefined) await writeFile(instructions, tools.systemPrompt);
  return {
    permission: permissionsOf(tools, env[environmentVariables.artifactsDir]),
    plugin: Object.keys(plugins).map((name) => pathToFileURL(join(scratch, name)).href),
    share: "disabled",
    ...(tools.systemPrompt !== undefined && { instructions: [instructions] }),
    ...(mcp && { mcp }),
  };
}

const serversOf = (servers: Readonly<Record<string, McpServer>>): JsonObject =>
  Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [
      name,
      "url" in server
        ? { type: "remote", url: server.url, headers: server.headers ?? {}, enabled: true }
        : {
            type: "local",
            command: [server.command, ...(server.args ?? [])],
            environment: server.env ?? {},
            enabled: true,
          },
    ]),
  );
