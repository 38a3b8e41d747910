import type { Chance } from "./random.ts";

/** A job of a storm: what is dispatched, and what must be true of it in the end. */
export type StormJob = {
  key: string;
  script: string;
  exitCode: number;
  /** What it prints, all of it. */
  log: string;
  /** Whether it leaves the file `left.txt`. */
  leavesFile: boolean;
  /** How often its dispatch is sent at once. */
  requests: number;
  /** Milliseconds after which somebody cancels it. */
  cancelAfterMs?: number;
};

const LINES = Array.from({ length: 30 }, (_, i) => `line ${i + 1}\n`).join("");

const kinds: readonly ((chance: Chance) => Omit<StormJob, "key" | "requests" | "cancelAfterMs">)[] = [
  () => ({ script: ":", exitCode: 0, log: "", leavesFile: false }),
  (chance) => ({ script: `sleep ${chance.between(1, 30) / 10}`, exitCode: 0, log: "", leavesFile: false }),
  (chance) => ({
    script: `for i in $(seq 30); do echo "line $i"; sleep 0.0${chance.between(1, 9)}; done`,
    exitCode: 0,
    log: LINES,
    leavesFile: false,
  }),
  () => ({ script: 'echo left > "$AGENTDISPATCH_ARTIFACTS_DIR/left.txt"', exitCode: 0, log: "", leavesFile: true }),
  (chance) => ({ script: `sleep 0.${chance.between(0, 9)}`, exitCode: 3, log: "", leavesFile: false }),
  // What it leaves running is nobody's any more, and has to go.
  () => ({ script: "setsid sleep 600 & sleep 0.2", exitCode: 0, log: "", leavesFile: false }),
];

/** The jobs of a storm. Each writes `<key> began` and `<key> done` into the ledger, which no fault can take back. */
export function makeJobs(count: number, ledger: string, chance: Chance): StormJob[] {
  return Array.from({ length: count }, (_, number) => {
    const key = `job-${number}`;
    const kind = (chance.pick(kinds) as (typeof kinds)[number])(chance);
    const script = `echo "${key} began" >> ${ledger}; ${kind.script}; echo "${key} done" >> ${ledger}; exit ${kind.exitCode}`;
    return {
      ...kind,
      key,
      script,
      requests: chance.is(0.2) ? 3 : 1,
      ...(chance.is(0.1) && { cancelAfterMs: chance.between(0, 2500) }),
    };
  });
}
