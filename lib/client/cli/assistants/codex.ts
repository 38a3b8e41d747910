import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "smol-toml";
import { ConfigurationError } from "../../../config/locate.ts";
import { isObject, type JsonObject } from "../../../contract/json.ts";
import {
  type Assistant,
  CALL_TIMEOUT_MS,
  type Machine,
  SERVER_NAME,
  type Server,
  START_TIMEOUT_MS,
} from "./assistant.ts";
import { passedNames } from "./passed-names.ts";
import { asRegistration, homeOf, textOf } from "./settings-file.ts";
import { masked } from "./shown.ts";

const SERVERS = "mcp_servers";
const folder = (machine: Machine): string => machine.env.CODEX_HOME || join(homeOf(machine), ".codex");
const fileOf = (machine: Machine): string => join(folder(machine), "config.toml");

/**
 * Codex, in its file: its `mcp add` takes neither the approval, without which a session that nobody watches is refused every
 * call, nor times. https://developers.openai.com/codex/mcp
 */
export const codex: Assistant = {
  name: "codex",
  title: "Codex",
  program: "codex",
  folder,
  plan(machine, { server, approve }) {
    const file = fileOf(machine);
    const before = textOf(file);
    const said = settingsIn(file, before);
    const there = serverIn(said);
    const table = server && tableOf(server, isObject(there) ? there : {}, passedNames(machine.env), approve);
    if (isDeepStrictEqual(there, table)) return [];
    const after = withTable(before, table);
    if (!saysBesides(after, said, table))
      // What is written in another form than in tables of its own is not found by its lines.
      throw new ConfigurationError(file, [
        {
          path: `${SERVERS}.${SERVER_NAME}`,
          message: `take it away by hand, or with \`codex mcp remove ${SERVER_NAME}\``,
        },
      ]);
    return [{ kind: "file", file, after, gone: shownTable(there), come: shownTable(table) }];
  },
  find: (machine) => {
    const file = fileOf(machine);
    return asRegistration(file, serverIn(settingsIn(file, textOf(file))));
  },
};

const byAddress = /^(?:url|bearer_token_env_var|(?:env_)?http_headers)$/;

/** Our table, with what a person has added to the one that is there. */
function tableOf(server: Server, there: JsonObject, names: readonly string[], approve: boolean): JsonObject {
  const { env_vars: passed, default_tools_approval_mode: mode, ...others } = there;
  const all = [...new Set([...(Array.isArray(passed) ? passed : []), ...names])];
  const approval = approve ? "approve" : mode === "approve" ? undefined : mode;
  return {
    ...Object.fromEntries(Object.entries(others).filter(([name]) => !byAddress.test(name))),
    command: server.command,
    args: [...server.args],
    // It hands what it starts hardly any of its own environment.
    ...(all.length > 0 && { env_vars: all }),
    startup_timeout_sec: START_TIMEOUT_MS / 1000,
    tool_timeout_sec: CALL_TIMEOUT_MS / 1000,
    ...(approval !== undefined && { default_tools_approval_mode: approval }),
  };
}

const shownTable = (table: unknown): string[] =>
  table === undefined
    ? []
    : stringify({ [SERVERS]: { [SERVER_NAME]: masked(table, []) } })
        .trimEnd()
        .split("\n");

/** Of plain objects, which compare as such. */
const read = (text: string): JsonObject => JSON.parse(JSON.stringify(parse(text)));

function settingsIn(file: string, text: string): JsonObject {
  try {
    return read(text);
  } catch (error) {
    // Of its message the first line alone: the others quote the file.
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "";
    throw new ConfigurationError(file, [{ path: "", message }], error);
  }
}

const serversOf = ({ [SERVERS]: servers }: JsonObject): JsonObject => (isObject(servers) ? servers : {});
const serverIn = (settings: JsonObject): unknown => serversOf(settings)[SERVER_NAME];

/** Whether a text has our table and, of all else, what was there. */
function saysBesides(text: string, said: JsonObject, table: JsonObject | undefined): boolean {
  const without = (settings: JsonObject) => {
    const { [SERVER_NAME]: _, ...servers } = serversOf(settings);
    return { ...settings, [SERVERS]: servers };
  };
  try {
    const now = read(text);
    return isDeepStrictEqual(serverIn(now), table) && isDeepStrictEqual(without(now), without(said));
  } catch {
    return false;
  }
}

const header = /^\s*\[/;
const ours = new RegExp(`^\\s*\\[\\s*${SERVERS}\\s*\\.\\s*["']?${SERVER_NAME}["']?\\s*[\\].]`);
const empty = /^\s*(?:#.*)?\s*$/;

/** What a line gives a value to, or begins; undefined for one that does neither. */
const keyOf = (line: string): string | undefined => /^\s*(\[[^\]]*\]|[\w-]+(?=\s*=))/.exec(line)?.[1];

/** Each line with the comments of a person that stood above it in the old ones, and behind it where it says the same. */
function withComments(lines: readonly string[], old: readonly string[]): string[] {
  const told = new Map<string, { line: string; above: string[] }>();
  let above: string[] = [];
  for (const { line, key } of keyed(old)) {
    if (/^\s*#/.test(line)) above.push(line);
    if (key === undefined) continue;
    told.set(key, { line, above });
    above = [];
  }
  const result = keyed(lines).flatMap(({ line, key = "" }) => {
    const before = told.get(key);
    told.delete(key);
    return before ? [...before.above, saysTheSame(before.line, line) ? before.line : line] : [line];
  });
  return [...result, ...[...told.values()].flatMap((gone) => gone.above)];
}

/** Lines by what they are about, in the table that they stand in. */
function keyed(lines: readonly string[]): { line: string; key: string | undefined }[] {
  let table = "";
  return lines.map((line) => {
    const key = keyOf(line);
    if (key?.startsWith("[")) table = key;
    return { line, key: key === undefined || key === table ? key : `${table} ${key}` };
  });
}

function saysTheSame(one: string, other: string): boolean {
  try {
    return isDeepStrictEqual(read(one), read(other));
  } catch {
    return false;
  }
}

/** The text without our tables, and with that one behind the others. All other lines stay as they are. */
function withTable(text: string, table: Record<string, unknown> | undefined): string {
  const kept: string[] = [];
  const old: string[] = [];
  // What stands between our last line and the next table belongs to that one.
  let between: string[] | undefined;
  for (const line of text.split(/(?<=\n)/)) {
    if (header.test(line)) {
      // One empty line stays of those above and below ours.
      const isDoubled = between?.[0]?.trim() === "" && kept.at(-1)?.trim() === "";
      kept.push(...(between ?? []).slice(isDoubled ? 1 : 0));
      between = ours.test(line) ? [] : undefined;
    }
    if (!between) kept.push(line);
    else if (empty.test(line)) between.push(line);
    else {
      old.push(...between.splice(0), line);
    }
  }
  const rest = [...kept, ...(between ?? [])].join("").replace(/\n+$/, "\n");
  if (!table) return rest;
  const gap = rest.trim() === "" ? "" : rest.endsWith("\n") ? "\n" : "\n\n";
  const lines = stringify({ [SERVERS]: { [SERVER_NAME]: table } })
    .trimEnd()
    .split("\n");
  const said = withComments(
    lines,
    old.map((line) => line.trimEnd()),
  );
  return `${rest}${gap}${said.join("\n")}\n`;
}
