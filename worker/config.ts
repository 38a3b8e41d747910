import { environmentVariables, numberVariable } from "../lib/contract/execution-environment.ts";
import { frameworkOfVariable } from "../lib/contract/frameworks.ts";
import { isObject } from "../lib/contract/json.ts";
import { type Protocol, protocolPorts, protocols } from "../lib/contract/kinds.ts";
import { IDLE_SECONDS, MAX_LIFETIME_SECONDS } from "../lib/contract/limits.ts";
import { MAX_UNCOLLECTED_SECONDS } from "../lib/contract/worker.ts";
import { splitWords } from "./processes/split-words.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What holds for the whole process. */
export type WorkerConfig = {
  /**
   * Whoever can connect is obeyed: the machine, the folder of the socket or the network must keep others out. On a port the
   * worker has one session, and its environment is that of the process; on a socket sessions are opened.
   */
  listen: { host: string; port: number } | { socket: string };
  /** What is spoken beside the worker contract. */
  protocol: Protocol;
  addressFile?: string;
  idleSeconds: number;
  /** How long the end of a task waits for somebody to collect it. */
  uncollectedSeconds: number;
  maxSeconds: number;
};

/** What holds for one session. */
export type SessionConfig = {
  workspace?: string;
  artifactsDir?: string;
  /** Where this machine keeps what it has of conversations; without it nothing stays here. */
  conversationsDir?: string;
  /** Where a job's own files are made; default the system's. */
  temporary?: string;
  /** Programs that `command.run` may start. An empty list allows none; no list allows every program. */
  allowlist?: ReadonlySet<string>;
  /** Command-backed frameworks: the words of each command, by name. */
  frameworkCommands: ReadonlyMap<string, readonly string[]>;
  /** The framework of a message, in a protocol, that names none. */
  framework?: string;
  /** What jobs inherit: the session's environment without the worker's own variables. */
  jobEnv: Record<string, string>;
  /** Names in it that the configuration gives to whatever runs, beside what the worker itself was started with. */
  givenNames: ReadonlySet<string>;
};

/** Reads the settings of a worker. Throws an Error that names the variable at fault, and never its value if secret. */
export function readConfig(env: Environment): WorkerConfig {
  const socket = env[environmentVariables.workerSocket] || undefined;
  const addressFile = env[environmentVariables.workerAddressFile] || undefined;
  const protocol = readProtocol(env);
  const port = numberVariable(env, environmentVariables.workerPort, protocolPorts[protocol]);
  if (port > 65_535) throw new Error(`${environmentVariables.workerPort} must be at most 65535`);
  return {
    listen: socket === undefined ? { host: env[environmentVariables.workerHost] || "0.0.0.0", port } : { socket },
    protocol,
    ...(addressFile !== undefined && { addressFile }),
    idleSeconds: numberVariable(env, environmentVariables.workerIdleSeconds, IDLE_SECONDS),
    uncollectedSeconds: numberVariable(env, environmentVariables.workerUncollectedSeconds, MAX_UNCOLLECTED_SECONDS),
    maxSeconds: numberVariable(env, environmentVariables.workerMaxSeconds, MAX_LIFETIME_SECONDS),
  };
}

function readProtocol(env: Environment): Protocol {
  const name = env[environmentVariables.workerProtocol] || "http";
  const protocol = protocols.find((known) => known === name);
  if (protocol) return protocol;
  throw new Error(
    `${environmentVariables.workerProtocol} must be one of ${protocols.join(", ")}, not ${JSON.stringify(name)}`,
  );
}

/** Reads the environment of a session. Throws as `readConfig` does. */
export function readSessionConfig(env: Environment): SessionConfig {
  const workspace = env[environmentVariables.workspace] || undefined;
  const artifactsDir = env[environmentVariables.artifactsDir] || undefined;
  const conversationsDir = env[environmentVariables.workerConversationsDir] || undefined;
  const temporary = env.TMPDIR || undefined;
  const allowed = env[environmentVariables.commandAllowlist];
  const framework = env[environmentVariables.workerFramework] || undefined;
  return {
    ...(workspace !== undefined && { workspace }),
    ...(artifactsDir !== undefined && { artifactsDir }),
    ...(conversationsDir !== undefined && { conversationsDir }),
    ...(temporary !== undefined && { temporary }),
    ...(allowed !== undefined && { allowlist: new Set(allowed.split(",").flatMap((name) => name.trim() || [])) }),
    ...(framework !== undefined && { framework }),
    frameworkCommands: readFrameworkCommands(env),
    jobEnv: jobEnvironment(env),
    givenNames: new Set((env[environmentVariables.workerGivenNames] ?? "").split(",")),
  };
}

function jobEnvironment(env: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const isOurs = name.startsWith(environmentVariables.workerPrefix) || name === "NODE_COMPILE_CACHE";
    if (value !== undefined && !isOurs) kept[name] = value;
  }
  return kept;
}

/** `AGENTDISPATCH_FRAMEWORK_COMMAND_MY_AGENT` makes the framework `my-agent`; the JSON setting uses names as they are. */
function readFrameworkCommands(env: Environment): Map<string, string[]> {
  const commands = new Map<string, string[]>();
  const add = (setting: string, name: string, command: unknown) => {
    if (!/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name)) throw new Error(`${setting}: ${name} cannot name a framework`);
    const words = typeof command === "string" ? wordsOf(setting, command) : command;
    if (!Array.isArray(words) || words.length === 0 || !words.every((word) => typeof word === "string")) {
      throw new Error(`${setting}: ${name} must be a command, or its words as a list`);
    }
    commands.set(name, words);
  };
  const listed = env[environmentVariables.frameworkCommands];
  if (listed) {
    for (const [name, command] of Object.entries(readJsonObject(environmentVariables.frameworkCommands, listed))) {
      add(environmentVariables.frameworkCommands, name, command);
    }
  }
  for (const [setting, command] of Object.entries(env)) {
    const name = frameworkOfVariable(setting);
    if (command && name !== undefined) add(setting, name, command);
  }
  return commands;
}

function readJsonObject(setting: string, text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${setting} is not JSON`, { cause });
  }
  if (!isObject(value)) {
    throw new Error(`${setting} must be a JSON object of name to command`);
  }
  return value;
}

function wordsOf(setting: string, command: string): string[] {
  try {
    return splitWords(command);
  } catch (cause) {
    throw new Error(`${setting}: a quote or a backslash is not closed`, { cause });
  }
}
