import { quote } from "./command-name.ts";

/** How to use a system that runs: for each client the lines of a shell that connect it, in the order in which they are run. */
export type Connecting = { client: string; lines: string[] }[];

/** Stable, so that what an assistant was told keeps working after a restart. */
export const DEFAULT_PORT = 8377;

const NAME = "agent-dispatch";
const TOKEN = "AGENT_DISPATCH_TOKEN";

/**
 * The lines that connect the clients we know, as their own programs take them. The token is read from its file when a line
 * is run, so that it is in nobody's terminal; Codex reads it at each start and has the approval of tools set there too,
 * because its `mcp add` takes no such option.
 */
export function connecting({ url, tokenFile }: { url: string; tokenFile: string }): Connecting {
  const token = `$(cat ${quote(tokenFile)})`;
  const header = `--header "Authorization: Bearer ${token}"`;
  const approve = quote(`mcp_servers.${NAME}.default_tools_approval_mode="approve"`);
  return [
    { client: "Claude Code", lines: [`claude mcp add --transport http --scope user ${NAME} ${url} ${header}`] },
    {
      client: "Codex",
      lines: [
        `codex mcp add ${NAME} --url ${url} --bearer-token-env-var ${TOKEN}`,
        `${TOKEN}="${token}" codex -c ${approve}`,
      ],
    },
    { client: "Gemini CLI", lines: [`gemini mcp add --transport http --scope user ${NAME} ${url} ${header}`] },
    { client: "opencode", lines: [`opencode mcp add ${NAME} --url ${url} --header "Authorization=Bearer ${token}"`] },
    { client: "VS Code", lines: [`code --add-mcp ${editorServer({ name: NAME, type: "http", url }, token)}`] },
    { client: "Cursor", lines: [`cursor --add-mcp ${editorServer({ name: NAME, url }, token)}`] },
  ];
}

/** https://code.visualstudio.com/docs/copilot/customization/mcp-servers; Cursor takes the same option. */
function editorServer(server: Record<string, string>, token: string): string {
  const json = JSON.stringify({ ...server, headers: { Authorization: "Bearer @" } });
  return `"${json.replaceAll('"', '\\"').replace("@", token)}"`;
}
