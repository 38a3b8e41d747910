import { isObject } from "../contract/json.ts";
import type { ProjectFolder } from "./project-folder.ts";

type Sign = readonly [name: string, files: readonly (string | RegExp)[]];

const stacks: readonly Sign[] = [
  ["TypeScript", ["tsconfig.json"]],
  ["Node.js", ["package.json"]],
  ["Python", ["pyproject.toml", "requirements.txt", "setup.py"]],
  ["Rust", ["Cargo.toml"]],
  ["Go", ["go.mod"]],
  ["Java", ["pom.xml", "build.gradle", "build.gradle.kts"]],
  [".NET", [/\.(?:sln|csproj|fsproj)$/]],
  ["Ruby", ["Gemfile"]],
  ["PHP", ["composer.json"]],
  ["Elixir", ["mix.exs"]],
  ["Swift", ["Package.swift"]],
  ["Docker", ["Dockerfile", "Containerfile"]],
  ["Docker Compose", ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"]],
  ["Terraform", [/\.tf$/]],
  ["AWS CDK", ["cdk.json"]],
];

const databases: readonly Sign[] = [
  ["Prisma", ["prisma", "schema.prisma"]],
  ["Drizzle", ["drizzle.config.ts", "drizzle.config.js"]],
  ["Alembic", ["alembic", "alembic.ini"]],
  ["Flyway", ["flyway.conf", "flyway.toml"]],
  ["SQLite", [/\.(?:sqlite3?|db)$/]],
  ["migrations", ["migrations"]],
];

/** Packages by which a database is known that a project talks to. */
const drivers: readonly (readonly [name: string, packages: RegExp])[] = [
  ["PostgreSQL", /^(?:pg|postgres|psycopg2?|psycopg2-binary|asyncpg)$/],
  ["MySQL", /^(?:mysql2?|pymysql|mysqlclient)$/],
  ["MongoDB", /^(?:mongodb|mongoose|pymongo|motor)$/],
  ["Redis", /^(?:redis|ioredis)$/],
  ["SQLite", /^(?:better-sqlite3|sqlite3)$/],
  ["DynamoDB", /^@aws-sdk\/(?:client|lib)-dynamodb$/],
];

/** Files that name MCP servers, each with the field that has them by name. */
const mcpFiles = [
  [".mcp.json", "mcpServers"],
  [".claude/settings.json", "mcpServers"],
  [".claude/settings.local.json", "mcpServers"],
  [".gemini/settings.json", "mcpServers"],
  [".cursor/mcp.json", "mcpServers"],
  [".vscode/mcp.json", "servers"],
  ["opencode.json", "mcp"],
] as const;

const MAX_BYTES = 256 * 1024;
const MAX_SERVERS = 50;

/** What a project is built with, by the files in its folder. */
export const detectStacks = ({ names }: ProjectFolder): string[] => signsIn(names, stacks);

/** The databases that it has or talks to. */
export async function detectDatabases(folder: ProjectFolder): Promise<string[]> {
  const packages = await packagesOf(folder);
  const used = drivers.filter(([, known]) => packages.some((name) => known.test(name))).map(([name]) => name);
  return [...new Set([...signsIn(folder.names, databases), ...used])];
}

/** The names of the MCP servers that its files configure; never what they are given, which may be secret. */
export async function detectMcpServers(folder: ProjectFolder): Promise<string[]> {
  const found = new Set<string>();
  for (const [file, field] of mcpFiles) {
    const servers = memberOf(await readJson(folder, file), field);
    for (const name of isObject(servers) ? Object.keys(servers) : []) found.add(plain(name));
  }
  return [...found].filter((name) => name !== "").slice(0, MAX_SERVERS);
}

/** A file of JSON in the folder; undefined where it cannot be read as such. */
export async function readJson(folder: ProjectFolder, name: string): Promise<unknown> {
  const file = await folder.read(name, MAX_BYTES);
  if (!file?.isWhole) return undefined;
  try {
    return JSON.parse(file.text);
  } catch {
    return undefined;
  }
}

/** Text of a file as a name of ours: in one line, and not long. */
const plain = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, " ")
    .trim()
    .slice(0, 100);

const signsIn = (names: ReadonlySet<string>, signs: readonly Sign[]): string[] =>
  signs
    .filter(([, files]) => files.some((file) => (typeof file === "string" ? names.has(file) : some(names, file))))
    .map(([name]) => name);

const some = (names: ReadonlySet<string>, pattern: RegExp): boolean => [...names].some((name) => pattern.test(name));

async function packagesOf(folder: ProjectFolder): Promise<string[]> {
  const manifest = await readJson(folder, "package.json");
  const listed = ["dependencies", "devDependencies"].flatMap((part) => {
    const packages = memberOf(manifest, part);
    return isObject(packages) ? Object.keys(packages) : [];
  });
  const required = (await folder.read("requirements.txt", MAX_BYTES))?.text ?? "";
  const project = (await folder.read("pyproject.toml", MAX_BYTES))?.text ?? "";
  const named = [...required.matchAll(/^[ \t]*([\w.-]+)/gm), ...project.matchAll(/["']([\w.-]+)[^"'\n]{0,100}["']/g)];
  return [...listed, ...named.map(([, name = ""]) => name.toLowerCase())];
}

const memberOf = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
