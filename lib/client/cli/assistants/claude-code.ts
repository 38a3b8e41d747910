import { join } from "node:path";
import { isObject } from "../../../contract/json.ts";
import { type Assistant, CALL_TIMEOUT_MS, type Machine, SERVER_NAME, type Step } from "./assistant.ts";
import { asRegistration, homeOf, jsonStep, readAt } from "./settings-file.ts";

const folder = (machine: Machine): string => machine.env.CLAUDE_CONFIG_DIR || join(homeOf(machine), ".claude");
const serversFile = (machine: Machine): string =>
  join(machine.env.CLAUDE_CONFIG_DIR || homeOf(machine), ".claude.json");
/** All tools of our server. https://code.claude.com/docs/en/permissions */
const RULE = `mcp__${SERVER_NAME}`;

/**
 * Claude Code writes the file with its servers itself, all the time: so they are changed by its own command. What it may do
 * unasked is in a file that people write. https://code.claude.com/docs/en/mcp
 */
export const claudeCode: Assistant = {
  name: "claude-code",
  title: "Claude Code",
  program: "claude",
  folder,
  plan(machine, { server, approve }) {
    const there = readAt(serversFile(machine), ["mcpServers", SERVER_NAME]);
    const entry = server && {
      type: "stdio",
      command: server.command,
      args: [...server.args],
      timeout: CALL_TIMEOUT_MS,
    };
    const scope = ["--scope", "user", SERVER_NAME];
    const isSame = JSON.stringify(there) === JSON.stringify(entry);
    const commands: Step[] = [];
    if (there !== undefined && !isSame)
      commands.push({ kind: "command", words: ["claude", "mcp", "remove", ...scope] });
    if (entry && !isSame)
      commands.push({ kind: "command", words: ["claude", "mcp", "add-json", ...scope, JSON.stringify(entry)] });
    return [...commands, ...permissionStep(machine, server !== undefined && approve)];
  },
  find: (machine) => asRegistration(serversFile(machine), readAt(serversFile(machine), ["mcpServers", SERVER_NAME])),
};

/** Without the rule, a session that nobody watches is refused every call. */
function permissionStep(machine: Machine, isAllowed: boolean): Step[] {
  return jsonStep(join(folder(machine), "settings.json"), ({ permissions }) => {
    const said = isObject(permissions) ? permissions.allow : undefined;
    const rules = Array.isArray(said) ? said : [];
    if (rules.includes(RULE) === isAllowed) return [];
    const others = rules.filter((rule) => rule !== RULE);
    return [
      { path: ["permissions", "allow"], value: isAllowed ? [...others, RULE] : others.length > 0 ? others : undefined },
    ];
  });
}
