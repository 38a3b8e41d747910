import type { ErrorType } from "../emulators/agentcore/wire.ts";
import { Chance } from "../storms/random.ts";
import type { Rates, Target } from "./faults.ts";
import type { JobPlan } from "./jobs.ts";
import { aimsOf } from "./points.ts";

const MINUTE = 60_000;

/** Where a task of these runs. */
export type Place =
  | "shared runtime"
  | "own runtime"
  | "session"
  | "narrow"
  | "contract-less"
  | "kept ready"
  | "runtime kept ready"
  | "conversation"
  | "parts";
/** Where a part runs of a task that is made of others: the profile of its agent. */
export type PartPlace = "talk" | "crew";

/** A task that somebody dispatches, and what they do then; times in milliseconds. */
export type Wish = {
  job: JobPlan;
  place: Place;
  owner: string;
  atMs: number;
  timeoutSeconds: number;
  /** After the handle, or never. */
  cancelAfterMs?: number;
  /** Asks again and again how it stands, or leaves that to the workflow, and looks now and then. */
  isWaited: boolean;
  /** The wish whose task dispatches this one, by its number. */
  childOf?: number;
  /** The wish with whose conversation this one goes on, by its number. */
  turnOf?: number;
  /** Of one that is made of others: the jobs of these, and how they go on together; with rounds they are turns of two who talk. */
  parts?: {
    jobs: JobPlan[];
    places: PartPlace[];
    atOnce: number;
    failFast: boolean;
    hasAggregate: boolean;
    rounds?: number;
  };
  /** Whoever dispatched it is gone before the answer, and never comes again. */
  vanishes: boolean;
};

/** What a caller knows of the task that they wished for. */
export type Called = {
  wish: Wish;
  taskId?: string;
  refused?: string;
  cancel?: "accepted" | "refused";
  cancelAsked?: boolean;
};

/** What happens at a moment, besides what goes wrong with effects. */
export type Incident = {
  atMs: number;
  kind:
    | "machine lost"
    | "runtime deleted"
    | "execution aborted"
    | "janitor"
    | "janitor on all"
    | "tokens forgotten"
    | "image moved"
    | "owner stops all"
    | "operator stops all"
    | "owner pauses"
    | "operator pauses";
};

export type Scenario = {
  seed: number;
  store: "sqlite" | "dynamodb";
  wishes: Wish[];
  incidents: Incident[];
  limits: { maxRunning: number; timeoutSeconds: number; answerSeconds?: number };
  idleMinutes: number;
  /** Sessions that are kept ready, and in what: undefined for none. */
  warm?: { count: number; mode: "session" | "runtime" };
  agentCore: {
    unseenMs: number;
    creatingMs: number;
    endpointMs: number;
    deletingMs: number;
    refusing: { forMs: number; error: ErrorType };
    createFails?: string;
  };
  targets: Target[];
  rates: Rates;
  /** Until then things go wrong. */
  trouble: { forMs: number; most: number };
};

/** Which seeds keep their tasks in DynamoDB: such a run takes ten times as long. Each meets what fails there, and nothing else. */
const DYNAMODB_EVERY = 16;
/** Longer jobs there are only asked more often how they stand. */
const LONGEST_ON_DYNAMODB_SECONDS = 60;

/** Everything that a run is, by its seed alone. */
export function scenarioOf(seed: number): Scenario {
  const chance = new Chance(seed * 2_654_435_761);
  const store = seed % DYNAMODB_EVERY === 0 ? "dynamodb" : "sqlite";
  const count = chance.between(2, 5);
  const wishes = Array.from({ length: count }, (_, index) => wishOf(chance, index));
  const readiness = chance.between(0, 9);
  const more = new Chance(seed * 2_246_822_519 + 1);
  const warm = withMore(wishes, more, new Chance(seed * 3_266_489_917 + 2));
  const scenario: Scenario = {
    seed,
    store,
    wishes,
    incidents: [
      ...Array.from({ length: chance.between(0, 4) }, () => incidentOf(chance)),
      ...interventions(more, store === "dynamodb" ? 0.3 : 0.14),
    ],
    ...(warm && { warm }),
    limits: {
      maxRunning: chance.pick([1, 2, 3, 10]) ?? 10,
      timeoutSeconds: 7200,
      ...(chance.is(0.2) && { answerSeconds: 300 }),
    },
    idleMinutes: chance.pick([5, 30, 60]) ?? 60,
    agentCore: {
      unseenMs: chance.is(0.3) ? chance.between(0, 2 * MINUTE) : 0,
      creatingMs: readiness === 0 ? 11 * MINUTE : chance.between(0, 60_000),
      endpointMs: chance.is(0.3) ? chance.between(0, 90_000) : 0,
      deletingMs: chance.between(0, 15 * MINUTE),
      refusing: {
        forMs: readiness === 1 ? 20 * MINUTE : chance.is(0.3) ? chance.between(0, 4 * MINUTE) : 0,
        error: chance.is(0.5) ? "ResourceNotFoundException" : "ValidationException",
      },
      ...(readiness === 2 && { createFails: "the image cannot be pulled" }),
    },
    targets: [],
    rates: { effect: chance.pick([0, 0.005, 0.02, 0.06]) ?? 0, call: chance.pick([0, 0.02, 0.1, 0.3]) ?? 0 },
    trouble: { forMs: chance.between(5, 60) * MINUTE, most: 40 },
  };
  if (store === "dynamodb") shorten(scenario);
  return { ...scenario, targets: aimsOf(scenario, chance) };
}

