import { execFile } from "node:child_process";
import { lstatSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** The paths of two named pipes that nobody has opened yet. */
export type PipePair = { stdout: string; stderr: string };

/**
 * Named pipes for the output of jobs, where the system can make them, each to be used once. Node connects a child through
 * sockets, which a program cannot open by name: `echo x > /dev/stderr` would fail in every script that a job runs. Only a
 * program can make them, so it makes many at a time, ahead of their use.
 */
export class PipePool {
  readonly #batch: number;
  #ready: PipePair[] = [];
  #folder: Promise<string> | undefined;
  #made = 0;
  #making: Promise<void> | undefined;

  constructor(batch: number) {
    this.#batch = batch;
  }

  /** Makes pipes ahead of time. Never rejects. */
  prepare(): Promise<void> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  /** Undefined where no pipes can be made. */
  async take(): Promise<PipePair | undefined> {
    if (this.#ready.length === 0) await this.prepare();
    const pair = this.#ready.pop();
    if (this.#ready.length < this.#batch / 2 && this.#batch > 1) void this.prepare();
    return pair;
  }

  async close(): Promise<void> {
    await this.#making;
    const folder = await this.#folder?.catch(() => undefined);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  async #make(): Promise<void> {
    try {
      this.#folder ??= mkdtemp(join(tmpdir(), "agentdispatch-pipes-"));
      const folder = await this.#folder;
      const pairs = Array.from({ length: this.#batch }, () => {
        const number = this.#made++;
        return { stdout: join(folder, `${number}.out`), stderr: join(folder, `${number}.err`) };
      });
      const paths = pairs.flatMap(({ stdout, stderr }) => [stdout, stderr]);
      await promisify(execFile)("mkfifo", ["-m", "600", ...paths]);
      if (paths.every((path) => lstatSync(path).isFIFO())) this.#ready.push(...pairs);
    } catch {
      // Output comes through sockets then. A folder that could not be made, or is gone, is made anew the next time.
      this.#folder = undefined;
    }
  }
}
