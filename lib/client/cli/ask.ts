import type { ToolArguments, ToolName, ToolResult } from "../../contract/tools/index.ts";
import type { LocalPlace } from "../http/door.ts";
import type { Client } from "../sdk/client.ts";
import type { Context } from "./context.ts";
import { openForRun } from "./systems/open-client.ts";
import { onThisMachine, type Place } from "./systems/place.ts";

/** Asks the system that is meant; of local ones that which runs, or one that is started for this question. */
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

/** Where the agents are, which live in folders of this machine. Throws InvalidInputError for a system elsewhere. */
export async function whereAgentsLive({ local }: Context, place: Place): Promise<LocalPlace> {
  const here = onThisMachine(place, "agents, which live in folders of this machine");
  // Named, so that no variable leads elsewhere.
  return { ...here, stateDir: await local.stateDir(here) };
}
