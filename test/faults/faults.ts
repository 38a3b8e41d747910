import { errorsOf, type Operation } from "../emulators/agentcore/constraints.ts";
import type { Chance } from "../storms/random.ts";
import type { Fate } from "./functions.ts";
import type { Fault, Life, Seam } from "./lives.ts";

/** Errors of AgentCore that a caller cannot wait out: the task that meets one ends, with that as its reason. */
export const refusals = ["AccessDeniedException", "ValidationException"];

const tables = ["ProvisionedThroughputExceededException", "InternalServerError", "ThrottlingException"];
const logErrors = ["ThrottlingException", "ServiceUnavailableException", "AccessDeniedException"];

/**
 * Names of the errors with which an effect may be refused. That AgentCore does not find what it has is no accident: a new runtime
 * is missing from reads for a while, and one that is there for longer is found.
 */
function errorNamesOf(operation: string): readonly string[] {
  const [service = "", name = ""] = operation.split(/[.:]/);
  if (service === "agentcore")
    return errorsOf[name as Operation].filter((error) => error !== "ResourceNotFoundException");
  if (service === "dynamodb") return tables;
  if (service === "logs" || service === "ecr") return logErrors;
  return ["unavailable"];
}

/** What becomes of a call of a function, as it is named in a schedule of faults. */
type CallFault = { kind: "call"; name: keyof typeof fates };
const fates = {
  throttled: (): Fate => ({ isThrottled: true }),
  "called twice at once": (chance: Chance): Fate => ({ againAfterMs: chance.between(0, 200) }),
  "called again later": (chance: Chance): Fate => ({ againAfterMs: chance.between(1000, 600_000) }),
  "answer lost": (): Fate => ({ isLost: true }),
};
const callFaults = (Object.keys(fates) as CallFault["name"][]).map((name): CallFault => ({ kind: "call", name }));

/** A pause that is carried out once more after the resume that follows it is a pause: its caller waits for its answer. */
const inOrder = ["operator:admission", "mcp:set_admission"];

/** What can go wrong with a call of a function. */
const callFaultsOf = (by: string): CallFault[] =>
  callFaults.filter(({ name }) => name !== "called again later" || !inOrder.includes(by));

/**
 * Everything that can go wrong with an effect of this name of a function, or, by the name `call`, with a call of it; each as often as
 * another.
 */
export const faultsOf = (by: string, operation: string): (Fault | CallFault)[] =>
  operation === "call" ? callFaultsOf(by) : effectFaultsOf(operation);

const effectFaultsOf = (operation: string): Fault[] => [
  { kind: "kill", when: "before" },
  { kind: "kill", when: "after" },
  { kind: "lost" },
  { kind: "late", ms: 20_000 },
  { kind: "late", ms: 150_000 },
  ...errorNamesOf(operation).map((name): Fault => ({ kind: "error", name })),
];

export function faultText(fault: Fault | CallFault): string {
  switch (fault.kind) {
    case "kill":
      return `killed ${fault.when}`;
    case "lost":
      return "answer lost";
    case "late":
      return `${fault.ms / 1000} s late`;
    default:
      return fault.name;
  }
}

/** One fault that a run is to meet: at that effect of that function, the so-and-so-manieth time. */
export type Target = { by: string; operation: string; fault: Fault | CallFault; nth: number; times: number };
/** What went wrong, when, and with whom. */
export type Met = { atMs: number; by: string; operation: string; fault: string };

export type Rates = { effect: number; call: number };

/** What goes wrong in one run, by its seed: what it is told to, and more by chance, until it is over with that. */
export class Faults implements Seam {
  readonly met: Met[] = [];
  /** Every function with each of its effects. */
  readonly seen = new Set<string>();
  readonly sleep: Seam["sleep"];
  readonly #chance: Chance;
  readonly #now: () => number;
  readonly #targets: Target[];
  readonly #rates: Rates;
  /** Until then something may go wrong, in epoch milliseconds. */
  readonly #untilMs: number;
  #left: number;

  constructor(
    chance: Chance,
    clock: { now: () => number; sleep: (ms: number) => Promise<void> },
    plan: { targets: Target[]; rates: Rates; untilMs: number; most: number },
  ) {
    this.#chance = chance;
    this.#now = clock.now;
    this.sleep = clock.sleep;
    this.#targets = plan.targets;
    this.#rates = plan.rates;
    this.#untilMs = plan.untilMs;
    this.#left = plan.most;
  }

  get isOver(): boolean {
    return this.#now() >= this.#untilMs;
  }

  decide(life: Life, operation: string): { ms: number; fault?: Fault | undefined } {
    const by = life.name.split(" ")[0] ?? "";
    this.seen.add(`${by} ${operation}`);
    const ms = this.#chance.between(1, operation.startsWith("agentcore") ? 120 : 20);
    const targeted = this.#targeted(by, operation);
    return { ms, fault: targeted && targeted.kind !== "call" ? targeted : this.#accidental(operation) };
  }

  happened(life: Life, operation: string, fault: Fault): void {
    this.#note(life.name, operation, faultText(fault));
  }

  #note(by: string, operation: string, fault: string): void {
    this.met.push({ atMs: this.#now(), by, operation, fault });
  }

  #targeted(by: string, operation: string): Fault | CallFault | undefined {
    const target = this.#targets.find(
      (each) => each.by === by && each.operation === operation && each.times > 0 && each.nth-- <= 0,
    );
    if (target) target.times -= 1;
    return target?.fault;
  }

  #accidental(operation: string): Fault | undefined {
    if (this.isOver || this.#left <= 0 || !this.#chance.is(this.#rates.effect)) return undefined;
    this.#left -= 1;
    const fault = this.#chance.pick(effectFaultsOf(operation));
    // What ends a task for good is told to: else most tasks would end so.
    return fault?.kind === "error" && refusals.includes(fault.name) ? undefined : fault;
  }

  fateOf(name: string): Fate {
    const by = name.split(" ")[0] ?? "";
    this.seen.add(`${by} call`);
    const isAccident = !this.isOver && this.#chance.is(this.#rates.call);
    const fault = this.#targeted(by, "call") ?? (isAccident ? this.#chance.pick(callFaultsOf(by)) : undefined);
    if (fault?.kind !== "call") return {};
    this.#note(name, "call", fault.name);
    return fates[fault.name](this.#chance);
  }
}
