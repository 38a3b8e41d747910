import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { isObject, type JsonObject } from "../../../contract/json.ts";
import { type Assistant, CALL_TIMEOUT_MS, type Machine, SERVER_NAME, type Step } from "./assistant.ts";
import { addressMembers, asRegistration, at, homeOf, jsonStep, readAt } from "./settings-file.ts";
import { masked } from "./shown.ts";

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
      ...(isObject(there) && omit(there, addressMembers)),
      type: "stdio",
      command: server.command,
      args: [...server.args],
      timeout: CALL_TIMEOUT_MS,
    };
    const scope = ["--scope", "user", SERVER_NAME];
    const commands: Step[] = [];
    if (!isDeepStrictEqual(there, entry)) {
      const words = ["claude", "mcp", "remove", ...scope] as const;
      if (there !== undefined) commands.push({ kind: "command", words, shown: words });
      const add = (value: unknown) => ["claude", "mcp", "add-json", ...scope, JSON.stringify(value)] as const;
      // It has no command that replaces.
      const otherwise = there === undefined ? {} : { otherwise: add(there) };
      if (entry) commands.push({ kind: "command", words: add(entry), shown: add(masked(entry, [])), ...otherwise });
    }
    return [...commands, ...permissionStep(machine, server !== undefined && approve)];
  },
  find: (machine) => asRegistration(serversFile(machine), readAt(serversFile(machine), ["mcpServers", SERVER_NAME])),
};

/** Without the rule, a session that nobody watches is refused every call. Of the list nothing but the rule is touched. */
function permissionStep(machine: Machine, isAllowed: boolean): Step[] {
  return jsonStep(join(folder(machine), "settings.json"), (settings) => {
    const path = ["permissions", "allow"];
    const said = at(settings, path);
    const rules: unknown[] = Array.isArray(said) ? said : [];
    if (rules.includes(RULE) === isAllowed) return [];
    if (isAllowed) return [{ path: [...path, rules.length], value: RULE }];
    // From the end, because each moves those behind it.
    return rules.flatMap((rule, i) => (rule === RULE ? [{ path: [...path, i], value: undefined }] : [])).reverse();
  });
}

const omit = (value: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
