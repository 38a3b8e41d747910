/** The suite for tasks of MCP on one machine: its endpoint itself, and the bridge in front of it. */
import { afterAll, beforeAll, describe } from "vitest";
import { bridgeCommand } from "../client/bridge/bridge-process.ts";
import type { AtEnd } from "../mcp/clients.ts";
import { mcpTasks } from "./suites/mcp-tasks.ts";
import { commandCall, type RunningSystem, startSystem, temporaryFolder } from "./system.ts";

let system: RunningSystem;
let folder: string;
const ends: (() => void | Promise<void>)[] = [];
const atEnd: AtEnd = (work) => void ends.unshift(work);
beforeAll(async () => {
  folder = temporaryFolder(atEnd);
  system = await startSystem(folder, { atEnd, limits: { graceSeconds: 1 } });
});
afterAll(async () => {
  for (const end of ends) await end();
});

describe("over HTTP", () =>
  mcpTasks(async () => ({
    place: { url: system.url, identity: system.token },
    commandCall: (input) => commandCall(input),
  })));
describe("through the bridge", () =>
  mcpTasks(async () => ({
    place: bridgeCommand(["--state-dir", folder]),
    commandCall: (input) => commandCall(input),
  })));
