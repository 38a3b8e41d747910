/** The suite for tasks of MCP on one machine: its endpoint itself, and the bridge in front of it. */
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { bridgeCommand } from "../client/bridge/bridge-process.ts";
import type { AtEnd } from "../mcp/clients.ts";
import type { Place } from "../mcp/task-clients.ts";
import { mcpTasks, type TaskPlace } from "./suites/mcp-tasks.ts";
import { commandCall, type RunningSystem, startSystem, temporaryFolder } from "./system.ts";

let system: RunningSystem;
let folder: string;
const ends: (() => void | Promise<void>)[] = [];
const atEnd: AtEnd = (work) => void ends.unshift(work);
beforeAll(async () => {
  folder = temporaryFolder(atEnd);
  const asking = [process.execPath, join(import.meta.dirname, "../fixtures/agent-asks.mjs")].join(" ");
  const environment = { AGENTDISPATCH_FRAMEWORK_COMMAND_ASKING: asking };
  const backends = { local: { adapter: "local-process", account: "local", details: { environment } } };
  system = await startSystem(folder, { atEnd, limits: { graceSeconds: 1 }, configuration: { backends } });
});
afterAll(async () => {
  for (const end of ends) await end();
});

const opened = (place: Place): TaskPlace => ({
  place,
  commandCall: (input) => commandCall(input),
  asking: { instruction: "ask", framework: "asking" },
});
describe("over HTTP", () => mcpTasks(async () => opened({ url: system.url, identity: system.token })));
describe("through the bridge", () => mcpTasks(async () => opened(bridgeCommand(["--state-dir", folder]))));
