/** The few worker processes of one machine that serve all its sessions. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import type { AtEnd } from "../mcp/clients.ts";
import { processesOf, type SystemClient, startSystem, temporaryFolder } from "./system.ts";
import { workerIdOf, workersOf } from "./workers.ts";

const configured = (environment: Record<string, string>) => ({
  backends: { here: { adapter: "local-process", account: "local", details: { environment } } },
});
const here = { backend: "here" };

/** A system whose workers are all there, so that sessions are spread over them. */
async function open(atEnd: AtEnd, env: Record<string, string> = {}) {
  const folder = temporaryFolder(atEnd);
  const configuration = configured({ OWN: "first" });
  const system = await startSystem(folder, { configuration, limits: { maxRunning: 20, graceSeconds: 1 }, env, atEnd });
  return { ...system, folder };
}

const running = (client: SystemClient, count: number, command: string) =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const id = await client.command({ command, shell: true });
      const record = await client.until(id, ({ logLength }) => (logLength as number) > 0);
      return { id, session: (record.providerRefs as { sessionId: string }).sessionId };
    }),
  );

describe.concurrent("a worker of many sessions", () => {
  it("that is killed takes its own jobs along and no others, and leaves nothing running", async ({
    expect,
    skip,
    onTestFinished: atEnd,
  }) => {
    if (availableParallelism() < 2) skip("there is one worker on one core");
    const { client, folder } = await open(atEnd);
    await expect.poll(() => workersOf(folder).length, { timeout: 20_000 }).toBe(2);
    const release = join(folder, "release");
    const jobs = await running(client, 10, `echo up; while [ ! -e ${release} ]; do sleep 0.1; done; echo down`);
    const workers = workersOf(folder);
    expect(workers.length).toBeLessThanOrEqual(availableParallelism());
    expect(workers.map(({ sessions }) => sessions.length)).not.toContain(0);

    const victim = workers[0];
    const isLost = ({ session }: (typeof jobs)[0]) => victim?.sessions.includes(session);
    process.kill(victim?.pid ?? 0, "SIGKILL");
    for (const job of jobs.filter(isLost)) {
      expect(await client.ended(job.id)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
      expect(await client.log(job.id)).toBe("up\n");
      await expect.poll(() => processesOf(job.id), { timeout: 10_000 }).toEqual([]);
    }
    expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
    writeFileSync(release, "");
    for (const job of jobs.filter((each) => !isLost(each))) {
      expect(await client.ended(job.id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
      expect(await client.log(job.id)).toBe("up\ndown\n");
    }
    await expect.poll(() => workersOf(folder).map(({ id }) => id), { timeout: 10_000 }).not.toContain(victim?.id);
  });

  it("knows the environment of its own session only, and a change of the configuration is for those to come", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client, folder } = await open(atEnd);
    const release = join(folder, "release");
    const slow = { command: `echo $OWN; while [ ! -e ${release} ]; do sleep 0.1; done; echo $OWN`, shell: true };
    const before = await client.command(slow, here);
    await client.until(before, ({ logLength }) => (logLength as number) > 0);
    writeFileSync(join(folder, "config.json"), JSON.stringify({ ...configured({ OWN: "second" }), defaults: {} }));
    const without = await client.command("env");
    await client.ended(without);
    expect(await client.log(without)).not.toMatch(/^OWN=/m);
    await expect
      .poll(
        async () => {
          const after = await client.command({ command: "echo $OWN", shell: true }, here);
          await client.ended(after);
          return client.log(after);
        },
        { timeout: 10_000 },
      )
      .toBe("second\n");
    writeFileSync(release, "");
    await client.ended(before);
    expect(await client.log(before)).toBe("first\nfirst\n");
    for (const { pid } of workersOf(folder)) expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain("OWN=");
  });

  it("is started for a job, kept for the next, and gone when idle", async ({ expect, onTestFinished: atEnd }) => {
    const folder = temporaryFolder(atEnd);
    const env = { [environmentVariables.workerIdleSeconds]: "3", [environmentVariables.workerUncollectedSeconds]: "0" };
    const { client } = await startSystem(folder, { env, prewarm: false, atEnd });
    expect(workersOf(folder)).toEqual([]);
    expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
    const kept = workersOf(folder).map(({ pid }) => pid);
    expect(kept).toHaveLength(1);
    expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
    expect(workersOf(folder).map(({ pid }) => pid)).toEqual(kept);
    await expect.poll(() => workersOf(folder), { timeout: 20_000 }).toEqual([]);
    expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
  });

  it("is found again with its sessions after the system was killed, and serves them to their end", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const first = await open(atEnd);
    const { folder } = first;
    const release = join(folder, "release");
    const jobs = await running(first.client, 4, `echo up; while [ ! -e ${release} ]; do sleep 0.1; done; echo down`);
    const workerIds = jobs.map(({ session }) => workerIdOf(folder, session));
    await first.kill("SIGKILL");
    const { client } = await startSystem(folder, { atEnd });
    expect(jobs.map(({ session }) => workerIdOf(folder, session))).toEqual(workerIds);
    writeFileSync(release, "");
    for (const { id } of jobs) {
      expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
      expect(await client.log(id)).toBe("up\ndown\n");
      await expect.poll(() => processesOf(id), { timeout: 10_000 }).toEqual([]);
    }
    // They serve those to come as well, unless they were started in another way: then they are gone after their last.
    expect(workersOf(folder).map(({ id }) => id)).toEqual(expect.arrayContaining(workerIds));
  });

  it("takes its share of the jobs after every restart, and there are never more than cores", async ({
    expect,
    skip,
    onTestFinished: atEnd,
  }) => {
    if (availableParallelism() < 2) skip("there is one worker on one core");
    const folder = temporaryFolder(atEnd);
    const limits = { maxRunning: 20, graceSeconds: 1 };
    const release = join(folder, "release");
    for (let round = 0; round < 4; round++) {
      const { client, kill } = await startSystem(folder, { limits, atEnd });
      await expect.poll(() => workersOf(folder).length, { timeout: 20_000 }).toBeGreaterThan(1);
      const jobs = await running(client, 4, `echo up; while [ ! -e ${release} ]; do sleep 0.1; done`);
      expect(new Set(jobs.map(({ session }) => workerIdOf(folder, session))).size).toBeGreaterThan(1);
      expect(workersOf(folder).length).toBeLessThanOrEqual(availableParallelism());
      if (round < 3) await kill("SIGKILL");
    }
    writeFileSync(release, "");
  });

  it("is given nothing new by a system that would start it in another way, and goes after its last job", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const folder = temporaryFolder(atEnd);
    const first = await startSystem(folder, { atEnd });
    const release = join(folder, "release");
    const [job] = await running(first.client, 1, `echo up; while [ ! -e ${release} ]; do sleep 0.1; done`);
    const earlier = workerIdOf(folder, job?.session ?? "");
    await first.kill("SIGKILL");
    const env = { [environmentVariables.workerIdleSeconds]: "600" };
    const { client } = await startSystem(folder, { env, atEnd });
    const others = await running(client, 2, `echo up; while [ ! -e ${release} ]; do sleep 0.1; done`);
    for (const { session } of others) expect(workerIdOf(folder, session)).not.toBe(earlier);
    expect(workersOf(folder).length).toBeLessThanOrEqual(Math.max(2, availableParallelism()));
    writeFileSync(release, "");
    expect(await client.ended(job?.id ?? "")).toMatchObject({ status: "succeeded" });
    await expect.poll(() => workersOf(folder).map(({ id }) => id), { timeout: 10_000 }).not.toContain(earlier);
  });
});
