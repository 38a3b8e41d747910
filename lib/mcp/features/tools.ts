import { ProtocolError, ProtocolErrorCode, type Tool } from "@modelcontextprotocol/server";
import type { Feature } from "../feature.ts";
import type { ServedTool } from "../tool.ts";

/** `tools/list` and `tools/call`. */
export function toolsFeature(served: readonly ServedTool[]): Feature {
  // Made when first listed: the schemas would be a tenth of what the function takes to start.
  let list: Tool[] | undefined;
  const byName = new Map(served.map((tool) => [tool.name, tool]));
  return {
    capabilities: () => ({ tools: { listChanged: false } }),
    register(server, scope) {
      server.setRequestHandler("tools/list", () => {
        list ??= served.map((tool) => tool.listed());
        return { tools: list };
      });
      server.setRequestHandler("tools/call", ({ params }, context) => {
        const tool = byName.get(params.name);
        if (tool) return tool.call(scope, context);
        const name = JSON.stringify(params.name.slice(0, 100));
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool ${name}; tools/list names them`);
      });
    },
  };
}
