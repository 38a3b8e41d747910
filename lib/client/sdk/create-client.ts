import type { LocalPlace } from "../http/door.ts";
import { findOrStartLocal } from "../local/start.ts";
import { Client } from "./client.ts";
import { Endpoint } from "./endpoint.ts";

export type ClientOptions = {
  /** For how long a lost connection is tried again, in milliseconds; default 30 s, and 0 gives up at once. */
  patienceMs?: number;
  /** Told the reason when the connection is lost, and when there is one again. */
  onLost?: (reason: string) => void;
  onBack?: () => void;
};

const PATIENCE_MS = 30_000;

/**
 * A client of the local system of that place: the one that runs, or one that is started in the background. Nothing is looked
 * for before the first call.
 *
 * @example
 * await using client = createClient({ local: {} });
 * const task = await client.spawn({ instruction: "Say hello" });
 * for await (const text of task.logs({ follow: true })) process.stdout.write(text);
 * const { status, result } = await task.result();
 */
export function createClient({ local }: { local: LocalPlace }, options: ClientOptions = {}): Client {
  const locate = () => findOrStartLocal(local);
  return new Client(new Endpoint(locate, { patienceMs: PATIENCE_MS, ...options }));
}
