import type { Database } from "./database.ts";

const DAY_MS = 86_400_000;
const MOST_MS = 2 * DAY_MS;

/** The time as it was when the clock was seen, both in epoch milliseconds. */
type Seen = { time_ms: number; seen_ms: number };

/**
 * The time by which tasks expire. A clock may be wrong for a while, and what was deleted does not come back: so this time
 * follows the clock over a leap by two days at most, and goes on only once the clock was seen a day later. It is kept in the
 * file, for all who have that open.
 */
export function expiryClock(db: Database, now: () => number) {
  const select = db.prepare("SELECT time_ms, seen_ms FROM expiry_clock");
  const put = db.prepare("INSERT OR REPLACE INTO expiry_clock (number, time_ms, seen_ms) VALUES (0, ?, ?)");
  const newest = db.prepare("SELECT max(created_ms) AS ms FROM tasks");
  let known: Seen | undefined;

  const sinceMs = ({ seen_ms }: Seen): number => now() - seen_ms;
  const isFresh = (seen: Seen): boolean => sinceMs(seen) >= 0 && sinceMs(seen) < DAY_MS;

  /** The first time that is seen may be wrong as well; tasks that are there already are a witness. */
  function first(): Seen {
    const { ms } = newest.get() as { ms: number | null };
    return { time_ms: Math.min(now(), ms ?? now()), seen_ms: now() };
  }

  /** Set back, the clock counts anew from where it is. */
  function moved(seen: Seen): Seen {
    const time_ms = Math.max(seen.time_ms, Math.min(now(), seen.time_ms + MOST_MS));
    return { time_ms: sinceMs(seen) < 0 ? seen.time_ms : time_ms, seen_ms: now() };
  }

  return {
    /** Epoch milliseconds. */
    time(): number {
      if (!known) return 0;
      return known.time_ms + Math.min(Math.max(0, sinceMs(known)), DAY_MS);
    },

    /** Takes note of the clock, which is seldom more than a look at it. Not to be called inside a transaction. */
    see(): void {
      if (known && isFresh(known)) return;
      try {
        known = db.write(() => {
          const stored = select.get() as Seen | undefined;
          if (stored && isFresh(stored)) return stored;
          const next = stored ? moved(stored) : first();
          put.run(next.time_ms, next.seen_ms);
          return next;
        });
      } catch {
        // Nothing more expires for now, on a full disk for instance; whoever writes next is told what is wrong.
      }
    },
  };
}
