import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { settings } from "../../lib/domain/settings.ts";
import { findMarked } from "../../worker/processes.ts";
import { processesOf, startSystem, temporaryFolder } from "./system.ts";

const LINES = 60;
const printing = `for i in $(seq 1 ${LINES}); do echo "line $i"; sleep 0.1; done`;
const allLines = Array.from({ length: LINES }, (_, i) => `line ${i + 1}\n`).join("");

describe("a local system killed with kill -9", () => {
  it("in the middle of 20 running tasks ends all 20 truthfully after a new start", async () => {
    const folder = temporaryFolder();
    const limits = { maxRunning: 20 };
    const first = await startSystem(folder, { limits });
    const ids = await Promise.all(
      Array.from({ length: 20 }, () => first.client.command({ command: printing, shell: true })),
    );
    const records = await Promise.all(
      ids.map((id) => first.client.until(id, ({ logLength }) => (logLength as number) > 0)),
    );
    const sessions = records.map(({ providerRefs }) => (providerRefs as { sessionId: string }).sessionId);
    await first.kill("SIGKILL");

    // Four workers die while nobody looks.
    for (const session of sessions.slice(0, 4)) {
      const { pid } = JSON.parse(readFileSync(join(folder, "sessions", session, "address.json"), "utf8")) as {
        pid: number;
      };
      process.kill(pid, "SIGKILL");
    }
    const { client } = await startSystem(folder, { limits });
    const ends = await Promise.all(ids.map((id) => client.ended(id)));
    for (const [index, id] of ids.entries()) {
      const log = await client.log(id);
      if (index < 4) {
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
      await expect.poll(() => findMarked(settings.sessionMarker, session), { timeout: 10_000 }).toEqual([]);
  });

  // Fail is left out here: it runs only after another step has failed.
  it.each(["Provision", "AwaitReady", "Start", "Watch", "Complete", "Cleanup"])(
    "after the effect of %s and before its answer runs the job once and ends it truthfully",
    async (state) => {
      const folder = temporaryFolder();
      const proof = join(folder, "proof");
      writeFileSync(proof, "");
      const first = await startSystem(folder, { dying: state });
      const died = new Promise((resolve) => first.process.once("exit", resolve));
      const job = { command: `echo ran >> ${proof}; echo out`, shell: true };
      const keyed = { idempotency_key: "one" };
      // The process may die before it answers; a client then sends the same call again.
      await first.client.command(job, keyed).catch(() => {});
      await died;

      const { client } = await startSystem(folder);
      const id = await client.command(job, keyed);
      expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
      expect(readFileSync(proof, "utf8")).toBe("ran\n");
      expect(await client.log(id)).toBe("out\n");
      const types = (await client.events(id)).map(({ type }) => type);
      expect(types).toEqual([
        "task.created",
        "task.provisioning",
        "session.created",
        "task.started",
        "task.log",
        "task.result",
        "task.succeeded",
      ]);
      await expect.poll(() => processesOf(id), { timeout: 10_000 }).toEqual([]);
    },
  );
});

describe("a worker killed from outside", () => {
  it("fails its task as worker.lost within ten seconds, with its log so far", async () => {
    const folder = temporaryFolder();
    const { client } = await startSystem(folder);
    const id = await client.command({ command: "echo before; sleep 600", shell: true });
    const record = await client.until(id, ({ logLength }) => (logLength as number) > 0);
    const { sessionId } = record.providerRefs as { sessionId: string };
    const address = readFileSync(join(folder, "sessions", sessionId, "address.json"), "utf8");
    process.kill((JSON.parse(address) as { pid: number }).pid, "SIGKILL");
    const killedAt = Date.now();
    expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    expect(Date.now() - killedAt).toBeLessThan(10_000);
    expect(await client.log(id)).toBe("before\n");
    await expect.poll(() => processesOf(id), { timeout: 10_000 }).toEqual([]);
  });
});

describe("a spare worker that ended by itself", () => {
  it("is not given to the next task", async () => {
    const folder = temporaryFolder();
    const { client } = await startSystem(folder);
    const [spare = ""] = await waitFor(
      () => readdirSync(join(folder, "sessions")),
      (found) => found.length > 0,
    );
    const file = join(folder, "sessions", spare, "address.json");
    await expect.poll(() => existsSync(file)).toBe(true);
    process.kill((JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid, "SIGTERM");
    await expect.poll(() => existsSync(join(folder, "sessions", spare))).toBe(false);
    expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
  });
});

describe("a local system that is stopped", () => {
  it("lets its jobs go on, and finds them again", async () => {
    const folder = temporaryFolder();
    const first = await startSystem(folder);
    const id = await first.client.command({ command: printing, shell: true });
    await first.client.until(id, ({ logLength }) => (logLength as number) > 0);
    await first.kill("SIGTERM");
    expect((await processesOf(id)).length).toBeGreaterThan(0);
    const { client } = await startSystem(folder);
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(await client.log(id)).toBe(allLines);
  });
});

async function waitFor<T>(read: () => T, wanted: (value: T) => boolean): Promise<T> {
  await expect.poll(() => wanted(read())).toBe(true);
  return read();
}
