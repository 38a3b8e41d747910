import { readConfiguration } from "../../../config/config-file.ts";
import { defined, isObject } from "../../../contract/json.ts";
import type { Client } from "../../sdk/client.ts";
import type { Context } from "../context.ts";
import { oneLine } from "../print.ts";
import { openReading } from "../systems/open-client.ts";
import type { Place } from "../systems/place.ts";
import { whatOf } from "../task-text.ts";
import { shortId } from "../tasks/task-line.ts";
import type { Candidate, Given, Known } from "./candidates.ts";

const MOST = 50;
/** A person waits for it with a finger on the key. */
const MOST_MS = 2000;

/** The newest tasks, and the runtime profiles of the configuration; none where they cannot be known. Nothing is started. */
export const knownOf = (context: Context): Known => ({
  async tasks(given) {
    const client = await openReading(context, placeOf(given)).catch(() => undefined);
    if (!client) return [];
    return await tasksOf(client)
      .catch(() => [])
      .finally(() => client.close());
  },

  async profiles(given) {
    const { config: configFile, stateDir } = placeOf(given);
    const place = defined({ cwd: process.cwd(), ownFile: true, configFile, stateDir });
    try {
      const { input } = readConfiguration(place);
      const runtimes = isObject(input) && isObject(input.runtimes) ? input.runtimes : {};
      return Object.entries(runtimes).map(([value, profile]) => ({
        value,
        description: isObject(profile) && typeof profile.framework === "string" ? oneLine(profile.framework) : "",
      }));
    } catch {
      return [];
    }
  },
});

const placeOf = ({ config, stateDir, endpoint, stack, region, profile }: Given): Place =>
  defined({ config, stateDir, endpoint, stack, region, profile });

async function tasksOf(client: Client): Promise<Candidate[]> {
  const { items } = await client.call("list_tasks", { limit: MOST }, { signal: AbortSignal.timeout(MOST_MS) });
  return items.map((task) => ({
    value: shortId(task.id),
    description: oneLine(`${task.status} ${whatOf(task)}`, 60),
  }));
}
