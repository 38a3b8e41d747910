import type { DoorOptions, Target } from "../http/door.ts";
import { openDoor } from "../http/open-door.ts";
import { Client } from "./client.ts";
import { type ConnectionOptions, DoorConnection } from "./connection.ts";

/**
 * A client of one system: that at an address (`endpoint`), that of a CloudFormation stack (`stack`), or a `local` one, which is
 * started in the background where none runs. Nothing is looked for before the first call. Throws RefusedError
 * `endpoint.address_invalid` or `endpoint.insecure` for an address that cannot be one.
 *
 * @example
 * const client = createClient({ local: {} });
 * const task = await client.spawn({ instruction: "Say hello" });
 * for await (const text of task.logs({ follow: true })) process.stdout.write(text);
 * const { status, result } = await task.result();
 * await client.close();
 */
export const createClient = (target: Target, options: ConnectionOptions = {}): Client =>
  clientOf(target, {
    async findLocal(place) {
      // Only those who mean this machine start programs on it.
      const { findOrStartLocal } = await import("../local/start.ts");
      return findOrStartLocal(place);
    },
    ...options,
  });

/** The same where somebody else finds local systems. */
export function clientOf(target: Target, { findLocal, env, ...options }: ConnectionOptions & DoorOptions): Client {
  const door = openDoor(target, { findLocal, ...(env && { env }) });
  return new Client(new DoorConnection(door, { isLocal: "local" in target, ...options }));
}
