/** How long visits of Watch last, and how far apart they are, at the pace of the cloud. */
import { describe, expect, it } from "vitest";
import { cloudPace } from "../../lib/system/aws.ts";
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
    pace: cloudPace,
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
    const { visits, pauses, seenAfterMs } = await watched(95 * SECOND_MS);
    expect(visits).toBe(1);
    expect(pauses).toEqual([]);
    expect(seenAfterMs).toBeLessThanOrEqual(ANSWER_MS);
  });

  it("lasts no longer than a look once that costs more, and the end of a job is seen within a tenth of what it has lasted", async () => {
    const { visits, pauses, heldMs, seenAfterMs } = await watched(300 * SECOND_MS);
    // What a task of five minutes may cost: see docs/COSTS.md.
    expect(visits).toBeLessThanOrEqual(14);
    expect(heldMs).toBeLessThanOrEqual(110 * SECOND_MS);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(10);
    expect(seenAfterMs).toBeLessThanOrEqual(31 * SECOND_MS);
  });

  it("comes a minute after the other in the end", async () => {
    const { visits, pauses, heldMs, seenAfterMs } = await watched(7.4 * HOUR_MS);
    expect(heldMs).toBeGreaterThan(90 * SECOND_MS);
    expect(heldMs).toBeLessThanOrEqual(110 * SECOND_MS);
    expect(pauses).toEqual(pauses.toSorted((one, other) => one - other));
    expect(pauses.at(-1)).toBe(60);
    expect(seenAfterMs).toBeLessThanOrEqual(60 * SECOND_MS);
    // A task state is five events, a pause and a choice two each; the rest of the definition is passed once.
    expect(visits * 9 + 60).toBeLessThan(20_000);
  });

  it("is a minute away while somebody else asks, who sees the end as well", async () => {
    const pauses: number[] = [];
    await using system = virtualSystem({
      durationMs: () => 300 * SECOND_MS,
      pace: cloudPace,
      wrap: (state, step) => async (ports, input) => {
        const isLate = ports.now() - begunMs > 150 * SECOND_MS;
        // Somebody else has the lease, whenever Watch looks.
        if (state === "Watch" && isLate && pauses.length < 3)
          await ports.store.change(input.id, (task) => ({
            ...task,
            lease: { holder: "another", untilMs: ports.now() + 15_000 },
          }));
        const output = await step(ports, input);
        if (state === "Watch" && isLate && output.again) pauses.push(output.waitSeconds);
        return output;
      },
    });
    const begunMs = system.clock.now();
    const { invoke } = system.backend;
    system.backend.invoke = async (task, operation, options) => {
      if (operation.op === "poll") await system.clock.sleep(operation.waitSeconds * SECOND_MS);
      return invoke(task, operation, options);
    };
    const task = await system.settled(await system.dispatch());
    expect(task.status).toBe("succeeded");
    expect(pauses.slice(0, 3)).toEqual([60, 60, 60]);
  });
});
