/** What is wrong with the arguments of a tool, in words that say what is allowed. */
import { describe, expect, test } from "vitest";
import { InvalidInputError, type Issue } from "../../lib/contract/errors.ts";
import { type ToolName, toolSchemas } from "../../lib/contract/tools/index.ts";
import type { ToolSchemas } from "../../lib/contract/tools/schemas.ts";
import { readArguments } from "../../lib/engine/service/arguments.ts";

function issuesOf(tool: ToolName, given: Record<string, unknown>): readonly Issue[] {
  try {
    readArguments(toolSchemas[tool] as ToolSchemas, given);
    return [];
  } catch (error) {
    if (error instanceof InvalidInputError) return error.issues;
    throw error;
  }
}
const said = (tool: ToolName, field: string, value: unknown) =>
  issuesOf(tool, { [field]: value }).find(({ path }) => path === field)?.message;

test.each([
  ["dispatch", "response_format", "xml", 'must be "json" or { "type": "json", "schema": a JSON Schema }'],
  ["dispatch", "timeout_seconds", -1, "must be at least 0"],
  ["spawn_cloud_agent", "timeout_seconds", 0, "must be more than 0"],
  ["spawn_cloud_agent", "protocol", "smtp", 'must be one of "http", "a2a", "mcp", "ag-ui"'],
  ["dispatch_jobs", "status", "x", 'must be one of "pending", "running", "done", "failed", "cancelled"'],
  ["list_tasks", "limit", 101, "must be at most 100"],
  ["list_tasks", "limit", 1.5, "must be a whole number"],
] as const)("%s says of %s %j: %s", (tool, field, value, message) => {
  expect(said(tool, field, value)).toBe(message);
});

describe.each(Object.keys(toolSchemas) as ToolName[])("%s", (tool) => {
  test("says of no field what only a programmer reads", () => {
    const fields = Object.keys(toolSchemas[tool].input.shape);
    for (const field of fields)
      for (const value of [-1, 1e12, 0.5, "", "x y", "x".repeat(500_001), true, {}, { a: 1 }, [], [1], [{}]])
        for (const { message } of issuesOf(tool, { [field]: value }))
          expect(message, field).not.toMatch(/Invalid |Too (small|big)|: expected|Unrecognized|[<>]=/);
  });
});
