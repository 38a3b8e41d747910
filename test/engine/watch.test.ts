/** How long visits of Watch last, and how far apart they are, at the pace of the cloud. */
import { describe, expect, it } from "vitest";
import { virtualSystem } from "../fixtures/virtual-system.ts";

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
/** What ends a job is said by the next answer of its worker, which comes within this. */
const ANSWER_MS = 10_000;

/** A job of so long, with a worker that takes the time that it is given to answer; and what Watch did meanwhile. */
async function watched(durationMs: number) {
  const pauses: number[] = [];
  let heldMs = 0;
  await using system = virtualSystem({
    durationMs: () => durationMs,
    limits: { timeoutSeconds: 27_000 },
    pace: { visitSeconds: 90, maxPauseSeconds: 60 },
    wrap: (state, step) => async (ports, input) => {
      const begunMs = ports.now();
      const output = await step(ports, input);
      if (state !== "Watch") return output;
      heldMs += ports.now() - begunMs;
      if (output.again) pauses.push(output.waitSeconds);
      return output;
    },
  });
  const { backend, clock } = system;
  const { invoke } = backend;
  backend.invoke = async (task, operation, options) => {
    if (operation.op === "poll") await clock.sleep(operation.waitSeconds * SECOND_MS);
    return invoke(task, operation, options);
  };
  const task = await system.settled(await system.dispatch());
  expect(task.status).toBe("succeeded");
  const { running = "", completing = "" } = task.phases;
  const seenAfterMs = Date.parse(completing) - Date.parse(running) - durationMs;
  return { visits: system.visits.Watch ?? 0, pauses, heldMs, seenAfterMs };
}

describe("a visit", () => {
  it("holds on for as long as that costs less than another turn, so that the end of a short job is seen at once", async () => {
    const { visits, pauses, seenAfterMs } = await watched(200 * SECOND_MS);
    expect(visits).toBe(3);
    expect(pauses).toEqual([2, 2]);
    expect(seenAfterMs).toBeLessThanOrEqual(ANSWER_MS);
  });

  it("lasts no longer than a look once that costs more; the pauses grow to a minute", async () => {
    const { visits, pauses, heldMs, seenAfterMs } = await watched(7.4 * HOUR_MS);
    expect(heldMs).toBeGreaterThan(200 * SECOND_MS);
    // A pause is a twentieth of what the job has lasted: from 220 s on a turn is cheaper.
    expect(heldMs).toBeLessThan(235 * SECOND_MS);
    const later = pauses.filter((seconds) => seconds > 2);
    expect(Math.min(...later)).toBeGreaterThanOrEqual(11);
    expect(later).toEqual(later.toSorted((one, other) => one - other));
    expect(later.at(-1)).toBe(60);
    expect(seenAfterMs).toBeLessThanOrEqual(60 * SECOND_MS);
    // A task state is five events, a pause and a choice two each; the rest of the definition is passed once.
    expect(visits * 9 + 60).toBeLessThan(20_000);
  });
});
