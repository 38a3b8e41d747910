import { setTimeout as sleep } from "node:timers/promises";
import { sessionsOf } from "../system/workers.ts";
import type { Machine } from "./machine.ts";
import { type StormProcess, signal } from "./processes.ts";
import type { Chance } from "./random.ts";

/** What lethal faults have hit, by session: those tasks alone may fail. */
export type Victims = { workers: Set<string>; jobs: Set<string> };

type Kind = "workerId" | "session";
type Fault = (machine: Machine, chance: Chance, victims: Victims) => Promise<void>;

/** No freeze is longer than what any part has to wait for another. */
const LONGEST_FREEZE_MS = 3000;

const isOf = (kind: Kind) => (each: StormProcess) => each[kind] !== undefined;

/** Notes every session that goes with a process: of a worker all that it served, which are known once it is dead. */
function kill({ pid, session, workerId }: StormProcess, machine: Machine, victims: Victims): void {
  signal(pid, "SIGKILL");
  if (session !== undefined) victims.jobs.add(session);
  if (workerId !== undefined) for (const each of sessionsOf(machine.stateDir, workerId)) victims.workers.add(each);
}

const killOne =
  (kind: Kind): Fault =>
  async (machine, chance, victims) => {
    const victim = chance.pick(machine.processes().filter(isOf(kind)));
    if (victim) kill(victim, machine, victims);
  };

const freezeOne =
  (kind: Kind): Fault =>
  async (machine, chance) => {
    const frozen = chance.pick(machine.processes().filter(isOf(kind)));
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
      for (const each of left) {
        // Its worker goes too, and who of them ends first is up to the machine.
        if (each.session !== undefined) victims.workers.add(each.session);
        kill(each, machine, victims);
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
  "a worker is killed": killOne("workerId"),
  "a worker freezes": freezeOne("workerId"),
  "a job is killed": killOne("session"),
  "a job freezes": freezeOne("session"),
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults) as FaultName[];

/** Lets it happen. Resolves once it is over, though what it ended may still be on its way back. */
export const strike = (name: FaultName, ...on: Parameters<Fault>): Promise<void> => faults[name](...on);
