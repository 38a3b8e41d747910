import { posix } from "node:path";

/** A part of the tree: who it is, and what it may import. */
type Rule = { part: RegExp; may: readonly (string | RegExp)[] };

const DOMAIN = /^lib\/domain\//;
const NODE = /^node:/;

const LOCAL = [
  DOMAIN,
  /^lib\/local\//,
  /^lambdas\/mcp\/server\.ts$/,
  /^lambdas\/workflow\//,
  /^worker\/(processes|process-mark|broken-requests)\.ts$/,
  NODE,
  "zod",
  "aws-local-stepfunctions",
  "@modelcontextprotocol/server",
  "hono",
  "@hono/node-server",
];

/** The first rule whose `part` fits a file holds for it. Packages are strings, with all their subpaths. */
const rules: readonly Rule[] = [
  { part: /^test\//, may: [/./] },
  { part: DOMAIN, may: [DOMAIN, "zod", "leven"] },
  { part: /^lambdas\/[^/]+\/handler\.ts$/, may: [DOMAIN, /^lambdas\//, /^lib\/aws\//, "package.json"] },
  { part: /^lambdas\/mcp\/tools\//, may: [DOMAIN, /^lambdas\/mcp\/tools\//, "zod"] },
  { part: /^lambdas\/workflow\/steps\//, may: [DOMAIN, /^lambdas\/workflow\/steps\//, "zod"] },
  { part: /^lambdas\/mcp\/lambda-http\.ts$/, may: [DOMAIN, NODE, "zod"] },
  { part: /^lambdas\/mcp\//, may: [DOMAIN, /^lambdas\/mcp\//, "package.json", "zod", "@modelcontextprotocol/server"] },
  { part: /^lambdas\//, may: [DOMAIN, /^lambdas\/workflow\/steps\//, "zod"] },
  { part: /^worker\//, may: [DOMAIN, /^worker\//, NODE, "package.json", "zod", "shlex"] },
  {
    part: /^lib\/client\//,
    may: [
      DOMAIN,
      /^lib\/client\//,
      NODE,
      "package.json",
      "@modelcontextprotocol/client",
      "commander",
      "yocto-spinner",
      "zod",
    ],
  },
  { part: /^lib\/local\/system\.ts$/, may: [...LOCAL, /^lib\/aws\/(task-store|create-table|backend)\.ts$/] },
  { part: /^lib\/local\//, may: LOCAL },
  {
    part: /^lib\/aws\//,
    may: [
      DOMAIN,
      /^lib\/aws\//,
      NODE,
      /^@aws-sdk\//,
      /^@smithy\//,
      "@modelcontextprotocol/client",
      "eventsource-parser",
      "zod",
    ],
  },
  {
    part: /^lib\/infra\//,
    may: [
      DOMAIN,
      /^lib\/infra\//,
      /^lib\/aws\/(table|config-defaults)\.ts$/,
      /^lib\/local\/config-file\.ts$/,
      NODE,
      "aws-cdk-lib",
      "constructs",
      "esbuild",
    ],
  },
  { part: /^bin\//, may: [/^lib\//, /^bin\//, /^worker\//, NODE, /^[@a-z][^.]*$/] },
  { part: /^[^/]+\.config\.ts$/, may: [NODE, "vitest"] },
];

/** Only these choose implementations: they import a module of lib/local or lib/aws from outside its folder. */
const choosers = /^(bin\/|lambdas\/[^/]+\/handler\.ts$|worker\/main\.ts$|lib\/local\/system\.ts$|test\/)/;
/** The description of the table is data, and so is a configuration. */
const implementations = /^lib\/(local|aws)\/(?!(?:table|config-[a-z]+)\.ts$)/;

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
  if (!file.startsWith("test/")) {
    if (/\bimport\s*\(\s*[^"'`\s]/.test(source)) found.push(`${file} must not import what only a variable names`);
    if (file !== "lib/domain/settings.ts" && /["'`]AGENTDISPATCH_/.test(withoutComments(source)))
      found.push(`${file} must take names of environment variables from lib/domain/settings.ts`);
  }
  return [...new Set(found)];
}

/** Without the lines that are comments, which may name what code may not. */
const withoutComments = (source: string): string => source.replaceAll(/^\s*(?:\/\*\*|\*|\/\/).*$/gm, "");
