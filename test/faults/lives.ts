import { AsyncLocalStorage } from "node:async_hooks";

/** What goes wrong with one effect. */
export type Fault =
  | { kind: "kill"; when: "before" | "after" }
  /** It is done, and whoever asked never hears of it. */
  | { kind: "lost" }
  /** It is not done, and the answer is an error with that name. */
  | { kind: "error"; name: string }
  /** It takes that much longer. */
  | { kind: "late"; ms: number };

/** A function, or another program, while it works on one event: from its kill on nothing of it has any effect. */
export class Life {
  readonly name: string;
  isDead = false;
  /** Rejects when it is killed. */
  readonly death: Promise<never>;
  readonly #die: (error: Error) => void;

  constructor(name: string) {
    this.name = name;
    const { promise, reject } = Promise.withResolvers<never>();
    this.death = promise;
    this.#die = reject;
    promise.catch(() => {});
  }

  kill(errorName = "Lambda.Unknown"): void {
    this.isDead = true;
    this.#die(Object.assign(new Error(`${this.name} was killed`), { name: errorName }));
  }
}

const lives = new AsyncLocalStorage<Life>();

/** Whose work this is; undefined for what belongs to no program: the cloud itself. */
const currentLife = (): Life | undefined => lives.getStore();

export const live = <T>(life: Life | undefined, work: () => T): T => lives.run(life as Life, work);

/** What a timer calls: nothing of a program that is dead by then. */
export function bindToLife(fire: () => void): { fire: () => void; isOver: () => boolean; whose: string } {
  const life = currentLife();
  return { fire: () => live(life, fire), isOver: () => life?.isDead === true, whose: life?.name ?? "the cloud" };
}

const never = new Promise<never>(() => {});

export type Seam = {
  /** How long an effect takes, in milliseconds of virtual time, and what goes wrong with it. */
  decide(life: Life, operation: string, about: string): { ms: number; fault?: Fault | undefined };
  /** Hears of what was decided as it happens: who was killed meanwhile by something else meets nothing more. */
  happened(life: Life, operation: string, fault: Fault): void;
  sleep(ms: number): Promise<void>;
};

/** How a seam words failures: what an effect is answered with that was not done, and one whose answer is lost. */
export type Failures<T> = { error(name: string): T | Promise<T>; lost(): T | Promise<T> };

/**
 * One effect of a program on the world. The program may be killed right before or right after it, never in between; what a dead
 * program waits for never comes. `about` says what it is of, for those who look for an effect of a certain task.
 */
export async function effect<T>(
  seam: Seam,
  operation: string,
  about: string,
  act: () => Promise<T>,
  failures: Failures<T>,
): Promise<T> {
  const life = currentLife();
  if (!life) return act();
  if (life.isDead) return never;
  const { ms, fault } = seam.decide(life, operation, about);
  const late = fault?.kind === "late" ? fault.ms : 0;
  const happens = (what: Fault) => seam.happened(life, operation, what);
  if (fault?.kind === "late") happens(fault);
  await seam.sleep(ms / 2 + late);
  if (life.isDead) return never;
  if (fault?.kind === "error" || (fault?.kind === "kill" && fault.when === "before")) {
    happens(fault);
    return fault.kind === "error" ? failures.error(fault.name) : killed(life);
  }
  const outcome = await act().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (life.isDead) return never;
  if (fault?.kind === "kill") {
    happens(fault);
    return killed(life);
  }
  await seam.sleep(ms / 2);
  if (life.isDead) return never;
  if (fault?.kind === "lost") {
    happens(fault);
    return failures.lost();
  }
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

function killed(life: Life): Promise<never> {
  life.kill();
  return never;
}
