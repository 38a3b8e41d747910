/** An MCP server made with its official library, as a container runs it: with one tool, or with those that TOOLS names. */
import { serve } from "@hono/node-server";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";

const names = (process.env.TOOLS ?? "run_task").split(",");
const handler = createMcpHandler(() => {
  const server = new McpServer(
    { name: "agent", version: "1.0.0" },
    { capabilities: { tools: { listChanged: false } } },
  );
  for (const name of names)
    server.registerTool(
      name,
      {
        description: "Runs a task",
        inputSchema: z.object({ prompt: z.string(), context: z.record(z.string(), z.unknown()).optional() }),
      },
      async ({ prompt, context }, extra) => {
        await extra.mcpReq.notify?.({
          method: "notifications/progress",
          params: { progressToken: extra.mcpReq._meta?.progressToken, progress: 1, message: "half" },
        });
        if (prompt.includes("throw")) throw new Error("the tool is gone");
        return {
          content: [{ type: "text", text: `${name}: ${prompt}` }],
          ...(context && { structuredContent: { context } }),
        };
      },
    );
  return server;
});
serve({ fetch: (request) => handler.fetch(request), port: Number(process.env.PORT), hostname: "127.0.0.1" });
