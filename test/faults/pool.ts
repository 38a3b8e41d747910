import { type ChildProcess, fork } from "node:child_process";
import { resolve } from "node:path";
import type { Asked, Outcome } from "./runner.ts";

const program = resolve(import.meta.dirname, "runner-process.ts");

/** Processes that make runs, each one at a time: time, and chance, of a process belong to the run. */
export class Pool implements Disposable {
  readonly #processes: ChildProcess[];
  readonly #ready: Promise<unknown>[];

  constructor(size: number) {
    this.#processes = Array.from({ length: size }, () => fork(program));
    this.#ready = this.#processes.map(answered);
    for (const ready of this.#ready) ready.catch(() => {});
  }

  /** Makes these runs, and resolves with what became of each, in order, until `isEnough`. Throws when a process ends. */
  async runAll(
    asked: readonly Asked[],
    { heard, isEnough }: { heard: (outcome: Outcome) => void; isEnough: () => boolean },
  ): Promise<Outcome[]> {
    const left = asked.entries();
    const outcomes: Outcome[] = [];
    const work = async (process: ChildProcess, index: number) => {
      await this.#ready[index];
      for (const [at, one] of left) {
        const answer = answered(process);
        process.send(one);
        const outcome = (await answer) as Outcome;
        outcomes[at] = outcome;
        heard(outcome);
        if (isEnough()) return;
      }
    };
    await Promise.all(this.#processes.map(work));
    return outcomes.filter((outcome) => outcome !== undefined);
  }

  [Symbol.dispose](): void {
    for (const process of this.#processes) process.kill("SIGKILL");
  }
}

/** The next that a process says. */
const answered = (process: ChildProcess) =>
  new Promise<unknown>((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a process that makes runs has ended: ${code}`));
    process.once("exit", ended);
    process.once("message", (message) => {
      process.off("exit", ended);
      resolve(message);
    });
  });
