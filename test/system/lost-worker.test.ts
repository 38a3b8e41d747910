import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { killMarked } from "../../worker/processes/processes.ts";
import { processesOf, startSystem, temporaryFolder } from "./system.ts";
import { localSystem } from "./under-test.ts";

describe.concurrent("a worker that is lost before its job starts", () => {
  const { openHeld } = localSystem();

  it.for([
    ["before it was ready", "AwaitReady"],
    ["before it was greeted", "Start"],
  ] as const)("%s is replaced by another, which runs the job once", async ([, state], { expect, onTestFinished }) => {
    const { client, folder, isThere, release } = await openHeld(state, { atEnd: onTestFinished });
    const proof = join(folder, "proof");
    const id = await client.command({ command: `echo ran >> ${proof}`, shell: true });
    await isThere;
    const { providerRefs } = await client.status(id);
    const { sessionId } = providerRefs as { sessionId: string };
    expect((await killMarked(environmentVariables.sessionMarker, sessionId)).length).toBeGreaterThan(0);
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
    ["an environment in which no program starts", { NODE_OPTIONS: "--no-such-option" }, "--no-such-option"],
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
