import { effectText, type Point, pointsOf, pointText } from "./points.ts";

/** What a run has to say of what it met: names of points, and of effects. */
export type Meeting = { seed: number; met: readonly string[]; seen: readonly string[] };
/** A run once more, that of a seed, with these points besides what the seed aims at, each at the first of its effects. */
export type Repeat = { seed: number; also: string[] };

/** Points that one run is to meet besides its own: the first that comes up is met for certain, and the others most times. */
const ALSO = [6, 1, 1, 1];

/** Seeds that are tried at a time for an effect that has not come up, and how many times. */
const SOUGHT_AT_ONCE = 6;
const SEARCHES = 8;
const MOST_UNFIT = 5000;

/**
 * Which points runs have met, and how to meet the others. The run of a seed is the same until something other than before goes
 * wrong in it; so a point whose effect some run has is met by that run once more, with the point at the first such effect.
 */
export class Coverage {
  readonly #catalogue: ReadonlySet<string>;
  readonly #met = new Set<string>();
  /** Seeds of runs that have had an effect, without anything besides what they aim at. */
  readonly #seeds = new Map<string, number[]>();
  readonly #tried = new Map<string, number>();

  /** `catalogue` names the effects whose points are to be met; those that runs have besides are to be met as well. */
  constructor(catalogue: readonly string[]) {
    this.#catalogue = new Set(catalogue);
  }

  note({ seed, met, seen }: Meeting, isRepeat = false): void {
    for (const point of met) this.#met.add(point);
    if (isRepeat) return;
    for (const effect of seen) this.#seeds.set(effect, [...(this.#seeds.get(effect) ?? []), seed]);
  }

  get points(): Point[] {
    return [...new Set([...this.#catalogue, ...this.#seeds.keys()])].flatMap(pointsOf);
  }

  get unmet(): Point[] {
    return this.points.filter((point) => !this.#met.has(pointText(point)));
  }

  /** Effects that runs have had and that the catalogue lacks. */
  get unknown(): string[] {
    return [...this.#seeds.keys()].filter((effect) => !this.#catalogue.has(effect)).sort();
  }

  /** In how many runs of a seed each effect has come up. */
  get seeds(): Record<string, number> {
    return Object.fromEntries([...this.#seeds].map(([effect, { length }]) => [effect, length]));
  }

  /**
   * Has further seeds run until each effect of the catalogue has come up, of those that `fit` it, from `nextSeed` on; and then runs
   * repeated until each point is met. Ends when that is so, or does not come to be.
   */
  async complete(
    runAll: (asked: { seed: number; also?: string[] }[]) => Promise<Meeting[]>,
    { fits, nextSeed }: { fits: (seed: number, effect: string) => boolean; nextSeed: number },
  ): Promise<void> {
    for (let search = 0, seed = nextSeed; search < SEARCHES; search++) {
      const missing = [...this.#catalogue].filter((effect) => !this.#seeds.has(effect));
      if (missing.length === 0) break;
      const more = new Set<number>();
      for (const [index] of missing.entries())
        for (let tried = 0; tried < MOST_UNFIT && more.size < (index + 1) * SOUGHT_AT_ONCE; tried++, seed++)
          if (fits(seed, missing[index] ?? "")) more.add(seed);
      if (more.size === 0) break;
      for (const meeting of await runAll([...more].map((one) => ({ seed: one })))) this.note(meeting);
    }
    for (const most of ALSO) {
      const repeats = this.#repeats(most);
      if (repeats.length === 0) return;
      for (const meeting of await runAll(repeats)) this.note(meeting, true);
    }
  }

  #repeats(most: number): Repeat[] {
    const repeats: (Repeat & { effects: Set<string> })[] = [];
    for (const point of this.unmet) {
      const effect = effectText(point);
      const seeds = this.#seeds.get(effect) ?? [];
      const name = pointText(point);
      const open = repeats.find(
        ({ seed, also, effects }) => also.length < most && !effects.has(effect) && seeds.includes(seed),
      );
      if (open) {
        open.also.push(name);
        open.effects.add(effect);
        continue;
      }
      const tried = this.#tried.get(name) ?? 0;
      const seed = seeds[tried % seeds.length];
      if (seed === undefined) continue;
      this.#tried.set(name, tried + 1);
      repeats.push({ seed, also: [name], effects: new Set([effect]) });
    }
    return repeats.map(({ seed, also }) => ({ seed, also }));
  }
}
