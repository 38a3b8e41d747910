import { environmentVariables } from "./execution-environment.ts";
import { parseJsonObject } from "./json.ts";

/** What is known of a framework of ours before it is used. */
export type BuiltIn = {
  /** As people call it. */
  readonly title: string;
  /** The program that it starts, as it is named on the PATH; without one it is a part of the worker. */
  readonly program?: string;
  /** The oldest version that was seen to take our options, and to let an untrusted folder steer nothing. */
  readonly minVersion?: string;
  /** Commands that a person can type. */
  readonly install?: string;
  readonly update?: string;
  readonly login?: string;
  /**
   * Variables that only this framework gets, by name or `PREFIX_*`: the credentials and the endpoint of its models, and where it
   * keeps what is its own.
   */
  readonly environment: readonly string[];
  /** More of them where a variable is set, or a model is named, that chooses another provider. */
  readonly environmentIf?: readonly EnvironmentIf[];
};
type EnvironmentIf = { readonly variable?: string; readonly model?: string; readonly names: readonly string[] };

const network = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
const anyNetwork = [...network, "SSL_CERT_FILE", "SSL_CERT_DIR"];
const amazon = ["AWS_*"];
const google = ["GOOGLE_*", "CLOUD_ML_REGION"];

/** The frameworks that we have a file for, in the order in which a machine's default is chosen among those installed. */
export const builtInFrameworks = {
  "claude-code": {
    title: "Claude Code",
    program: "claude",
    minVersion: "2.1.260",
    install: "npm install -g @anthropic-ai/claude-code",
    update: "claude update",
    login: "claude auth login",
    environment: [
      ...anyNetwork,
      "ANTHROPIC_*",
      "CLAUDE_CODE_OAUTH_TOKEN",
      "CLAUDE_CONFIG_DIR",
      "CLAUDE_CODE_USE_*",
      "CLAUDE_CODE_SKIP_*",
      "CLAUDE_CODE_MAX_*",
      "API_TIMEOUT_MS",
    ],
    environmentIf: [
      { variable: "CLAUDE_CODE_USE_BEDROCK", names: amazon },
      { variable: "CLAUDE_CODE_USE_VERTEX", names: [...google, "VERTEX_REGION_*"] },
    ],
  },
  codex: {
    title: "Codex",
    program: "codex",
    minVersion: "0.160.0",
    install: "npm install -g @openai/codex",
    update: "npm install -g @openai/codex@latest",
    login: "codex login",
    environment: [...anyNetwork, "OPENAI_*", "CODEX_*"],
  },
  gemini: {
    title: "Gemini CLI",
    program: "gemini",
    minVersion: "0.61.0",
    install: "npm install -g @google/gemini-cli",
    update: "npm install -g @google/gemini-cli@latest",
    login: "gemini",
    environment: [...anyNetwork, "GEMINI_*", "GOOGLE_*"],
  },
  opencode: {
    title: "opencode",
    program: "opencode",
    minVersion: "1.18.33",
    install: "npm install -g opencode-ai",
    update: "opencode upgrade",
    login: "opencode auth login",
    environment: [
      ...anyNetwork,
      ...["ANTHROPIC", "OPENAI", "GEMINI", "OPENROUTER", "OPENCODE", "GROQ", "MISTRAL", "DEEPSEEK", "XAI"].map(
        (provider) => `${provider}_API_KEY`,
      ),
      "GOOGLE_GENERATIVE_AI_API_KEY",
      "OPENCODE_*",
      "XDG_*",
    ],
    environmentIf: [
      { model: "amazon-bedrock/", names: amazon },
      { model: "google-vertex", names: google },
    ],
  },
  strands: { title: "Strands", environment: [...anyNetwork, ...amazon, "OPENAI_*"] },
  echo: { title: "echo", environment: [] },
} as const satisfies Record<string, BuiltIn>;

export type BuiltInFramework = keyof typeof builtInFrameworks;

/** What is known of a framework of ours; undefined for any other name. */
export const builtInFramework = (name: string): BuiltIn | undefined =>
  Object.hasOwn(builtInFrameworks, name) ? builtInFrameworks[name as BuiltInFramework] : undefined;

/** The frameworks of ours that are programs which a person installs. */
export const programFrameworks = (Object.keys(builtInFrameworks) as BuiltInFramework[]).filter(
  (name) => builtInFramework(name)?.program !== undefined,
);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What of an environment one framework may see, beside what every job may: for any that is none of ours, nothing. `chosenBy`
 * is the environment that says which provider is chosen; default the same.
 */
export function frameworkEnvironment(
  framework: string | undefined,
  environment: Environment,
  { model, chosenBy = environment }: { model?: unknown; chosenBy?: Environment } = {},
): Record<string, string> {
  const known = framework === undefined ? undefined : builtInFramework(framework);
  if (!known) return {};
  const isChosen = (on: EnvironmentIf) =>
    (on.variable !== undefined && isOn(chosenBy[on.variable])) ||
    (on.model !== undefined && typeof model === "string" && model.startsWith(on.model));
  const names = [...known.environment, ...(known.environmentIf ?? []).filter(isChosen).flatMap((on) => on.names)];
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && isNamed(entry[0], names),
    ),
  );
}

const isNamed = (name: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern));

/**
 * Whether a variable is one of a framework's own, whichever provider is chosen: all that its table has, and beside the key of
 * a provider what else begins as that does, as its endpoint.
 */
export function isClaimed(framework: BuiltInFramework, name: string): boolean {
  const { environment, environmentIf = [] }: BuiltIn = builtInFrameworks[framework];
  const names = [...environment, ...environmentIf.flatMap((on) => on.names)];
  return isNamed(name, [...names, ...names.map((each) => each.replace(/_API_KEY$/, "_*"))]);
}

const isOn = (value: string | undefined): boolean =>
  value !== undefined && !["", "0", "false", "no", "off"].includes(value.trim().toLowerCase());

/** The framework that a variable such as `AGENTDISPATCH_FRAMEWORK_COMMAND_MY_AGENT` makes: `my-agent`. */
export const frameworkOfVariable = (variable: string): string | undefined =>
  variable.startsWith(environmentVariables.frameworkCommandPrefix)
    ? variable.slice(environmentVariables.frameworkCommandPrefix.length).toLowerCase().replaceAll("_", "-")
    : undefined;

/** Names of the frameworks that commands in that environment make. What the worker would not start with names none. */
export const commandFrameworks = (environment: Environment): string[] => [
  ...Object.keys(parseJsonObject(environment[environmentVariables.frameworkCommands] ?? "") ?? {}),
  ...Object.keys(environment).flatMap((name) => frameworkOfVariable(name) ?? []),
];

/** Names of the frameworks of a worker with that environment, which has these of ours. */
export const frameworkNames = (environment: Environment, ours: readonly BuiltInFramework[] = ["echo"]): string[] => [
  ...new Set([...ours, ...commandFrameworks(environment)]),
];

/** A framework that a worker with these does not have, and how it would; undefined when it has it. */
export function unknownFramework(
  framework: string,
  known: readonly string[],
): { name: string; status: "fail"; message: string } | undefined {
  if (known.includes(framework)) return undefined;
  const variable = `${environmentVariables.frameworkCommandPrefix}${framework.toUpperCase().replaceAll("-", "_")}`;
  const message =
    `the worker has no framework ${JSON.stringify(framework)}, it has: ${known.join(", ")}; ${variable} in the environment ` +
    "of the backend's details makes a command one";
  return { name: "framework", status: "fail", message };
}
