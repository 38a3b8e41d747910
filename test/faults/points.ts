import type { Chance } from "../storms/random.ts";
import { catalogue } from "./catalogue.ts";
import { faultsOf, faultText, type Met, refusals, type Target } from "./faults.ts";
import type { Place, Scenario } from "./scenario.ts";

/** One of the ways in which one of the effects of a function goes wrong. */
export type Point = Pick<Target, "by" | "operation" | "fault">;

/** The points of an effect, by its name: the function and what it does. */
export function pointsOf(effect: string): Point[] {
  const [by = "", operation = ""] = effect.split(" ");
  return faultsOf(by, operation).map((fault) => ({ by, operation, fault }));
}

export const effectText = ({ by, operation }: Point): string => `${by} ${operation}`;
export const pointText = (point: Point): string => `${effectText(point)} ${faultText(point.fault)}`;

/** The point that something is which went wrong. */
export const pointOf = ({ by, operation, fault }: Met): string => `${by.split(" ")[0]} ${operation} ${fault}`;

/** The point of that name. Throws an Error where there is none. */
export function pointNamed(text: string): Point {
  const known = pointsOf(text);
  const point = known.find((each) => pointText(each) === text);
  if (point) return point;
  throw new Error(
    `there is no point ${JSON.stringify(text)}; of that effect there are ${known.map(pointText).join("; ")}`,
  );
}

/** Points that one seed aims at. DynamoDB's are few and its runs long, so each of those takes more. */
const AIMED_AT = { sqlite: 6, dynamodb: 14 };

/** Such as that run has at all: which store it has says what of it can fail. */
const isOf = (store: Scenario["store"], effect: string) =>
  effect.includes(" call") || effect.includes(" dynamodb.") === (store === "dynamodb");

/** What comes up only in runs that have something of that kind in them: of which functions and effects, and what. */
const needs: readonly [of: RegExp, isMet: (scenario: Scenario) => boolean][] = [
  [/^mcp:stop_all /, has("owner stops all")],
  [/^operator:stop_all /, has("operator stops all")],
  [/^mcp:set_admission /, has("owner pauses")],
  [/^operator:admission /, has("operator pauses")],
  [/^SynchronousCall /, at("contract-less")],
  [/^mcp:cancel /, ({ wishes }) => wishes.some(({ cancelAfterMs }) => cancelAfterMs !== undefined)],
  [/^mcp:answer |:input$/, ({ wishes }) => wishes.some(({ job, place }) => job.asks > 0 && place !== "contract-less")],
  [/:upload$|artifacts\.|Artifacts$/, ({ wishes }) => wishes.some(({ job }) => job.files > 0)],
  [/Warm$|:hello$/, ({ warm }) => warm !== undefined],
  [
    /Conversation$/,
    // The third turn of two who talk goes on with the conversation of the first.
    ({ wishes }) =>
      wishes.some(({ turnOf, parts }) => turnOf !== undefined || (parts?.rounds && parts.jobs.length > 2)),
  ],
  [
    /removeChild$|Tree$|addCost$/,
    ({ wishes }) => wishes.some(({ childOf, parts }) => (childOf ?? parts) !== undefined),
  ],
  [/FilterLogEvents$/, ({ agentCore }) => agentCore.createFails !== undefined],
  [/ecr\.|AgentRuntimes?$|AgentRuntimeEndpoint$|store\.\w*Runtimes?$/, at("shared runtime", "own runtime")],
];

function has(kind: Scenario["incidents"][number]["kind"]) {
  return ({ incidents }: Scenario): boolean => incidents.some((each) => each.kind === kind);
}

function at(...places: Place[]) {
  return ({ wishes }: Scenario): boolean => wishes.some(({ place }) => places.includes(place));
}

const neededBy = (effect: string) => needs.filter(([of]) => of.test(effect));

/** Whether an effect may come up in a run, as far as that can be told from what is in it. */
export const mayHave = (scenario: Scenario, effect: string): boolean =>
  isOf(scenario.store, effect) && neededBy(effect).every(([, isMet]) => isMet(scenario));

/**
 * What a run aims at: points that can come up in it, half of them such as few runs have. A point is met only where its effect
 * comes up, so a thousand seeds meet most of them; what they leave is sought afterwards (`coverage.ts`).
 */
export function aimsOf(scenario: Scenario, chance: Chance): Target[] {
  const possible = catalogue.filter((effect) => mayHave(scenario, effect));
  const [common, rare] = [0, 1].map((least) =>
    possible.filter((effect) => Math.min(1, neededBy(effect).length) === least).flatMap(pointsOf),
  ) as [Point[], Point[]];
  return Array.from({ length: AIMED_AT[scenario.store] }, (_, index) => {
    const point = chance.pick(index % 2 === 0 && rare.length > 0 ? rare : common) as Point;
    const isRefusal = point.fault.kind === "error" && refusals.includes(point.fault.name);
    const times = isRefusal || point.fault.kind === "late" ? 1 : (chance.pick([1, 1, 1, 1, 2, 3, 8]) ?? 1);
    return { ...point, nth: chance.pick([0, 0, 0, 1, 2]) ?? 0, times };
  });
}
