import { basename } from "node:path";
import { isObject } from "../contract/json.ts";
import { detectDatabases, detectMcpServers, detectStacks, readJson } from "./detect.ts";
import { openProject, type ProjectFolder } from "./project-folder.ts";

const MAX_BYTES = 8 * 1024;
const MAX_LENGTH = 400;

/** What a project says of itself. */
export async function readProject(path: string) {
  const folder = await openProject(path);
  const stacks = detectStacks(folder);
  const mcpServers = await detectMcpServers(folder);
  const description = await describe(path, folder, { stacks, mcpServers });
  return { description, stacks, databases: await detectDatabases(folder), mcpServers };
}

type Found = { stacks: string[]; mcpServers: string[] };

/**
 * What an agent is for, in a line: the first of CLAUDE.md or AGENTS.md, else of the README, with the description of its
 * package and the MCP servers that it has.
 */
async function describe(path: string, folder: ProjectFolder, { stacks, mcpServers: servers }: Found): Promise<string> {
  const said = await firstSaid(folder, ["CLAUDE.md", "AGENTS.md", "README.md", "README.rst", "README"]);
  const packaged = await packageDescription(folder);
  const parts = [
    said,
    packaged !== undefined && !said?.includes(packaged) ? packaged : undefined,
    servers.length > 0 ? `MCP: ${servers.join(", ")}` : undefined,
  ].filter((part) => part !== undefined);
  if (parts.length > 0) return clip(parts.join(" | "));
  return clip(`${stacks.length > 0 ? `${stacks.join(", ")} project` : "Project"} in ${basename(path)}`);
}

async function firstSaid(folder: ProjectFolder, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const said = firstProse((await folder.read(name, MAX_BYTES))?.text ?? "");
    if (said !== undefined) return said;
  }
  return undefined;
}

/**
 * The first paragraph of a Markdown text that says something: no heading, list, image, quote, import or code.
 * @example firstProse("# Api\n\n![ci](x)\n\nServes the *orders*.\nFast.\n") // "Serves the orders. Fast."
 */
function firstProse(markdown: string): string | undefined {
  const text = markdown
    .replace(/^\uFEFF?---\r?\n[\s\S]*?\n---\r?\n/, "")
    .replaceAll(/<!--[\s\S]*?(?:-->|$)/g, "")
    .replaceAll(/^(```|~~~)[\s\S]*?(?:^\1|$(?![\s\S]))/gm, "");
  for (const paragraph of text.split(/\r?\n[ \t]*\r?\n/)) {
    const lines = paragraph.split(/\r?\n/).map((line) => line.trim());
    const isTitle = (i: number) => /^[=-]{3,}$/.test(lines[i + 1] ?? "");
    const words = bare(lines.filter((line, i) => !noProse.test(line) && !isTitle(i)).join(" "));
    if (words.length >= 12 && words.includes(" ")) return words;
  }
  return undefined;
}

const noProse = /^(?:#|!\[|\[!|\[.*\]:|>|<|\||@|[-*+] |\d+[.)] |[=~*_-]{3,}$)/;

/** Without marks of Markdown and whatever moves a cursor. */
const bare = (text: string): string =>
  text
    .replaceAll(/\[([^\]\n]*)\]\([^)\n]*\)/g, "$1")
    .replaceAll(/[`*]|__/g, "")
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, " ")
    .replaceAll(/\s+/g, " ")
    .trim();

async function packageDescription(folder: ProjectFolder): Promise<string | undefined> {
  const manifest = await readJson(folder, "package.json");
  const said = isObject(manifest) ? manifest.description : undefined;
  const texts = [said, await tomlDescription(folder, "pyproject.toml"), await tomlDescription(folder, "Cargo.toml")];
  const found = texts.find((text): text is string => typeof text === "string" && bare(text) !== "");
  return found === undefined ? undefined : bare(found);
}

const tomlDescription = async (folder: ProjectFolder, name: string): Promise<string | undefined> =>
  /^description[ \t]*=[ \t]*(["'])(.{1,1000}?)\1[ \t]*(?:#.*)?$/m.exec(
    (await folder.read(name, MAX_BYTES))?.text ?? "",
  )?.[2];

const clip = (text: string): string =>
  text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1).trimEnd()}…` : text;
