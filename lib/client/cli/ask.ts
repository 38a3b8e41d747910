import type { ToolArguments, ToolName, ToolResult } from "../../contract/tools/index.ts";
import type { Endpoint } from "../sdk/endpoint.ts";
import type { Context } from "./context.ts";
import { openForRun, type Place } from "./local-system.ts";

/** Asks the system that runs, or one that is started for this question. */
export const ask = <Name extends ToolName>(
  context: Context,
  place: Place,
  tool: Name,
  args: ToolArguments<Name>,
): Promise<ToolResult<Name>> => asking(context, place, (endpoint) => endpoint.call(tool, args));

/** The same for several questions. */
export async function asking<T>(context: Context, place: Place, use: (endpoint: Endpoint) => Promise<T>): Promise<T> {
  const system = openForRun(context, place, () => {});
  return await use(system.endpoint).finally(() => system.close());
}
