import { posix } from "node:path";

/** A part of the tree: who it is, and what it may import. */
type Rule = { part: RegExp; may: readonly (string | RegExp)[] };

const NODE = /^node:/;
const CONTRACT = /^lib\/contract\//;
const CONFIG = /^lib\/config\//;
const ENGINE = /^lib\/engine\//;
/** Ports, and what stands beside one for all who implement it; an implementation is a folder below. */
const PORTS = /^lib\/(store|artifacts|workflow|backends)\/(?!in-process|step-functions)[^/]+\.ts$/;
/** What an adapter says of itself, as data. */
const DESCRIPTIONS = /^lib\/backends\/[^/]+\/(description|cloud-defaults)\.ts$/;
const AWS = /^lib\/aws\//;
const SDK = [/^@aws-sdk\//, /^@smithy\//];

/** The first rule whose `part` fits a file holds for it. Packages are strings, with all their subpaths. */
const rules: readonly Rule[] = [
  { part: /^test\//, may: [/./] },
  // What answers are checked by, wherever they are checked
  { part: /^lib\/contract\/replies\/json-answer\.ts$/, may: [CONTRACT, "node:vm", "@cfworker/json-schema"] },
  { part: CONTRACT, may: [CONTRACT, "zod"] },
  { part: PORTS, may: [CONTRACT, PORTS, "zod"] },
  {
    part: CONFIG,
    may: [CONTRACT, CONFIG, /^lib\/backends\/(adapter|description)\.ts$/, NODE, "zod", "leven", "jsonc-parser"],
  },
  {
    part: /^lib\/agents\//,
    may: [CONTRACT, CONFIG, /^lib\/agents\//, /^lib\/engine\/service(\.ts|\/arguments\.ts)$/, NODE],
  },
  { part: ENGINE, may: [CONTRACT, CONFIG, ENGINE, PORTS, "zod"] },
  { part: /^lib\/store\/sqlite\//, may: [CONTRACT, PORTS, /^lib\/store\/sqlite\//, NODE, "zod"] },
  { part: /^lib\/store\/dynamodb\//, may: [CONTRACT, PORTS, AWS, /^lib\/store\/dynamodb\//, NODE, ...SDK, "zod"] },
  { part: /^lib\/artifacts\/files\//, may: [CONTRACT, PORTS, /^lib\/artifacts\/files\//, NODE, "zod"] },
  { part: /^lib\/artifacts\/s3\//, may: [CONTRACT, PORTS, AWS, /^lib\/artifacts\/s3\//, NODE, ...SDK, "zod"] },
  {
    part: /^lib\/workflow\/in-process/,
    may: [CONTRACT, PORTS, NODE, /^lib\/workflow\/dispatch\.asl\.json$/, "aws-local-stepfunctions"],
  },
  { part: /^lib\/workflow\/step-functions/, may: [CONTRACT, PORTS, AWS, /^lib\/workflow\/step-functions/, ...SDK] },
  {
    part: /^lib\/backends\/local-process\//,
    // How a worker marks the processes of a session is known to whoever has to end them when it died.
    may: [CONTRACT, PORTS, /^lib\/backends\/local-process\//, /^worker\/processes\//, NODE, "zod"],
  },
  {
    part: /^lib\/backends\/agentcore\//,
    may: [
      CONTRACT,
      PORTS,
      AWS,
      /^lib\/backends\/agentcore\//,
      NODE,
      ...SDK,
      "@modelcontextprotocol/client",
      "eventsource-parser",
      "zod",
    ],
  },
  { part: /^lib\/aws\/observe\//, may: [CONTRACT, AWS, NODE, /^@aws-lambda-powertools\//] },
  { part: AWS, may: [CONTRACT, AWS, NODE, ...SDK, "zod"] },
  { part: /^lib\/mcp\/tools\//, may: [/^lib\/mcp\/tool\.ts$/, /^lib\/mcp\/tools\//] },
  {
    part: /^lib\/mcp\//,
    // Of everything behind the door, the type of what is handed in.
    may: [
      CONTRACT,
      /^lib\/(engine|agents)\/service\.ts$/,
      /^lib\/mcp\//,
      "package.json",
      "zod",
      "@modelcontextprotocol/server",
    ],
  },
  { part: /^lib\/system\/(local|reading|aws)\.ts$/, may: [/^lib\//, NODE, "zod"] },
  {
    part: /^lib\/system\//,
    may: [
      CONTRACT,
      CONFIG,
      ENGINE,
      PORTS,
      /^lib\/system\/local\//,
      /^lib\/mcp\/server\.ts$/,
      /^worker\/broken-requests\.ts$/,
      NODE,
      "zod",
      "hono",
      "@hono/node-server",
      "@modelcontextprotocol/server",
    ],
  },
  {
    part: /^lib\/client\/cli\/(?:assistants|init|commands|adapters)/,
    // Configuration files, and those of assistants, are read and written here.
    may: [
      CONTRACT,
      CONFIG,
      DESCRIPTIONS,
      /^lib\/backends\/description\.ts$/,
      /^lib\/client\//,
      NODE,
      "package.json",
      "@clack/prompts",
      "smol-toml",
    ],
  },
  {
    part: /^lib\/client\/http\//,
    may: [CONTRACT, /^lib\/client\/http\//, NODE, ...SDK, "package.json", "eventsource-parser"],
  },
  {
    part: /^lib\/client\/bridge\//,
    // It starts with every session of a client: no schemas, no SDK.
    may: [CONTRACT, /^lib\/client\/(bridge|http|local)\//, NODE, "package.json", "eventsource-parser"],
  },
  {
    part: /^lib\/client\//,
    may: [
      CONTRACT,
      CONFIG,
      /^lib\/client\//,
      NODE,
      "package.json",
      "@modelcontextprotocol/client",
      "cli-table3",
      "commander",
      "yaml",
      "yocto-spinner",
      "zod",
    ],
  },
  {
    part: /^lib\/infra\//,
    may: [
      CONTRACT,
      CONFIG,
      /^lib\/infra\//,
      DESCRIPTIONS,
      /^lib\/store\/dynamodb\/table\.ts$/,
      NODE,
      "aws-cdk-lib",
      "constructs",
      "esbuild",
    ],
  },
  {
    part: /^lib\/package\//,
    may: [
      /^lib\/package\//,
      /^lib\/infra\/(bundle-plugins|worker-image)\.ts$/,
      NODE,
      "esbuild",
      "rolldown",
      "rolldown-plugin-dts",
    ],
  },
  {
    part: /^lambdas\/[^/]+\/handler\.ts$/,
    may: [
      CONTRACT,
      CONFIG,
      ENGINE,
      /^lambdas\//,
      AWS,
      /^lib\/(mcp\/|agents\/deployed\.ts$|system\/aws\.ts$)/,
      "package.json",
    ],
  },
  { part: /^lambdas\//, may: [CONTRACT, ENGINE, PORTS, NODE, "zod"] },
  {
    // The process that an agent on Strands runs in; what the worker itself knows of it loads none of this.
    part: /^worker\/frameworks\/strands\/(?!(strands|request|said)\.ts$)/,
    may: [
      CONTRACT,
      /^worker\/frameworks\/strands\/(?!strands\.ts$)/,
      /^worker\/(parse|version)\.ts$/,
      NODE,
      "zod",
      "@strands-agents/sdk",
      "@modelcontextprotocol/sdk",
      "bedrock-agentcore",
    ],
  },
  { part: /^worker\/protocols\/a2a/, may: [CONTRACT, /^worker\//, NODE, "@a2a-js/sdk", "zod"] },
  { part: /^worker\/protocols\/ag-ui/, may: [CONTRACT, /^worker\//, NODE, "@ag-ui/core", "@ag-ui/encoder", "zod"] },
  { part: /^worker\/protocols\/mcp\.ts$/, may: [CONTRACT, /^worker\//, NODE, "@modelcontextprotocol/server", "zod"] },
  {
    part: /^worker\//,
    may: [CONTRACT, /^worker\//, NODE, "package.json", "zod", "shlex", "@cfworker/json-schema", "jsonc-parser"],
  },
  { part: /^bin\//, may: [/^lib\//, /^bin\//, /^worker\//, NODE, /^[@a-z][^.]*$/] },
  { part: /^[^/]+\.config\.ts$/, may: [NODE, "vitest"] },
];

/** Only these choose implementations: they import a module of an implementation's folder from outside of it. */
const choosers = /^(bin\/|lambdas\/[^/]+\/handler\.ts$|worker\/main\.ts$|lib\/system\/(local|reading|aws)\.ts$|test\/)/;
/** The description of the table is data, as that of an adapter is. */
const implementations =
  /^lib\/(store\/(?:sqlite|dynamodb(?!\/table\.ts))|artifacts\/(?:files|s3)|workflow\/(?:in-process|step-functions)|backends\/[^/]+(?=\/)(?!\/(?:description|cloud-defaults)\.ts))/;

/** Only these open a database: the store, what locks a file, and what moves a session of opencode, which keeps them in one. */
const databases =
  /^(lib\/(store\/sqlite\/|system\/local\/lock\.ts$)|worker\/frameworks\/programs\/opencode\/database\.ts$)/;

/** What a file imports, loads or points at: repository paths, and package names with their subpaths. Types count as well. */
export function importsOf(file: string, source: string): string[] {
  const patterns = [
    /^[ \t]*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
    /^[ \t]*import\s*["']([^"']+)["']/gm,
    /\bimport\s*\(\s*["'`]([^"'`]+)["'`]/g,
    /\brequire\s*\(\s*["'`]([^"'`]+)["'`]/g,
    /\bimport\.meta\.resolve\s*\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  const specifiers = patterns.flatMap((pattern) => [...source.matchAll(pattern)].map((match) => match[1] ?? ""));
  return specifiers.map((name) => (name.startsWith(".") ? posix.join(posix.dirname(file), name) : name));
}

/** Every way in which a file breaks the rules, as one line each. */
export function violationsOf(file: string, source: string): string[] {
  const rule = rules.find(({ part }) => part.test(file));
  if (!rule) return [`${file} belongs to no part of the tree`];
  const found: string[] = [];
  for (const target of importsOf(file, source)) {
    const allowed = rule.may.some((may) =>
      typeof may === "string" ? target === may || target.startsWith(`${may}/`) : may.test(target),
    );
    if (!allowed) found.push(`${file} must not import ${target}`);
    if (target.startsWith("test/") && !file.startsWith("test/")) found.push(`${file} must not import ${target}`);
    const owner = implementations.exec(target)?.[0];
    if (owner && !file.startsWith(owner) && !choosers.test(file))
      found.push(`${file} must not choose an implementation: ${target}`);
  }
  if (
    file.startsWith("lib/mcp/") &&
    /^(?:import|export) (?!type\b)[^;]*\/(?:engine|agents)\/|\bimport\s*\([^)]*\/(?:engine|agents)\//m.test(source)
  )
    found.push(`${file} must take what it serves from whoever wires it`);
  if (!file.startsWith("test/")) {
    if (importsOf(file, source).includes("node:sqlite") && !databases.test(file))
      found.push(`${file} must not open a database`);
    if (/\bimport\s*\(\s*[^"'`\s]/.test(source)) found.push(`${file} must not import what only a variable names`);
    if (file !== "lib/contract/execution-environment.ts" && /["'`]AGENTDISPATCH_/.test(withoutComments(source)))
      found.push(`${file} must take names of environment variables from lib/contract/execution-environment.ts`);
  }
  return [...new Set(found)];
}

/** Without the lines that are comments, which may name what code may not. */
const withoutComments = (source: string): string => source.replaceAll(/^\s*(?:\/\*\*|\*|\/\/).*$/gm, "");

/** Files that import each other, directly or by way of others: each circle as one sorted list. Types count. */
export function circlesOf(files: Readonly<Record<string, string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  // Tarjan's algorithm, https://doi.org/10.1137/0201010
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file) as number);
    stack.push(file);
    for (const target of importsOf(file, files[file] ?? "")) {
      if (files[target] === undefined) continue;
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(file, Math.min(low.get(file) as number, low.get(target) as number));
    }
    if (low.get(file) !== index.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) circles.push(circle.sort());
  };
  for (const file of Object.keys(files)) if (!index.has(file)) visit(file);
  return circles;
}
