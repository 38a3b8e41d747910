/** The suite for tasks of MCP on one machine: its endpoint itself, and the bridge in front of it. */
import { join } from "node:path";
import type { JsonValue } from "@modelcontextprotocol/ext-tasks/core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { bridgeCommand } from "../client/bridge/bridge-process.ts";
import { type Behaviour, openScripted } from "../client/bridge/scripted-endpoint.ts";
import type { AtEnd } from "../mcp/clients.ts";
import { openTaskSession, type Place } from "../mcp/task-clients.ts";
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

describe.each(["2026-07-28", "2025-11-25"] as const)("a client with tasks of %s, through the bridge", (generation) => {
  it("has one task for a call whose answer was lost", async ({ expect, onTestFinished: atEnd }) => {
    const answered: string[] = [];
    const pass: Behaviour = async ({ headers, body, message }, response) => {
      const names = ["content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name"];
      const kept = names.flatMap((name): [string, string][] => (headers[name] ? [[name, String(headers[name])]] : []));
      const reply = await fetch(system.url, {
        method: "POST",
        headers: [...kept, ["authorization", `Bearer ${system.token}`]],
        body,
      });
      const text = await reply.text();
      const isDispatch = message.method === "tools/call";
      if (isDispatch) answered.push(/task_[0-9a-f]{32}/.exec(text)?.[0] ?? "");
      if (isDispatch && answered.length === 1) return void response.destroy();
      response.writeHead(reply.status, { "content-type": reply.headers.get("content-type") ?? "" }).end(text);
    };
    const methods = ["initialize", "server/discover", "tools/list", "tools/call", "tasks/get", "tasks/result"];
    const lossy = await openScripted(Object.fromEntries(methods.map((method) => [method, pass])), atEnd);
    const place = bridgeCommand(["--endpoint", lossy.url, "--region", "us-west-2"]);
    const session = await openTaskSession(place, generation, atEnd);
    const args = commandCall({ command: "true" }) as Record<string, JsonValue>;
    const execution = await session.callTool("dispatch_task", args, { task: { preference: "prefer" } });
    expect(await execution.result()).toMatchObject({ status: "completed" });
    const { taskId } = execution.handle ?? {};
    expect(answered).toEqual([taskId, taskId]);
  });
});
