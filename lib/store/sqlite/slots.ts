import type { Holder, TaskStore } from "../port.ts";
import type { Database } from "./database.ts";

type SlotRow = { task_id: string; profile: string; of_owner: number; of_profile: number };
type Count = { count: number };

/** The slots of all owners: a row says under which of its two limits a task takes room. */
export function slots(db: Database): Pick<TaskStore, "takeSlot" | "releaseSlot" | "listSlots"> {
  const all = db.prepare("SELECT task_id, profile, of_owner, of_profile FROM slots WHERE owner = ? ORDER BY task_id");
  const one = db.prepare("SELECT of_owner, of_profile FROM slots WHERE owner = ? AND task_id = ?");
  const inAll = db.prepare("SELECT count(*) AS count FROM slots WHERE owner = ? AND of_owner = 1");
  const inProfile = db.prepare(
    "SELECT count(*) AS count FROM slots WHERE owner = ? AND profile = ? AND of_profile = 1",
  );
  const put = db.prepare(
    `INSERT INTO slots (owner, task_id, profile, of_owner, of_profile) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET of_owner = excluded.of_owner, of_profile = excluded.of_profile`,
  );
  const remove = db.prepare("DELETE FROM slots WHERE owner = ? AND task_id = ?");
  const isPaused = db.prepare("SELECT 1 FROM pauses WHERE of_owner = 0 OR owner = ? LIMIT 1");

  type Room = { of_owner: number; of_profile: number };
  const roomOf = (owner: string, { taskId }: Holder): Room =>
    (one.get(owner, taskId) as Room | undefined) ?? { of_owner: 0, of_profile: 0 };
  const change = (owner: string, holder: Holder, changes: Partial<Room>) => {
    const next = { ...roomOf(owner, holder), ...changes };
    if (next.of_owner + next.of_profile === 0) remove.run(owner, holder.taskId);
    else put.run(owner, holder.taskId, holder.profile, next.of_owner, next.of_profile);
  };

  return {
    async takeSlot(entry, { maxRunning, maxRunningPerProfile }, lenders = []) {
      const { owner, profile } = entry;
      return db.write(() => {
        if (isPaused.get(owner)) return "paused";
        if (roomOf(owner, entry).of_owner === 1) return "taken";
        const lender = lenders.find((each) => roomOf(owner, each).of_owner === 1);
        const isFull = (inAll.get(owner) as Count).count >= maxRunning;
        if (isFull && !lender) return "full";
        const alike = lenders.find((each) => each.profile === profile && roomOf(owner, each).of_profile === 1);
        const isProfileFull = (inProfile.get(owner, profile) as Count).count >= maxRunningPerProfile;
        const isCounted = roomOf(owner, entry).of_profile === 1;
        if (isProfileFull && !alike && !isCounted) return "profile_full";
        if (isFull && lender) change(owner, lender, { of_owner: 0 });
        if (isProfileFull && alike && !isCounted) change(owner, alike, { of_profile: 0 });
        change(owner, entry, { of_owner: 1, of_profile: 1 });
        return "taken";
      });
    },

    async releaseSlot(owner, holder, heirs = []) {
      db.write(() => {
        const room = roomOf(owner, holder);
        const heir = heirs.find((each) => roomOf(owner, each).of_owner === 0);
        const alike = heirs.find((each) => each.profile === holder.profile && roomOf(owner, each).of_profile === 0);
        change(owner, holder, { of_owner: 0, of_profile: 0 });
        if (room.of_owner === 1 && heir) change(owner, heir, { of_owner: 1 });
        if (room.of_profile === 1 && alike) change(owner, alike, { of_profile: 1 });
      });
    },

    async listSlots(owner) {
      const rows = db.read(() => all.all(owner)) as SlotRow[];
      const ids = (some: SlotRow[]) => some.map(({ task_id }) => task_id);
      const byProfile = Map.groupBy(
        rows.filter(({ of_profile }) => of_profile === 1),
        ({ profile }) => profile,
      );
      return {
        running: ids(rows.filter(({ of_owner }) => of_owner === 1)),
        byProfile: Object.fromEntries([...byProfile].map(([profile, some]) => [profile, ids(some)])),
      };
    },
  };
}
