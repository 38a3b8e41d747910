import * as z from "zod";
import { DispatchError, RefusedError } from "../../contract/errors.ts";
import { explain, toIssue } from "../../contract/issues.ts";
import { isObject, parseJsonObject } from "../../contract/json.ts";
import { problem } from "../../contract/tools/fields.ts";
import type { ToolName, ToolResult } from "../../contract/tools/index.ts";
import { loadSchemas } from "../../contract/tools/load.ts";
import type { ToolAnswer } from "../http/call-tool.ts";

// Whoever reads a few replies and ends would compile their schemas for longer than it takes to read them.
z.config({ jitless: true });

/**
 * The result of a tool: checked against its schema, and given back as it came, with whatever a newer endpoint says besides,
 * but for an error whose code is not known here.
 * Throws the error that the endpoint answered with, or `endpoint.failed` for what is neither.
 */
export async function readReply<Name extends ToolName>(tool: Name, reply: ToolAnswer): Promise<ToolResult<Name>> {
  const value = isObject(reply.structuredContent) ? reply.structuredContent : parseJsonObject(textOf(reply.content[0]));
  const refused =
    value?.error === undefined ? undefined : problem.safeParse(reply.isError ? problemIn(value) : value.error);
  if (reply.isError || !value) {
    if (refused?.success) throw new DispatchError(refused.data);
    throw failed(textOf(reply.content[0]) || "the endpoint answered without a value");
  }
  const { output } = await loadSchemas(tool);
  const { error } = output.safeParse(value, { error: explain });
  if (!error) return (refused?.success ? { ...value, error: refused.data } : value) as ToolResult<Name>;
  const issues = error.issues.slice(0, 3).map(toIssue);
  const text = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw failed(`the endpoint answered ${tool} in a way that this version does not know: ${text}`);
}

/** An error, also in the one level of the toolset `agents`. */
const problemIn = ({ error, error_code: code, ...rest }: Record<string, unknown>): unknown =>
  typeof error === "string" ? { ...rest, code, message: error } : error;

const failed = (message: string) => new RefusedError("endpoint.failed", message);

const textOf = (block: unknown): string => (isObject(block) && typeof block.text === "string" ? block.text : "");
