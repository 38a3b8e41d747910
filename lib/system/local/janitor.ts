import { Sweeper } from "../../engine/janitor/janitor.ts";
import type { Ports } from "../../engine/ports.ts";
import { recoverDue } from "../../engine/recovery.ts";

const EVERY_MS = 30_000;

/**
 * Recovers what is due, and removes what is left on platforms, twice a minute, until it is disposed of. A turn that comes much too
 * late by either clock means that nothing ran here meanwhile (the machine slept, the process was stopped) or that the clock was
 * set: then the tasks that became due had no chance in between.
 */
export function startJanitor(ports: Ports, everyMs = EVERY_MS): Disposable {
  let lastAt = { wallMs: ports.now(), steadyMs: performance.now() };
  const sweeper = new Sweeper(ports);
  const turn = async () => {
    const at = { wallMs: ports.now(), steadyMs: performance.now() };
    const gapMs = Math.max(at.wallMs - lastAt.wallMs, at.steadyMs - lastAt.steadyMs);
    lastAt = at;
    try {
      await recoverDue(ports, { hadChance: gapMs < 2 * everyMs });
      await sweeper.sweep(() => !ports.closing.aborted);
    } catch (error) {
      ports.log.error("the janitor failed", { error: String(error) });
    }
  };
  const timer = setInterval(() => void turn(), everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
