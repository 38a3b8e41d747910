import { setTimeout as sleep } from "node:timers/promises";
import type { Machine } from "./machine.ts";
import { signal } from "./processes.ts";
import type { Chance } from "./random.ts";

/** What lethal faults have hit, by session: those tasks alone may fail. */
export type Victims = { workers: Set<string>; jobs: Set<string> };

type Fault = (machine: Machine, chance: Chance, victims: Victims) => Promise<void>;

/** No freeze is longer than what any part has to wait for another. */
const LONGEST_FREEZE_MS = 3000;

const killOne =
  (isJob: boolean): Fault =>
  async (machine, chance, victims) => {
    const victim = chance.pick(machine.processes().filter((each) => each.isJob === isJob));
    if (!victim) return;
    (isJob ? victims.jobs : victims.workers).add(victim.session);
    signal(victim.pid, "SIGKILL");
  };

const freezeOne =
  (isJob: boolean): Fault =>
  async (machine, chance) => {
    const frozen = chance.pick(machine.processes().filter((each) => each.isJob === isJob));
    signal(frozen?.pid, "SIGSTOP");
    await sleep(chance.between(10, LONGEST_FREEZE_MS));
    signal(frozen?.pid, "SIGCONT");
  };

/** Everything ends at once, the system first, so that it sees nothing of the rest. */
const reboot: Fault = (machine, _, victims) =>
  machine.restart("SIGKILL", () => {
    for (;;) {
      const left = machine.processes();
      if (left.length === 0) return;
      for (const { pid, session } of left) {
        victims.workers.add(session);
        signal(pid, "SIGKILL");
      }
    }
  });

const faults = {
  "the system is killed": (machine) => machine.restart("SIGKILL"),
  "the system is stopped": (machine) => machine.restart("SIGTERM"),
  "the system is killed again and again": async (machine, chance) => {
    for (let times = chance.between(2, 4); times > 0; times--) {
      await machine.restart("SIGKILL");
      if (chance.is(0.5)) await machine.isUp();
      else await sleep(chance.between(0, 600));
    }
  },
  "the system freezes": async (machine, chance) => {
    const { pid } = machine;
    signal(pid, "SIGSTOP");
    await sleep(chance.between(10, LONGEST_FREEZE_MS));
    signal(pid, "SIGCONT");
  },
  "the machine restarts": reboot,
  "a worker is killed": killOne(false),
  "a worker freezes": freezeOne(false),
  "a job is killed": killOne(true),
  "a job freezes": freezeOne(true),
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults) as FaultName[];

/** Lets it happen. Resolves once it is over, though what it ended may still be on its way back. */
export const strike = (name: FaultName, ...on: Parameters<Fault>): Promise<void> => faults[name](...on);
