import { ProtocolError, ProtocolErrorCode, type Tool } from "@modelcontextprotocol/server";
import type { Toolset } from "../../contract/kinds.ts";
import type { Feature, Scope } from "../feature.ts";
import { takesTask } from "../tasks/answer.ts";
import { tasksNotDeclared } from "../tasks/refusals.ts";
import type { ServedTool } from "../tool.ts";

/** `tools/list` and `tools/call`. */
export function toolsFeature(served: readonly ServedTool[], toolset: () => Toolset): Feature {
  // Made when first listed: the schemas would be a tenth of what the function takes to start.
  let list: Tool[] | undefined;
  const byName = new Map(served.map((tool) => [tool.name, tool]));
  /** In 2025-11-25 a tool says that it may become a task; never that it must, because clients refuse to call such a one. */
  const withTaskSupport = (tool: Tool): Tool =>
    byName.get(tool.name)?.taskSupport ? { ...tool, execution: { taskSupport: "optional" } } : tool;
  return {
    capabilities: () => ({ tools: { listChanged: false }, logging: {} }),
    register(server, scope) {
      server.setRequestHandler("tools/list", () => {
        list ??= served.map((tool) => tool.listed());
        const wanted = toolset();
        const isShown = (of: Toolset | undefined) => wanted === "all" || of === undefined || of === wanted;
        const may = (tool: ServedTool | undefined) => !tool?.isHidden && (!isJob(scope) || tool?.forJobs === true);
        const shown = list.filter(({ name }) => isShown(byName.get(name)?.toolset) && may(byName.get(name)));
        return { tools: scope.revision === "2025-11-25" ? shown.map(withTaskSupport) : shown };
      });
      server.setRequestHandler("tools/call", ({ params }, context) => {
        const tool = byName.get(params.name);
        if (!tool) {
          const name = JSON.stringify(params.name.slice(0, 100));
          throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool ${name}; tools/list names them`);
        }
        if (isJob(scope) && !tool.forJobs) throw notForJobs(tool);
        const takes = takesTask(scope.era, params, context);
        refuseTaskSupport(tool, scope.era, takes);
        return tool.call({ ...scope, call: { ...scope.call, takesTask: takes } }, context);
      });
    },
  };
}

const isJob = ({ caller }: Scope): boolean => caller.within !== undefined;

const notForJobs = ({ name }: ServedTool): ProtocolError =>
  new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `The tool ${name} is not for the agent of a task; tools/list names those that are`,
  );

/** Throws where a tool works as a task alone and the client takes none, or the other way round. */
function refuseTaskSupport({ name, taskSupport }: ServedTool, era: Scope["era"], takes: boolean): void {
  if (era === "modern" && taskSupport === "required" && !takes) throw tasksNotDeclared();
  // https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks#tool-level-negotiation
  if (era === "legacy" && !taskSupport && takes)
    throw new ProtocolError(ProtocolErrorCode.MethodNotFound, `The tool ${name} cannot be called as a task`);
}
