/**
 * Every environment variable that AgentDispatch reads, named once. Constructs, handlers, the worker and the
 * command line import the names from here.
 */
export const environmentVariables = {
  /** Folder in which the local system keeps its state; overrides `stateDir` of the configuration. */
  stateDir: "AGENTDISPATCH_STATE_DIR",
  /** Path of the configuration file; default `agentdispatch.config.json` in the working directory. */
  configFile: "AGENTDISPATCH_CONFIG",
  /** Clients: address of the MCP endpoint to speak to; a local system is meant without it. */
  endpoint: "AGENTDISPATCH_ENDPOINT",
  /** Clients: name of the CloudFormation stack whose endpoint is meant, where no address is given. */
  stack: "AGENTDISPATCH_STACK",
  /** `npm run test:live`: the stack, or the endpoint, that it may try; no other variable leads there. */
  liveStack: "AGENTDISPATCH_LIVE_STACK",
  liveEndpoint: "AGENTDISPATCH_LIVE_ENDPOINT",
  /** Clients: seconds without a byte from an endpoint, or from where a file is kept, after which it is given up; default 60. */
  silenceSeconds: "AGENTDISPATCH_SILENCE_SECONDS",
  /** `debug`, `info`, `warn` or `error`. */
  logLevel: "AGENTDISPATCH_LOG_LEVEL",

  /** Functions: name of the table that holds the tasks. */
  table: "AGENTDISPATCH_TABLE",
  /** Functions: name of the bucket that holds artifacts and large values. */
  bucket: "AGENTDISPATCH_BUCKET",
  /** Functions: ARN of the state machine that runs tasks. */
  stateMachine: "AGENTDISPATCH_STATE_MACHINE_ARN",
  /** Functions: the worker image that the stack built, for runtimes made for a task. */
  workerImage: "AGENTDISPATCH_WORKER_IMAGE_URI",
  /** Functions: ARN of the role that those runtimes get. */
  workerRole: "AGENTDISPATCH_WORKER_ROLE_ARN",
  /** Functions: ARN of the runtime that the stack deployed for sessions. */
  sharedRuntime: "AGENTDISPATCH_SHARED_RUNTIME_ARN",
  /** The function that hands jobs over: the address at which the agents of tasks that may dispatch reach the endpoint. */
  agentEndpoint: "AGENTDISPATCH_AGENT_ENDPOINT",
  /** Functions: what the names of the runtimes that are made for tasks begin with, in this stack alone. */
  runtimePrefix: "AGENTDISPATCH_RUNTIME_PREFIX",
  /** Functions: the namespace of their metrics, and the one value of the dimension `service`; Powertools reads these. */
  metricsNamespace: "POWERTOOLS_METRICS_NAMESPACE",
  serviceName: "POWERTOOLS_SERVICE_NAME",
  /** Functions of the workflow: the state whose step they are, as `dispatch.asl.json` names it. */
  step: "AGENTDISPATCH_STEP",

  /** Worker: address to bind, default 0.0.0.0. */
  workerHost: "AGENTDISPATCH_WORKER_HOST",
  /** Worker: what it speaks beside the worker contract: `http` (default), `a2a`, `mcp` or `ag-ui`. */
  workerProtocol: "AGENTDISPATCH_WORKER_PROTOCOL",
  /** Worker: the framework of a message, in such a protocol, that names none. */
  workerFramework: "AGENTDISPATCH_WORKER_FRAMEWORK",
  /** Worker: port to bind, default that of its protocol: 8080, or 9000 for a2a and 8000 for mcp; 0 takes a free one. */
  workerPort: "AGENTDISPATCH_WORKER_PORT",
  /** Worker: unix socket to listen on instead, in a folder that no other user may enter. */
  workerSocket: "AGENTDISPATCH_WORKER_SOCKET",
  /** Worker: file to write `{pid, port?}` to once it listens. */
  workerAddressFile: "AGENTDISPATCH_WORKER_ADDRESS_FILE",
  /**
   * Worker and job: the service that the machine of the session is of, as the adapter for it is named; the worker's image
   * says it. Absent on one machine.
   */
  platform: "AGENTDISPATCH_PLATFORM",
  /** Worker: folder below which jobs run, made if missing; default a fresh temporary folder. */
  workspace: "AGENTDISPATCH_WORKSPACE",
  /** Worker and job: folder whose files come back as artifacts. */
  artifactsDir: "AGENTDISPATCH_ARTIFACTS_DIR",
  /** Worker: program names that `command.run` may start, comma separated; without it every program may. */
  commandAllowlist: "AGENTDISPATCH_COMMAND_ALLOWLIST",
  /** Worker: prefix of variables that make a command a framework: `AGENTDISPATCH_FRAMEWORK_COMMAND_<NAME>`. */
  frameworkCommandPrefix: "AGENTDISPATCH_FRAMEWORK_COMMAND_",
  /** Worker: the same as one JSON object, name to command. */
  frameworkCommands: "AGENTDISPATCH_FRAMEWORK_COMMANDS",
  /** Worker: names of variables in its environment that the configuration gives to every job, comma separated. */
  workerGivenNames: "AGENTDISPATCH_WORKER_GIVEN_NAMES",
  /** Worker: seconds without a request after which an idle worker exits, default 900. */
  workerIdleSeconds: "AGENTDISPATCH_WORKER_IDLE_SECONDS",
  /** Worker: seconds for which the end of a task waits to be collected, default 3600; until then the worker stays. */
  workerUncollectedSeconds: "AGENTDISPATCH_WORKER_UNCOLLECTED_SECONDS",
  /** Worker: seconds after which any worker exits once it is not busy, default 28800. */
  workerMaxSeconds: "AGENTDISPATCH_WORKER_MAX_SECONDS",

  /** Worker: folder in which this machine keeps what its turns of conversations need; without it they are fetched. */
  workerConversationsDir: "AGENTDISPATCH_WORKER_CONVERSATIONS_DIR",

  /** Marks every process of one worker session, its jobs included, so that none can be left behind. */
  sessionMarker: "AGENTDISPATCH_SESSION",
  /** In a job's environment: the task it runs. A task dispatched from inside it names this as its parent. */
  taskId: "AGENTDISPATCH_TASK_ID",
  /** In a job's environment: how many dispatches led to it; 0 for a task that a person or client dispatched. */
  depth: "AGENTDISPATCH_DEPTH",
  /** In the environment of the bridge that an agent is given: what opens the system for that task alone. */
  taskToken: "AGENTDISPATCH_TASK_TOKEN",
  /**
   * In a job's environment: the file in which the answers to its `task.input_required` event appear, as one JSON
   * object. It appears whole; a job that asks more than once removes it before it asks again.
   */
  inputFile: "AGENTDISPATCH_INPUT_FILE",
  /** In the environment of a command that is a framework: a folder that each turn of a conversation finds as the last left it. */
  conversationDir: "AGENTDISPATCH_CONVERSATION_DIR",
  /** Variables that begin so are the worker's own and never reach a job. */
  workerPrefix: "AGENTDISPATCH_WORKER_",
} as const;

/** Reads a variable that has no default. Throws an Error that names the variable when it is missing. */
export function neededVariable(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const text = env[name];
  if (text === undefined || text === "") throw new Error(`${name} is not set`);
  return text;
}

/** Reads a whole number. Throws an Error that names the variable when the text is not one. */
export function numberVariable(env: Record<string, string | undefined>, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}
