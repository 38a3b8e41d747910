import type { CallToolResult, ServerContext } from "@modelcontextprotocol/server";
import { DispatchError, toProblem } from "../contract/errors.ts";
import type { Json } from "../contract/task.ts";
import type { Ports } from "../engine/ports.ts";
import { refuseHostile } from "./tools/hostile.ts";
import type { Answer, Context, Tool } from "./tools/tool.ts";

/** The call as it arrived: the SDK's own parsing would drop what has to be refused by name. */
export type Arrived = { owner: string; arguments: Json };

/** Calls a tool. What it throws becomes an error that the caller can read; what is not ours is logged and hidden. */
export async function callTool(
  ports: Ports,
  tool: Tool,
  arrived: Arrived,
  context: ServerContext,
): Promise<CallToolResult> {
  const { signal, _meta, notify } = context.mcpReq;
  const token = _meta?.progressToken;
  const caller: Context = {
    ports,
    owner: arrived.owner,
    signal,
    ...(token !== undefined && {
      notify: (progress: number, message?: string) =>
        notify({
          method: "notifications/progress",
          params: { progressToken: token, progress, ...(message !== undefined && { message: message.slice(0, 2000) }) },
        }),
    }),
  };
  try {
    refuseHostile(arrived.arguments);
    return result(await tool.call(caller, arrived.arguments));
  } catch (error) {
    if (!(error instanceof DispatchError)) ports.log.error("a tool failed", { tool: tool.name, error: textOf(error) });
    // Only as text: clients hold structured content against the outputSchema, also that of an error
    return { isError: true, content: [{ type: "text", text: JSON.stringify({ error: toProblem(error) }) }] };
  }
}

const result = ({ structured, bare }: Answer): CallToolResult => ({
  content: [{ type: "text", text: JSON.stringify(bare ?? structured) }],
  structuredContent: structured,
});

/** An error for the log. */
export const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
