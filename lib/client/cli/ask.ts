import type { ToolArguments, ToolName, ToolResult } from "../../contract/tools/index.ts";
import type { Client } from "../sdk/client.ts";
import type { Context } from "./context.ts";
import { openForRun, type Place } from "./local-system.ts";

/** Asks the system that runs, or one that is started for this question. */
export const ask = <Name extends ToolName>(
  context: Context,
  place: Place,
  tool: Name,
  args: ToolArguments<Name>,
): Promise<ToolResult<Name>> => asking(context, place, (client) => client.call(tool, args));

/** The same for several questions. */
export async function asking<T>(context: Context, place: Place, use: (client: Client) => Promise<T>): Promise<T> {
  const system = openForRun(context, place, () => {});
  return await use(system.client).finally(() => system.close());
}
