import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import { findMarked } from "../../../worker/processes/processes.ts";
import { processesOf, type SystemOptions, startSystem, temporaryFolder } from "../system.ts";
import { sessionsOf, workerOf, workersOf } from "../workers.ts";

const LINES = 60;
/** Prints half of the lines, and the rest once the file is there. */
const printing = (release: string) =>
  `print() { for i in $(seq $1 $2); do echo "line $i"; done; }; print 1 ${LINES / 2}; ` +
  `while [ ! -e ${release} ]; do sleep 0.2; done; print ${LINES / 2 + 1} ${LINES}`;
const allLines = Array.from({ length: LINES }, (_, i) => `line ${i + 1}\n`).join("");

/** What becomes of running jobs when the local system, or a worker, goes away. */
export function restarting(optionsOf: (stateDir: string) => SystemOptions = () => ({})): void {
  const start = (stateDir: string, options: SystemOptions) =>
    startSystem(stateDir, { ...optionsOf(stateDir), ...options });

  describe("a local system killed with kill -9", () => {
    it("in the middle of 20 running tasks ends all 20 truthfully after a new start", { timeout: 120_000 }, async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const folder = temporaryFolder(atEnd);
      const release = join(folder, "release");
      const limits = { maxRunning: 20 };
      const first = await start(folder, { limits, atEnd });
      const ids = await Promise.all(
        Array.from({ length: 20 }, () => first.client.command({ command: printing(release), shell: true })),
      );
      const records = await Promise.all(
        ids.map((id) => first.client.until(id, ({ logLength }) => (logLength as number) > 0)),
      );
      const sessions = records.map(({ providerRefs }) => (providerRefs as { sessionId: string }).sessionId);
      await first.kill("SIGKILL");

      // A worker dies while nobody looks.
      const victim = workerOf(folder, records[0] ?? {});
      const lost = new Set(sessionsOf(folder, victim.id));
      process.kill(victim.pid, "SIGKILL");
      const { client } = await start(folder, { limits, atEnd });
      writeFileSync(release, "");
      const ends = await Promise.all(ids.map((id) => client.ended(id)));
      for (const [index, id] of ids.entries()) {
        const log = await client.log(id);
        if (lost.has(sessions[index] ?? "")) {
          expect(ends[index]).toMatchObject({ status: "failed", error: { code: "worker.lost", retryable: true } });
          expect(allLines.startsWith(log)).toBe(true);
          expect(log).not.toBe("");
        } else {
          expect(ends[index]).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
          expect(log).toBe(allLines);
        }
        const sequences = (await client.events(id)).map(({ sequence }) => sequence);
        expect(new Set(sequences).size).toBe(sequences.length);
        expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
      }
      for (const session of sessions)
        await expect
          .poll(() => findMarked(environmentVariables.sessionMarker, session), { timeout: 10_000 })
          .toEqual([]);
    });
  });

  // Alone, because what runs beside it would count against its time.
  describe.sequential("a worker killed from outside", () => {
    it("fails its task as worker.lost within ten seconds, with its log so far", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const folder = temporaryFolder(atEnd);
      const { client } = await start(folder, { atEnd });
      const id = await client.command({ command: "echo before; sleep 600", shell: true });
      const record = await client.until(id, ({ logLength }) => (logLength as number) > 0);
      process.kill(workerOf(folder, record).pid, "SIGKILL");
      await expect.poll(() => client.status(id), { timeout: 10_000 }).toMatchObject({ status: "failed" });
      expect(await client.ended(id)).toMatchObject({ error: { code: "worker.lost" } });
      expect(await client.log(id)).toBe("before\n");
      await expect.poll(() => processesOf(id), { timeout: 10_000 }).toEqual([]);
    });
  });

  describe("a worker that ended by itself", () => {
    it("is given to no task", async ({ expect, onTestFinished: atEnd }) => {
      const folder = temporaryFolder(atEnd);
      const { client } = await start(folder, { atEnd });
      await expect.poll(() => workersOf(folder).length, { timeout: 10_000 }).toBeGreaterThan(0);
      const [spare] = workersOf(folder);
      process.kill(spare?.pid ?? 0, "SIGTERM");
      await expect.poll(() => workersOf(folder).map(({ id }) => id), { timeout: 10_000 }).not.toContain(spare?.id);
      expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
    });
  });

  describe("a local system restarted again and again, before anybody could look", () => {
    it("ends neither a healthy quiet job nor a task that has not started", { timeout: 120_000 }, async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const folder = temporaryFolder(atEnd);
      const [release, ran] = [join(folder, "release"), join(folder, "ran")];
      let running = await start(folder, { atEnd });
      const quiet = await running.client.command({
        command: `while [ ! -e ${release} ]; do sleep 0.2; done`,
        shell: true,
      });
      await running.client.until(quiet, ({ status }) => status === "running");
      for (let round = 0; round < 2; round++) {
        await running.kill("SIGTERM");
        running = await start(folder, { ...(round === 1 && { held: "Provision" }), atEnd });
      }
      const waiting = await running.client.command({ command: `echo ran >> ${ran}`, shell: true });
      for (let round = 0; round < 5; round++) {
        await running.kill("SIGKILL");
        running = await start(folder, { held: "Provision", atEnd });
        expect(await running.client.status(waiting)).toMatchObject({ status: "provisioning" });
        expect(await running.client.status(quiet)).toMatchObject({ status: "running" });
      }
      for (const file of [release, join(folder, "released")]) writeFileSync(file, "");
      expect(await running.client.ended(quiet)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
      expect(await running.client.ended(waiting)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
      expect(readFileSync(ran, "utf8")).toBe("ran\n");
    });
  });

  describe("a local system that is stopped", () => {
    it("lets its jobs go on, and finds them again", async ({ expect, onTestFinished: atEnd }) => {
      const folder = temporaryFolder(atEnd);
      const first = await start(folder, { atEnd });
      const release = join(folder, "release");
      const id = await first.client.command({ command: printing(release), shell: true });
      await first.client.until(id, ({ logLength }) => (logLength as number) > 0);
      await first.kill("SIGTERM");
      expect((await processesOf(id)).length).toBeGreaterThan(0);
      writeFileSync(release, "");
      const { client } = await start(folder, { atEnd });
      expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
      expect(await client.log(id)).toBe(allLines);
    });
  });
}
