export const taskTypes = ["agent.run", "command.run"] as const;
export type TaskType = (typeof taskTypes)[number];
export const targetModes = ["session", "runtime"] as const;
export type TargetMode = (typeof targetModes)[number];
export const protocols = ["http", "a2a", "mcp", "ag-ui"] as const;
export type Protocol = (typeof protocols)[number];
export const CAPABILITY = "agent-runtime";
/**
 * How the control plane and a worker talk: `call`, we invoke it; `synchronous`, one request that is held until the job has
 * ended, on a runtime without the worker contract; `mailbox`, it calls us, which no adapter can do yet.
 */
export const channels = ["call", "synchronous", "mailbox"] as const;
export type Channel = (typeof channels)[number];
