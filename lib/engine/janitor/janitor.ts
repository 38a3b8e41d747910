import type { Inventory, Pace, Place } from "../../backends/inventory.ts";
import type { Ports } from "../ports.ts";
import { sweepRuntimes } from "../shared-runtimes/housekeeping.ts";
import { type Kept, keepWarm } from "../shared-runtimes/keep-warm.ts";
import { paceOf } from "./pace.ts";
import { removeStrayQueueItems } from "./queue-items.ts";
import { freeSlots } from "./slots.ts";
import { removeUnknown } from "./unknown-runtimes.ts";

/** A small share of what AgentCore and CloudWatch Logs take from an account. */
const REQUESTS_PER_SECOND = 5;
/** Logs wait for days, and what an owner's tasks left is looked for at once where others wait for it; of both there is much. */
const RARELY_MS = 3_600_000;

/** What a pass over the platform found. */
export type Swept = { warm: Kept; runtimes: Awaited<ReturnType<typeof sweepRuntimes>>; unknown: number; logs: number };

/**
 * Looks for what is left on the platform: runtimes that tasks shared, those that no record knows, and the logs of those that are
 * gone. Each pass does what there is time for, the oldest first, and the next goes on; what cannot be done is logged.
 */
export class Sweeper {
  readonly #ports: Ports;
  #rarelyAtMs = Number.NEGATIVE_INFINITY;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** `mayGoOn` says whether there is time for another request; default always. */
  async sweep(mayGoOn: () => boolean = () => true): Promise<Swept> {
    const pace = paceOf({ perSecond: REQUESTS_PER_SECOND, mayGoOn, steady: this.#ports.steady });
    const warm = await keepWarm(this.#ports, { mayGoOn });
    const swept: Swept = { warm, runtimes: await sweepRuntimes(this.#ports, { mayGoOn, pace }), unknown: 0, logs: 0 };
    const known = await this.#ports.store.listRuntimes();
    const isTimeForAll = this.#ports.now() - this.#rarelyAtMs >= RARELY_MS;
    for (const { name, inventory } of Object.values(this.#ports.backends)) {
      if (!inventory) continue;
      const places = known.filter(({ backend }) => backend === name);
      swept.unknown += await removeUnknown(this.#ports, places, inventory, pace);
      if (!isTimeForAll) continue;
      for (const place of inventory.places(places)) swept.logs += await this.#tidyLogs(place, inventory, pace);
    }
    if (isTimeForAll) await this.#lookThroughOwners(mayGoOn);
    if (isTimeForAll && mayGoOn()) this.#rarelyAtMs = this.#ports.now();
    return swept;
  }

  /** Also those of whom nobody waits. */
  async #lookThroughOwners(mayGoOn: () => boolean): Promise<void> {
    for (const owner of await this.#ports.store.listOwners()) {
      if (!mayGoOn()) return;
      try {
        await freeSlots(this.#ports, owner);
        await removeStrayQueueItems(this.#ports, owner);
      } catch (error) {
        this.#ports.log.warn("what an owner's tasks left could not be looked through", { owner, error: String(error) });
      }
    }
  }

  async #tidyLogs(place: Place, inventory: Inventory, pace: Pace): Promise<number> {
    const { accountProfile, region } = place;
    let found = 0;
    try {
      for await (const { thing, name } of inventory.tidyLogs(place, pace)) {
        this.#ports.observe.decided({ decision: "found", thing, name, region });
        found++;
      }
    } catch (error) {
      const failure = { accountProfile, region, error: String(error) };
      this.#ports.log.warn("the logs of runtimes at a place could not be put in order", failure);
    }
    return found;
  }
}
