import { setTimeout as delay } from "node:timers/promises";

/** How often it is looked whether anything is open, in milliseconds, and the least pause between two looks. */
const LOOK_MS = 1000;
const LEAST_MS = 10;

/** Whether somebody is served, and for how long nobody is, on a clock that nobody can set. */
export type Activity = {
  /** Somebody is served from now on, until the function that it returns is called; a second call of that does nothing. */
  begin(): () => void;
  /** Milliseconds since the last one was served; 0 while one is. */
  quietMs(): number;
};

/** Nobody is served yet. */
export function activity(): Activity {
  let served = 0;
  let lastMs = performance.now();
  return {
    begin() {
      let isServed = true;
      served += 1;
      return () => {
        if (!isServed) return;
        isServed = false;
        served -= 1;
        lastMs = performance.now();
      };
    },
    quietMs: () => (served > 0 ? 0 : performance.now() - lastMs),
  };
}

/**
 * Resolves once nobody was served and nothing was open for `forMs` milliseconds. Where it cannot be told whether something
 * is open, it may be.
 */
export async function untilIdle(
  { quietMs }: Pick<Activity, "quietMs">,
  isOpen: () => Promise<boolean>,
  forMs: number,
): Promise<void> {
  let openMs = performance.now();
  for (;;) {
    if (await isOpen().catch(() => true)) openMs = performance.now();
    const idleMs = Math.min(quietMs(), performance.now() - openMs);
    if (idleMs >= forMs) return;
    await delay(Math.min(LOOK_MS, Math.max(LEAST_MS, forMs - idleMs)), undefined, { ref: false });
  }
}
