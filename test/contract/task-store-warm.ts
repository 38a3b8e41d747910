import { describe, expect, it } from "vitest";
import type { WarmSession } from "../../lib/contract/runtimes.ts";
import { newTaskId, randomHex } from "../../lib/contract/task-id.ts";
import { makeTask } from "./make-task.ts";
import { sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const newSession = (profile: string): Omit<WarmSession, "id" | "revision"> => ({
  profile,
  state: "making",
  task: makeTask({
    status: "provisioning",
    session: { id: `ad-${randomHex(16)}`, state: "open", inFlight: {}, sent: 0 },
  }),
  madeAtMs: 1,
});

export function warmSuite(open: OpenStoreFunction): void {
  describe("sessions that are kept ready", () => {
    const store = sharedStore(open);
    const newProfile = () => `p${randomHex(8)}`;

    it("come back as they were written, by profile, and none that never was", async () => {
      const [profile, longer] = [newProfile(), newProfile()].map((name, n) => (n === 0 ? name : `${name}x`)) as [
        string,
        string,
      ];
      const bare = newSession(profile);
      const full = {
        ...newSession(profile),
        state: "taken" as const,
        fits: "a",
        seenAtMs: 2,
        bootId: "b",
        inFlightUntilMs: 3,
        takenBy: newTaskId(),
      };
      expect(await store().changeWarm(`${profile}/0`, () => undefined)).toBeUndefined();
      expect(await store().changeWarm(`${profile}/0`, () => bare)).toEqual({
        ...bare,
        id: `${profile}/0`,
        revision: 1,
      });
      await store().changeWarm(`${profile}/1`, () => full);
      await store().changeWarm(`${longer}/0`, () => newSession(longer));
      expect(await store().changeWarm(`${profile}/1`, () => undefined)).toMatchObject({ revision: 1 });
      expect(await store().listWarm(profile)).toEqual([
        { ...bare, id: `${profile}/0`, revision: 1 },
        { ...full, id: `${profile}/1`, revision: 1 },
      ]);
      const all = (await store().listWarm()).map(({ id }) => id);
      expect(all).toEqual(expect.arrayContaining([`${profile}/0`, `${profile}/1`, `${longer}/0`]));
    });

    it("are listed without one that another version of the program wrote", async () => {
      const profile = newProfile();
      await store().changeWarm(`${profile}/0`, () => newSession(profile));
      await store().changeWarm(`${profile}/1`, () => ({
        ...newSession(profile),
        state: "of another version" as "ready",
      }));
      expect(await store().listWarm(profile)).toMatchObject([{ id: `${profile}/0` }]);
      expect((await store().listWarm()).map(({ id }) => id)).toContain(`${profile}/0`);
    });

    it("are noted by one of many, and taken by one of many", async () => {
      const profile = newProfile();
      const id = `${profile}/0`;
      const sessions = Array.from({ length: 8 }, () => newSession(profile));
      const noted = await Promise.all(
        sessions.map((each) => store().changeWarm(id, (seen) => (seen ? undefined : each))),
      );
      const [first] = await store().listWarm(profile);
      expect(noted.every((each) => each?.task.id === first?.task.id)).toBe(true);
      await store().changeWarm(id, (seen) => seen && { ...seen, state: "ready" });
      const takers = Array.from({ length: 8 }, () => newTaskId());
      const taken = await Promise.all(
        takers.map((takenBy) =>
          store().changeWarm(id, (seen) =>
            seen?.state === "ready" ? { ...seen, state: "taken", takenBy } : undefined,
          ),
        ),
      );
      expect(takers.filter((taskId, n) => taken[n]?.takenBy === taskId)).toHaveLength(1);
    });
  });
}