function shorten({ wishes, agentCore }: Scenario): void {
  const shorter = (job: JobPlan) => Object.assign(job, { seconds: Math.min(job.seconds, LONGEST_ON_DYNAMODB_SECONDS) });
  for (const { job, parts } of wishes) for (const each of [job, ...(parts?.jobs ?? [])]) shorter(each);
  agentCore.creatingMs = Math.min(agentCore.creatingMs, MINUTE);
  agentCore.refusing.forMs = Math.min(agentCore.refusing.forMs, 4 * MINUTE);
}

/** Makes families, conversations and tasks of sessions that are kept ready, and of others, of some wishes, each in a share of the seeds. */
function withMore(wishes: Wish[], chance: Chance, talks: Chance): Scenario["warm"] {
  const own = (wish: Wish | undefined) => wish && wish.place !== "contract-less" && !wish.vanishes;
  const [first, second, third] = wishes;
  if (chance.is(0.2) && first && second && own(first)) {
    const below = third && chance.is(0.5) ? [second, third] : [second];
    const isLine = chance.is(0.5);
    for (const [index, child] of below.entries())
      Object.assign(child, { owner: first.owner, childOf: isLine && own(child) && own(second) ? index : 0 });
    if (chance.is(0.5)) first.cancelAfterMs = chance.between(0, 3 * MINUTE);
  }
  const last = wishes.at(-1);
  const before = wishes.at(-2);
  if (chance.is(0.2) && last && before && wishes.length > 3) {
    for (const turn of [before, last]) turn.place = "conversation";
    Object.assign(before, { vanishes: false });
    Object.assign(last, { owner: before.owner, turnOf: wishes.length - 2 });
  }
  const alone = wishes.findLast(
    ({ childOf, turnOf, place }, index) =>
      [childOf, turnOf].every((each) => each === undefined) &&
      place !== "conversation" &&
      !wishes.some((other) => other.childOf === index || other.turnOf === index),
  );
  if (chance.is(0.2) && alone) madeOfOthers(alone, chance);
  else if (talks.is(0.1) && alone) madeOfTurns(alone, talks);
  if (!chance.is(0.25)) return undefined;
  const mode = chance.is(0.5) ? "session" : "runtime";
  for (const wish of wishes)
    if (wish.place === "session" || wish.place === "shared runtime")
      wish.place = mode === "session" ? "kept ready" : "runtime kept ready";
  return { count: chance.between(1, 2), mode };
}

function madeOfOthers(wish: Wish, chance: Chance): void {
  const count = chance.between(1, 4);
  const hasAggregate = chance.is(0.3);
  const jobs = partJobs(wish, chance, count + (hasAggregate ? 1 : 0));
  const places = jobs.map((): PartPlace => (chance.is(0.3) ? "crew" : "talk"));
  const parts = { jobs, places, atOnce: chance.between(1, 3), failFast: chance.is(0.3), hasAggregate };
  Object.assign(wish, { place: "parts", parts });
}

function madeOfTurns(wish: Wish, chance: Chance): void {
  const jobs = partJobs(wish, chance, chance.between(1, 4));
  const places = [0, 1].map((): PartPlace => (chance.is(0.3) ? "crew" : "talk"));
  const rounds = chance.between(Math.ceil(jobs.length / 2), 3);
  // A turn that fails ends the talk.
  const parts = { jobs, places, atOnce: 1, failFast: true, hasAggregate: false, rounds };
  Object.assign(wish, { place: "parts", parts });
}

const partJobs = (wish: Wish, chance: Chance, count: number): JobPlan[] =>
  Array.from({ length: count }, (_, index) => ({
    ...wishOf(chance, index).job,
    name: `${wish.job.name}-part-${index}`,
    // Whoever waits for the whole answers none of them.
    asks: 0,
  }));

/** What people do in a share of the seeds. */
function interventions(chance: Chance, share: number): Incident[] {
  const kinds = ["owner stops all", "operator stops all", "owner pauses", "operator pauses"] as const;
  return kinds.flatMap((kind) => (chance.is(share) ? [{ kind, atMs: chance.between(0, 8 * MINUTE) }] : []));
}

function wishOf(chance: Chance, index: number): Wish {
  const seconds = chance.pick([0, 1, chance.between(2, 60), chance.between(60, 1500)]) ?? 0;
  const isLate = chance.is(0.07);
  return {
    job: {
      name: `job-${index}`,
      seconds,
      lines: chance.between(0, 6),
      asks: chance.is(0.25) ? chance.between(1, 2) : 0,
      files: chance.is(0.3) ? chance.between(1, 2) : 0,
      end: chance.is(0.15) ? "failed" : "succeeded",
    },
    place:
      chance.pick<Place>([
        "shared runtime",
        "shared runtime",
        "own runtime",
        "session",
        "session",
        "narrow",
        "contract-less",
      ]) ?? "session",
    owner: chance.is(0.8) ? "one" : "two",
    atMs: chance.is(0.5) ? chance.between(0, 200) : chance.between(0, 5 * MINUTE),
    timeoutSeconds: isLate ? Math.max(10, Math.floor(seconds / 2)) : 7200,
    ...(chance.is(0.2) && { cancelAfterMs: chance.is(0.4) ? chance.between(0, 2000) : chance.between(0, 5 * MINUTE) }),
    isWaited: chance.is(0.4),
    vanishes: chance.is(0.05),
  };
}

const incidentOf = (chance: Chance): Incident => ({
  atMs: chance.between(0, 15 * MINUTE),
  kind:
    chance.pick<Incident["kind"]>([
      "machine lost",
      "runtime deleted",
      "execution aborted",
      "execution aborted",
      "janitor",
      "janitor on all",
      "tokens forgotten",
      "image moved",
    ]) ?? "janitor",
});
