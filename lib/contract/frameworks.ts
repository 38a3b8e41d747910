import { environmentVariables } from "./execution-environment.ts";
import { isObject } from "./json.ts";

type BuiltIn = {
  /** The program that it starts, as it is named on the PATH. */
  readonly program?: string;
  /** Commands that a person can type. */
  readonly install?: string;
  readonly login?: string;
  /**
   * Variables that only this framework's program gets, by name or `PREFIX_*`: the credentials and the endpoint of its models,
   * and where it keeps what is its own.
   */
  readonly environment: readonly string[];
};

const anthropic = ["ANTHROPIC_*", "CLAUDE_CODE_OAUTH_TOKEN"];
const amazon = ["AWS_*"];
const google = ["GEMINI_API_KEY", "GOOGLE_*"];
const openai = ["OPENAI_*"];
const anyNetwork = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE"];

/** The frameworks that we have a file for. */
export const builtInFrameworks = {
  echo: { environment: [] },
  "claude-code": {
    program: "claude",
    install: "npm install -g @anthropic-ai/claude-code",
    login: "claude, and in it /login",
    environment: [
      ...anthropic,
      ...amazon,
      ...anyNetwork,
      "CLAUDE_CONFIG_DIR",
      "CLAUDE_CODE_USE_*",
      "CLAUDE_CODE_SKIP_*",
      "CLAUDE_CODE_MAX_*",
      "API_TIMEOUT_MS",
      "GOOGLE_*",
      "CLOUD_ML_REGION",
    ],
  },
  codex: {
    program: "codex",
    install: "npm install -g @openai/codex",
    login: "codex login",
    environment: [...openai, ...anyNetwork, "CODEX_*"],
  },
  gemini: {
    program: "gemini",
    install: "npm install -g @google/gemini-cli",
    login: "gemini",
    environment: [...google, ...anyNetwork, "GEMINI_*"],
  },
  opencode: {
    program: "opencode",
    install: "npm install -g opencode-ai",
    login: "opencode auth login",
    environment: [...anthropic, ...openai, ...google, ...amazon, ...anyNetwork, "OPENCODE_*", "XDG_*"],
  },
  strands: { environment: [...amazon, ...openai, ...anyNetwork] },
} as const satisfies Record<string, BuiltIn>;

export type BuiltInFramework = keyof typeof builtInFrameworks;

/** What is known of a framework of ours; undefined for any other name. */
export const builtInFramework = (name: string): BuiltIn | undefined =>
  Object.hasOwn(builtInFrameworks, name) ? builtInFrameworks[name as BuiltInFramework] : undefined;

/** The frameworks that every worker of ours has. */
const builtIn = ["echo"] as const;

/** The framework that a variable such as `AGENTDISPATCH_FRAMEWORK_COMMAND_MY_AGENT` makes: `my-agent`. */
export const frameworkOfVariable = (variable: string): string | undefined =>
  variable.startsWith(environmentVariables.frameworkCommandPrefix)
    ? variable.slice(environmentVariables.frameworkCommandPrefix.length).toLowerCase().replaceAll("_", "-")
    : undefined;

/** Names of the frameworks of a worker with that environment. What the worker would not start with names none. */
export function frameworkNames(environment: Readonly<Record<string, string | undefined>>): string[] {
  const configured = Object.keys(environment).flatMap((name) => frameworkOfVariable(name) ?? []);
  return [...new Set([...builtIn, ...listedNames(environment[environmentVariables.frameworkCommands]), ...configured])];
}

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

function listedNames(json: string | undefined): string[] {
  try {
    const listed: unknown = JSON.parse(json ?? "{}");
    return isObject(listed) ? Object.keys(listed) : [];
  } catch {
    return [];
  }
}
