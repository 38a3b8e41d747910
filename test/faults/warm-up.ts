import { run } from "./run.ts";
import { type Place, scenarioOf, type Wish } from "./scenario.ts";
import type { StandIns } from "./world.ts";

/**
 * Runs in which nothing goes wrong, and everything is loaded that loads itself when it is first needed: files that are read take
 * turns that no seed decides about. Throws when one of them is not as it should be.
 */
export async function warmUp(standIns: StandIns): Promise<void> {
  const places: Place[] = ["shared runtime", "own runtime", "session", "narrow", "contract-less"];
  const job = { seconds: 30, lines: 3, asks: 1, files: 1, end: "succeeded" } as const;
  const partsOf = (...names: string[]) => ({
    jobs: names.map((name) => ({ ...job, asks: 0, name })),
    places: names.map(() => "talk" as const),
    ...{ atOnce: 1, failFast: false, hasAggregate: false },
  });
  const made = [partsOf("part-0"), { ...partsOf("turn-0", "turn-1", "turn-2"), rounds: 2 }];
  const all: Pick<Wish, "place" | "parts">[] = [
    ...places.map((place) => ({ place })),
    ...made.map((parts) => ({ place: "parts" as const, parts })),
  ];
  const runs = [
    { store: "sqlite", createFails: undefined },
    { store: "dynamodb", createFails: undefined },
    { store: "sqlite", createFails: "the image cannot be pulled" },
  ] as const;
  for (const { store, createFails } of runs) {
    const { agentCore, ...scenario } = scenarioOf(0);
    const report = await run(0, standIns, {
      ...scenario,
      store,
      wishes: all.map((own, index) => ({
        ...own,
        job: { ...job, asks: own.place === "contract-less" ? 0 : 1, name: `job-${index}` },
        owner: "one",
        atMs: index,
        timeoutSeconds: 3600,
        isWaited: index % 2 === 0,
        ...(index === 4 && { cancelAfterMs: 60_000 }),
        vanishes: false,
      })),
      incidents: [],
      limits: { maxRunning: 10, timeoutSeconds: 3600 },
      agentCore: {
        unseenMs: 0,
        creatingMs: 0,
        endpointMs: 0,
        deletingMs: 0,
        refusing: { forMs: 0, error: "ResourceNotFoundException" },
        ...(createFails !== undefined && { createFails }),
      },
      targets: [],
      rates: { effect: 0, call: 0 },
      trouble: { forMs: 0, most: 0 },
    });
    const expected = createFails === undefined ? 11 : 9;
    const succeeded = report.statuses.filter((status) => status === "succeeded").length;
    if (report.broken.length > 0 || succeeded !== expected)
      throw new Error(`without any fault: ${report.statuses}\n${report.broken.join("\n")}\n${report.lines.join("\n")}`);
  }
}
