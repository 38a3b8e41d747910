import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitingBound } from "../../../lib/contract/cloud.ts";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import type { Place } from "../../../lib/store/waiting-places.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite?.stop());

/** Places of a table of its own, with a clock that stands still. */
async function open(places: number, ofOwner = places) {
  let nowMs = 1_700_000_000_000;
  const store = openTaskStore({ tableName: await dynalite.makeTable(), client: dynalite.client, now: () => nowMs });
  const waiting = store.waitingPlaces(async () => ({ places, ofOwner }));
  return {
    waiting,
    advance: (seconds: number) => {
      nowMs += seconds * 1000;
    },
    /** Of so many calls that come at once, each of an owner of its own, those that got a place. */
    takeAtOnce: async (calls: number, ownerOf = (call: number) => `owner-${call}`) => {
      const all = await Promise.all(Array.from({ length: calls }, (_, call) => waiting.take(ownerOf(call), 25)));
      return all.filter((place): place is Place => place !== undefined);
    },
  };
}

describe("places for calls that wait", () => {
  it("are never more than there may be, however many come at once", async () => {
    const { takeAtOnce } = await open(4);
    expect(await takeAtOnce(30)).toHaveLength(4);
    expect(await takeAtOnce(10)).toEqual([]);
  });

  it("are found while most are free, and reached by every owner", async () => {
    // A call tries four of its places only: with 2 of 100 taken, one in some ten million finds none.
    const { waiting } = await open(1000, 500);
    for (let owner = 0; owner < 20; owner++) expect(await waiting.take(`owner-${owner}`, 25)).toBeDefined();
  });

  it("are no more of one owner than it may have, so that others get theirs", async () => {
    const { takeAtOnce } = await open(8, 2);
    expect(await takeAtOnce(20, () => "greedy")).toHaveLength(2);
    expect((await takeAtOnce(60)).length).toBe(6);
  });

  it("are free again as soon as they are given back, and without that once their time is over", async () => {
    const { waiting, advance } = await open(1);
    const first = await waiting.take("one", 25);
    await first?.leave();
    const second = await waiting.take("other", 25);
    expect(second).toBeDefined();
    // Whoever gives back what is not its own any more gives back nothing.
    await first?.leave();
    expect(await waiting.take("one", 25)).toBeUndefined();
    advance(36);
    expect(await waiting.take("one", 25)).toBeDefined();
    await second?.leave();
    expect(await waiting.take("other", 25)).toBeUndefined();
  });

  it("are not there where none may wait, or where nobody can say", async () => {
    const { takeAtOnce } = await open(0);
    expect(await takeAtOnce(3)).toEqual([]);
    const store = openTaskStore({ tableName: "there-is-none", client: dynalite.client });
    const places = store.waitingPlaces(async () => ({ places: 4, ofOwner: 4 }));
    expect(await places.take("one", 25)).toBeUndefined();
    const unknown = store.waitingPlaces(() => Promise.reject(new Error("no quota")));
    expect(await unknown.take("one", 25)).toBeUndefined();
  });
});

it.each([
  [{}, 10, { places: 4, ofOwner: 2 }],
  [{}, 1000, { places: 400, ofOwner: 200 }],
  [{ mcp: 50 }, 1000, { places: 20, ofOwner: 10 }],
  [{ mcp: null, waiting: 7, waitingOfOwner: 3 }, 1000, { places: 7, ofOwner: 3 }],
  [{ waiting: 0 }, 1000, { places: 0, ofOwner: 0 }],
])("%o of %d functions is %o", (concurrency, ofAccount, bound) => {
  expect(waitingBound(concurrency, ofAccount)).toEqual(bound);
});
