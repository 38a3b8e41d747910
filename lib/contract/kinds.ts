/** What a worker runs. */
export const jobTypes = ["agent.run", "command.run"] as const;
export type JobType = (typeof jobTypes)[number];
/** What is made of other tasks, and has no worker. */
export const orchestrationTypes = ["parallel.run", "dialogue.run"] as const;
export type OrchestrationType = (typeof orchestrationTypes)[number];
export const taskTypes = [...jobTypes, ...orchestrationTypes] as const;
export type TaskType = (typeof taskTypes)[number];
export const isOrchestration = (type: string): type is OrchestrationType =>
  orchestrationTypes.some((known) => known === type);

/** The type of a task as a worker runs it. Throws TypeError for one that no worker runs. */
export function jobTypeOf(type: TaskType): JobType {
  if (isOrchestration(type)) throw new TypeError(`no worker runs a ${type}`);
  return type;
}
export const targetModes = ["session", "runtime"] as const;
export type TargetMode = (typeof targetModes)[number];
export const protocols = ["http", "a2a", "mcp", "ag-ui"] as const;
export type Protocol = (typeof protocols)[number];
/** As AgentCore names them. */
export const serverProtocols = { http: "HTTP", a2a: "A2A", mcp: "MCP", "ag-ui": "AGUI" } as const;
/**
 * Where AgentCore looks for a container that speaks them, and the path that it posts to.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-service-contract.html
 */
export const protocolPorts: Readonly<Record<Protocol, number>> = { http: 8080, a2a: 9000, mcp: 8000, "ag-ui": 8080 };
export const protocolPaths: Readonly<Record<Protocol, string>> = {
  http: "/invocations",
  a2a: "/",
  mcp: "/mcp",
  "ag-ui": "/invocations",
};
export const CAPABILITY = "agent-runtime";
/**
 * How the control plane and a worker talk: `call`, we invoke it; `synchronous`, one request that is held until the job has
 * ended, on a runtime without the worker contract; `mailbox`, it calls us, which no adapter can do yet.
 */
export const channels = ["call", "synchronous", "mailbox"] as const;
export type Channel = (typeof channels)[number];
/** What an agent may do without being asked; each framework has its own words for them, or refuses one by name. */
export const permissionModes = ["default", "acceptEdits", "plan", "auto", "bypassPermissions"] as const;
export type PermissionMode = (typeof permissionModes)[number];

/** What becomes of a job whose question nobody answers in time. */
export const unansweredEnds = ["fail", "default"] as const;

/** What becomes of what a task dispatched and that still runs when it ends. */
export const orphanEnds = ["cancel", "keep"] as const;

/**
 * Which tools the list of the endpoint shows: those that a model needs to hand over work, those for whoever works with agents
 * besides, or every one.
 */
export const toolsets = ["core", "agents", "all"] as const;
export type Toolset = (typeof toolsets)[number];
