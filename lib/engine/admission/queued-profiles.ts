import type { QueueEntry, TaskStore } from "../../store/port.ts";

const PAGE = 10;

/** Entries of one profile, the oldest first; `isWhole` when there are no more than these. */
type Lane = { entries: QueueEntry[]; isWhole: boolean };

/** The queues of an owner's profiles, of which no more is read than their beginnings. */
export type QueuedProfiles = {
  /** The oldest entry of all profiles that are not passed over. */
  oldest(): QueueEntry | undefined;
  /** Goes on to what follows the entry in its profile. */
  next(entry: QueueEntry): Promise<void>;
  /** Leaves out the profile of the entry. */
  passOver(entry: QueueEntry): void;
};

/** Reads the beginning of each profile's queue; one request is enough where few tasks are queued. */
export async function queuedProfiles(store: TaskStore, owner: string): Promise<QueuedProfiles> {
  const lanes = new Map<string, Lane>();
  for (let after: { profile: string } | undefined; ; ) {
    const page = await store.listQueue(owner, PAGE, after);
    const isLast = page.length < PAGE;
    const lastProfile = page.at(-1)?.profile;
    for (const [profile, entries] of Map.groupBy(page, ({ profile }) => profile))
      lanes.set(profile, { entries, isWhole: isLast || profile !== lastProfile });
    if (isLast || lastProfile === undefined) break;
    after = { profile: lastProfile };
  }

  const passOver = ({ profile }: QueueEntry) => void lanes.delete(profile);
  return {
    passOver,

    oldest() {
      let oldest: QueueEntry | undefined;
      for (const { entries } of lanes.values()) {
        const first = entries[0];
        if (first && (!oldest || isOlder(first, oldest))) oldest = first;
      }
      return oldest;
    },

    async next(entry) {
      const lane = lanes.get(entry.profile);
      if (!lane) return;
      lane.entries.shift();
      if (lane.entries.length > 0) return;
      if (lane.isWhole) return passOver(entry);
      const page = await store.listQueue(owner, PAGE, entry);
      lane.entries = page.filter(({ profile }) => profile === entry.profile);
      lane.isWhole = lane.entries.length < PAGE;
    },
  };
}

const isOlder = (one: QueueEntry, other: QueueEntry): boolean =>
  one.queuedAtMs < other.queuedAtMs || (one.queuedAtMs === other.queuedAtMs && one.taskId < other.taskId);
