import { listed } from "../listing.ts";
import type { ServedTool, ToolOf } from "../tool.ts";
import { callTool } from "./call-tool.ts";

/** The tool, where `of` has what it acts on. */
export const serve = <Of>(tool: ToolOf<Of>, of: (owner: string) => Of): ServedTool => ({
  name: tool.name,
  listed: () => listed(tool),
  ...(tool.notifies && { notifies: tool.notifies }),
  call: (scope, context) =>
    callTool(tool, (given, waiting) => tool.call(of(scope.owner), given, waiting), scope, context),
});
