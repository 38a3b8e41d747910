import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { processesOf, startSystem, temporaryFolder } from "./system.ts";
import { localSystem } from "./under-test.ts";
import { workerIdOf, workerOf, workersOf } from "./workers.ts";

const isThere = (pid: number): boolean => existsSync(`/proc/${pid}/exe`);
const framework = `${environmentVariables.frameworkCommandPrefix}A`;

describe.concurrent("a worker that is lost before its job starts", () => {
  const { openHeld } = localSystem();

  it.for([
    ["before it was ready", "AwaitReady"],
    ["before it was greeted", "Start"],
  ] as const)("%s is replaced by another, which runs the job once", async ([, state], { expect, onTestFinished }) => {
    const { client, folder, isThere: isHeld, release } = await openHeld(state, { atEnd: onTestFinished });
    const proof = join(folder, "proof");
    const id = await client.command({ command: `echo ran >> ${proof}`, shell: true });
    await isHeld;
    const record = await client.status(id);
    await expect
      .poll(() => workersOf(folder).map((worker) => worker.id), { timeout: 20_000 })
      .toContain(workerIdOf(folder, (record.providerRefs as { sessionId: string }).sessionId));
    const { pid } = workerOf(folder, record);
    process.kill(pid, "SIGKILL");
    await expect.poll(() => isThere(pid), { timeout: 10_000 }).toBe(false);
    release();
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
    expect(readFileSync(proof, "utf8")).toBe("ran\n");
  });

  it.for([
    [
      "a list of frameworks that is not JSON",
      { [environmentVariables.frameworkCommands]: "{broken" },
      environmentVariables.frameworkCommands,
    ],
    ["a framework whose command is not closed", { [framework]: "'b" }, framework],
  ] as const)(
    "says why none starts with %s, and gives the slot back",
    async ([, environment, words], { expect, onTestFinished: atEnd }) => {
      const { client } = await startSystem(temporaryFolder(atEnd), {
        configuration: { backends: { here: { adapter: "local-process", account: "local", details: { environment } } } },
        limits: { maxRunning: 1 },
        atEnd,
      });
      const here = { backend: "here" };
      const ids = [await client.command("true", here), await client.command("true", here)];
      for (const id of ids) {
        expect(await client.ended(id)).toMatchObject({
          status: "failed",
          error: { code: "worker.start_failed", message: expect.stringContaining(words), hint: expect.any(String) },
        });
        await expect.poll(() => processesOf(id), { timeout: 10_000 }).toEqual([]);
      }
    },
  );
});
