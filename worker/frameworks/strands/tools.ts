import { getDefaultEnvironment, StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { McpClient, type Tool } from "@strands-agents/sdk";
import { makeFileEditor } from "@strands-agents/sdk/vended-tools/file-editor";
import { RefusedError } from "../../../lib/contract/errors.ts";
import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import type { McpServer } from "../../../lib/contract/worker.ts";
import { version } from "../../version.ts";
import { agentCoreTools as remoteTools } from "./agentcore-tools.ts";
import { httpTool } from "./http.ts";
import { type AgentRequest, agentCoreTools, type ToolName } from "./request.ts";
import { shellTool } from "./shell.ts";
import { Workspace } from "./workspace.ts";

/** What an agent can use, and how everything is ended that came with it. */
export type AgentTools = { tools: (Tool | McpClient)[]; release(): Promise<unknown[]> };

type Own = Exclude<ToolName, "code-interpreter" | "browser">;

/**
 * The tools that a request names, and those of its MCP servers, which are connected. Throws RefusedError when one of these
 * cannot be; nothing of the others is left then.
 */
export async function openTools(request: AgentRequest): Promise<AgentTools> {
  const own: Record<Own, () => Tool> = {
    shell: () => shellTool(request.workspace, shellEnvironment(request.hidden)),
    files: () => makeFileEditor(new Workspace(...foldersOf(request)), { name: "files" }),
    http: () => httpTool,
  };
  const isOwn = (name: ToolName): name is Own => !agentCoreTools.includes(name);
  const remote = request.tools.filter((name) => !isOwn(name));
  const held = await Promise.all(remote.map((name) => remoteTools(name, request.timeoutSeconds)));
  const servers = Object.entries(request.mcpServers).map(([name, server]) => ({
    name,
    client: clientOf(name, server, request),
  }));
  const release = () =>
    settledErrors([...held.map((one) => one.release()), ...servers.map(({ client }) => client.disconnect())]);
  for (const { name, client } of servers) {
    try {
      await client.connect();
    } catch (error) {
      await release();
      throw new RefusedError("task.agent_error", `the MCP server ${name} could not be connected: ${messageOf(error)}`, {
        cause: error,
        hint: "check its command or address in runtimeTools.mcpServers",
      });
    }
  }
  const clients = servers.map(({ client }) => client);
  return {
    tools: [
      ...request.tools.filter(isOwn).map((name) => own[name]()),
      ...held.flatMap(({ tools }) => tools),
      ...clients,
    ],
    release,
  };
}

const foldersOf = ({ workspace, artifacts }: AgentRequest): string[] =>
  artifacts === undefined ? [workspace] : [workspace, artifacts];

/** What a program that an agent starts may see: all of this process's but the keys of models. */
function shellEnvironment(hidden: readonly string[]): NodeJS.ProcessEnv {
  const shown = Object.entries(process.env).filter(([name]) => !hidden.includes(name));
  return Object.fromEntries(shown);
}

/** Nothing in the settings of a server is replaced by what is in our environment: they may be a caller's. */
function clientOf(name: string, server: McpServer, { workspace }: AgentRequest): McpClient {
  const named = { applicationName: "agent-dispatch", applicationVersion: version, prefix: name };
  if ("url" in server)
    return new McpClient({ ...named, url: server.url, ...(server.headers && { headers: server.headers }) });
  const { command, args = [], env } = server;
  const transport = new StdioClientTransport({
    command,
    args,
    cwd: workspace,
    env: { ...getDefaultEnvironment(), ...env, ...marks() },
  });
  return new McpClient({ ...named, transport });
}

/** By these the worker finds whatever a task has started. */
function marks(): Record<string, string> {
  const names = [environmentVariables.taskId, environmentVariables.sessionMarker];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

async function settledErrors(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(promises);
  return settled.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
