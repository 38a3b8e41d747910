/** That what the runs leave is sought, and that what none of them meets is told. */
import { expect, it } from "vitest";
import { Coverage, type Meeting } from "./coverage.ts";
import { pointNamed, pointText } from "./points.ts";

const KILLED = "Watch store.change killed before";
const others = ["killed after", "answer lost", "20 s late", "150 s late", "unavailable"].map(
  (fault) => `Watch store.change ${fault}`,
);

type Made = { seed: number; also: string[] };

/** Repeats meet what `meets` says; a further seed has nothing but the effect that is its number in `later`. */
async function completed(
  coverage: Coverage,
  meets: (also: string[]) => string[],
  later: Readonly<Record<number, string>> = {},
): Promise<Made[][]> {
  const rounds: Made[][] = [];
  const runAll = async (asked: { seed: number; also?: string[] }[]): Promise<Meeting[]> => {
    rounds.push(asked.map(({ seed, also = [] }) => ({ seed, also })));
    return asked.map(({ seed, also = [] }) => ({ seed, met: meets(also), seen: later[seed] ? [later[seed]] : [] }));
  };
  await coverage.complete(runAll, { nextSeed: 1001, fits: (seed) => Object.hasOwn(later, seed) });
  return rounds;
}

it("each point that is left is met by a run once more that has its effect, several in one where these are of several effects", async () => {
  const coverage = new Coverage(["Watch store.change", "Fail store.get"]);
  coverage.note({ seed: 1, met: [KILLED], seen: ["Watch store.change"] });
  coverage.note({ seed: 2, met: [], seen: ["Watch store.change", "Fail store.get"] });
  const [first, ...rest] = await completed(coverage, (also) => also);
  expect(rest).toEqual([]);
  expect(first?.flatMap(({ also }) => also).sort()).toEqual(
    [
      ...others,
      KILLED.replace("Watch store.change", "Fail store.get"),
      ...others.map((each) => each.replace("Watch store.change", "Fail store.get")),
    ].sort(),
  );
  for (const { seed, also } of first ?? []) {
    expect(new Set(also.map((name) => name.split(" ").slice(0, 2).join(" "))).size).toBe(also.length);
    if (also.some((name) => name.startsWith("Fail"))) expect(seed).toBe(2);
  }
  expect(coverage.unmet).toEqual([]);
});

it("what did not come up is tried again alone, and told when no run meets it", async () => {
  const coverage = new Coverage(["Watch store.change", "Fail store.get"]);
  coverage.note({ seed: 1, met: others, seen: ["Watch store.change"] });
  const rounds = await completed(coverage, () => []);
  expect(rounds.length).toBeGreaterThan(1);
  for (const repeats of rounds) expect(repeats).toEqual([{ seed: 1, also: [KILLED] }]);
  expect(coverage.unmet.map(pointText)).toContain(KILLED);
  // No run of a seed has had it.
  expect(coverage.unmet.map(pointText)).toContain("Fail store.get killed before");
});

it("an effect that no run has had is sought in further seeds that may have it", async () => {
  const coverage = new Coverage(["Fail store.get"]);
  const [sought, ...rest] = await completed(coverage, (also) => also, {
    1030: "Watch store.get",
    1040: "Fail store.get",
  });
  expect(sought).toEqual([1030, 1040].map((seed) => ({ seed, also: [] })));
  expect(
    rest
      .flat()
      .filter(({ also }) => also.some((name) => name.startsWith("Fail")))
      .map(({ seed }) => seed),
  ).toEqual(Array(6).fill(1040));
  expect(coverage.unmet).toEqual([]);
});

it("an effect that the catalogue lacks is told, and its points are met all the same", async () => {
  const coverage = new Coverage([]);
  coverage.note({ seed: 7, met: [], seen: ["Watch store.change"] });
  expect(coverage.unknown).toEqual(["Watch store.change"]);
  await completed(coverage, (also) => also);
  expect(coverage.unmet).toEqual([]);
  expect(coverage.points).toHaveLength(6);
});

it("a point is what its name says, and another name is none", () => {
  expect(pointNamed(KILLED)).toEqual({
    by: "Watch",
    operation: "store.change",
    fault: { kind: "kill", when: "before" },
  });
  expect(pointText(pointNamed("Watch call called twice at once"))).toBe("Watch call called twice at once");
  expect(() => pointNamed("Watch store.change at noon")).toThrow("there is no point");
});
