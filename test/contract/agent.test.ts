import { expect, test } from "vitest";
import { type AgentAnswer, agentAnswerSchema, runtimeToolsSchema } from "../../lib/contract/agent.ts";
import { builtInFramework } from "../../lib/contract/frameworks.ts";
import { type PermissionMode, permissionModes } from "../../lib/contract/kinds.ts";
import { type McpServer, mcpServerSchema } from "../../lib/contract/worker.ts";
import { builtIn } from "../../worker/frameworks/registry.ts";

test("an answer needs its text and an outcome, which may be null", () => {
  const answer: AgentAnswer = { output: "hi", outcome: null };
  expect(agentAnswerSchema.parse(answer)).toEqual(answer);
  expect(agentAnswerSchema.safeParse({ output: "hi" }).success).toBe(false);
  expect(agentAnswerSchema.safeParse({ ...answer, outcome: "blocked" }).success).toBe(false);
});

test("tools that are unset, none and a list stay three things", () => {
  expect(runtimeToolsSchema.parse({})).toEqual({});
  expect(runtimeToolsSchema.parse({ allowedTools: [] })).toEqual({ allowedTools: [] });
  expect(runtimeToolsSchema.parse({ allowedTools: ["Bash(npm *)"] })).toEqual({ allowedTools: ["Bash(npm *)"] });
  expect(runtimeToolsSchema.safeParse({ tools: [] }).error?.message).toContain("tools");
});

test.each<[string, unknown, boolean]>([
  ["a program", { command: "node", args: ["server.mjs"], env: { A: "1" } } satisfies McpServer, true],
  ["an address", { url: "https://example.com/mcp", headers: { a: "b" } } satisfies McpServer, true],
  ["both", { command: "node", url: "https://example.com/mcp" }, false],
  ["neither", {}, false],
])("an MCP server is %s", (_name, server, isOne) => {
  expect(mcpServerSchema.safeParse(server).success).toBe(isOne);
});

test("permission modes are refused by name", () => {
  const mode: PermissionMode = "acceptEdits";
  expect(permissionModes).toContain(mode);
  expect(runtimeToolsSchema.safeParse({ permissionMode: "yolo" }).error?.message).toContain("acceptEdits");
});

test("nothing inherited is a framework", () => {
  expect(builtIn.get("constructor")).toBeUndefined();
  expect(builtInFramework("claude-code")?.program).toBe("claude");
  expect(builtInFramework("constructor")).toBeUndefined();
});
