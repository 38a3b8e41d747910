import { createHash, randomUUID } from "node:crypto";
import type { Logger } from "../../contract/logger.ts";
import type { WaitingPlaces } from "../waiting-places.ts";
import type { Items } from "./items.ts";
import { placeKey } from "./keys.ts";

/** How many may wait: all callers together, and one owner's. */
export type WaitingBound = { places: number; ofOwner: number };

type Options = {
  bound: () => Promise<WaitingBound>;
  now: () => number;
  log?: Pick<Logger, "debug" | "warn"> | undefined;
};

/**
 * So many are tried: one is enough while few wait, and where nearly all are taken, asking again later costs less than looking
 * on.
 */
const MOST_TRIES = 4;
/** A call that is over has this long to give its place back, before somebody else may take it. */
const SPARE_SECONDS = 10;

/**
 * Places as items that stand for so long: a conditional write takes one that nobody holds, or whose time is over, so there
 * are never more, whoever dies. An owner finds its own among some of them only, which begin where the hash of its name says:
 * so it can never hold more. A call that waits costs two writes for it, one that does not wait nothing.
 */
export function waitingPlaces(items: Items, { bound, now, log }: Options): WaitingPlaces {
  return {
    async take(owner, seconds) {
      try {
        for (const place of await tried(bound, owner)) {
          const holder = randomUUID();
          const untilMs = now() + (seconds + SPARE_SECONDS) * 1000;
          const key = placeKey(place);
          const item = { ...key, holder, untilMs, expires: Math.ceil(untilMs / 1000) };
          const isFree = { expression: "attribute_not_exists(#pk) OR #untilMs <= :now", values: { now: now() } };
          if (!(await items.put(item, isFree, async () => (await items.get(key))?.holder === holder))) continue;
          return { leave: () => leave(place, holder) };
        }
      } catch (error) {
        log?.warn("nobody can say whether a call may wait", { error: String(error) });
      }
      return undefined;
    },
  };

  async function leave(place: number, holder: string): Promise<void> {
    const over = { expression: "SET #untilMs = :over", values: { over: 0, holder } };
    await items
      .update(placeKey(place), over, "#holder = :holder")
      .catch((error) => log?.debug("a place was not given back", { error: String(error) }));
  }
}

/** The numbers of the places that a call of that owner tries, in this order. */
async function tried(bound: Options["bound"], owner: string): Promise<number[]> {
  const { places, ofOwner } = await bound();
  const first = createHash("sha256").update(owner).digest().readUInt32BE();
  const left = Array.from({ length: Math.min(places, ofOwner) }, (_, index) => (first + index) % places);
  return Array.from({ length: Math.min(MOST_TRIES, left.length) }, () => {
    const [one = 0] = left.splice(Math.floor(Math.random() * left.length), 1);
    return one;
  });
}
