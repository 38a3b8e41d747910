import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Change } from "../../../config/json-edit.ts";
import { isObject, type JsonObject } from "../../../contract/json.ts";
import { type Assistant, CALL_TIMEOUT_MS, type Machine, SERVER_NAME, type Server } from "./assistant.ts";
import { passedNames } from "./passed-names.ts";
import { addressMembers, asRegistration, at, homeOf, jsonStep, readAt } from "./settings-file.ts";

/** An assistant that keeps its servers in a JSON file. */
type Kept = Pick<Assistant, "name" | "title" | "program" | "folder" | "note"> & {
  file(machine: Machine): string;
  /** The member that holds the servers. */
  servers: string;
  entry(server: Server, machine: Machine, approve: boolean): JsonObject;
};

const kept = ({ file, servers, entry, ...assistant }: Kept): Assistant => ({
  ...assistant,
  plan: (machine, { server, approve }) =>
    jsonStep(file(machine), (settings) => {
      const path = [servers, SERVER_NAME];
      return membersOf(path, at(settings, path), server && entry(server, machine, approve));
    }),
  find: (machine) => asRegistration(file(machine), readAt(file(machine), [servers, SERVER_NAME])),
});

/** Of an entry that is there our own members alone: a person may have added others, and variables. */
function membersOf(path: readonly string[], there: unknown, ours: JsonObject | undefined): Change[] {
  if (!ours || !isObject(there)) return [{ path, value: ours }];
  const { env, ...members } = ours;
  const variables = Object.entries(isObject(env) ? env : {});
  const known = isObject(there.env) ? there.env : {};
  return [
    ...addressMembers.map((name) => ({ path: [...path, name], value: undefined })),
    ...Object.entries(members).map(([name, value]) => ({ path: [...path, name], value })),
    ...variables
      .filter(([name]) => !Object.hasOwn(known, name))
      .map(([name, value]) => ({ path: [...path, "env", name], value })),
  ];
}

const geminiFolder = (machine: Machine): string => join(machine.env.GEMINI_CLI_HOME || homeOf(machine), ".gemini");

/** https://github.com/google-gemini/gemini-cli/blob/main/docs/tools/mcp-server.md */
export const gemini = kept({
  name: "gemini",
  title: "Gemini CLI",
  program: "gemini",
  folder: geminiFolder,
  file: (machine) => join(geminiFolder(machine), "settings.json"),
  servers: "mcpServers",
  entry: ({ command, args }, { env }, approve) => {
    // It keeps what looks like a secret from the servers that it starts, unless they are to have it.
    const passed = Object.fromEntries(passedNames(env).map((name) => [name, `$${name}`]));
    return {
      command,
      args: [...args],
      ...(Object.keys(passed).length > 0 && { env: passed }),
      timeout: CALL_TIMEOUT_MS,
      trust: approve || undefined,
    };
  },
});

const opencodeFolder = (machine: Machine): string =>
  join(machine.env.XDG_CONFIG_HOME || join(homeOf(machine), ".config"), "opencode");

/** https://opencode.ai/docs/mcp-servers; it asks nobody before it calls a tool of a server. */
export const opencode = kept({
  name: "opencode",
  title: "opencode",
  program: "opencode",
  folder: opencodeFolder,
  file: (machine) => {
    const [plain = "", commented = ""] = ["json", "jsonc"].map((end) =>
      join(opencodeFolder(machine), `opencode.${end}`),
    );
    return existsSync(plain) ? plain : commented;
  },
  servers: "mcp",
  entry: ({ command, args }) => ({
    type: "local",
    command: [command, ...args],
    enabled: true,
    timeout: CALL_TIMEOUT_MS,
  }),
});

/** https://cursor.com/docs/context/mcp */
export const cursor = kept({
  name: "cursor",
  title: "Cursor",
  program: "cursor",
  folder: (machine) => join(homeOf(machine), ".cursor"),
  file: (machine) => join(homeOf(machine), ".cursor", "mcp.json"),
  servers: "mcpServers",
  entry: ({ command, args }) => ({ command, args: [...args] }),
  note: `asks before each call, until ${SERVER_NAME}:* is among the allowed MCP tools of its settings`,
});

function codeFolder(machine: Machine): string {
  const home = homeOf(machine);
  if (machine.platform === "darwin") return join(home, "Library", "Application Support", "Code", "User");
  if (machine.platform === "win32")
    return join(machine.env.APPDATA || join(home, "AppData", "Roaming"), "Code", "User");
  return join(machine.env.XDG_CONFIG_HOME || join(home, ".config"), "Code", "User");
}

/** https://code.visualstudio.com/docs/copilot/reference/mcp-configuration */
export const vsCode = kept({
  name: "vscode",
  title: "VS Code",
  program: "code",
  folder: codeFolder,
  file: (machine) => join(codeFolder(machine), "mcp.json"),
  servers: "servers",
  entry: ({ command, args }) => ({ type: "stdio", command, args: [...args] }),
  note: "asks before the first call: choose there to allow all tools of this server",
});
