import type { ToolName } from "../../contract/tools/index.ts";
import { type Repeating, repeatingTools } from "../http/repeating.ts";

/** Methods that a server may be asked twice; of a method that is not here nobody knows. */
const repeatingMethods: ReadonlySet<string> = new Set([
  "initialize",
  "server/discover",
  "ping",
  "tools/list",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "completion/complete",
  "logging/setLevel",
  "subscriptions/listen",
  "tasks/get",
  "tasks/list",
  "tasks/result",
  "tasks/cancel",
  "tasks/update",
]);

/** Whether a message may be sent twice; `tool` is the one that it calls, if it calls one. */
export function repeatingOf(method: string | undefined, tool: unknown): Repeating {
  if (method === "tools/call")
    return typeof tool === "string" && Object.hasOwn(repeatingTools, tool) ? repeatingTools[tool as ToolName] : "never";
  // A notification, or the answer to a request of the server, changes nothing when it comes again.
  const isSafe = method === undefined || method.startsWith("notifications/") || repeatingMethods.has(method);
  return isSafe ? "freely" : "never";
}
