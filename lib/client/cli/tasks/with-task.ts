import type { Client } from "../../sdk/client.ts";
import type { ClientTask } from "../../sdk/task.ts";
import type { Context } from "../context.ts";
import { openReading, openRunning } from "../systems/open-client.ts";
import type { Place } from "../systems/place.ts";
import { findTaskId, knownTo } from "../task-id.ts";

/** What every command about tasks may be given. */
export type TaskOptions = Place & { json?: boolean };

type Use<T> = (subject: T) => Promise<number>;

/** Runs a command with a client of what only reads: of a system that runs, or of what its state folder holds. */
export const reading = (context: Context, place: Place, use: Use<Client>): Promise<number> =>
  using(openReading(context, place), use);

/** The same about one task, named by its id or by the beginning of it. */
export const readingTask = (context: Context, place: Place, text: string, use: Use<ClientTask>): Promise<number> =>
  reading(context, place, async (client) => use(await taskOf(context, place, client, text)));

/** Runs a command about one task at a system that runs. */
export const atTask = (context: Context, place: Place, text: string, use: Use<ClientTask>): Promise<number> =>
  using(openRunning(context, place), async (client) => use(await taskOf(context, place, client, text)));

/** The task that a text names. Throws as `findTaskId` does. */
export const taskOf = async (context: Context, place: Place, client: Client, text: string): Promise<ClientTask> =>
  client.task(await findTaskId(client, text, knownTo(context, place)));

async function using(opening: Promise<Client>, use: Use<Client>): Promise<number> {
  const client = await opening;
  return await use(client).finally(() => client.close());
}
