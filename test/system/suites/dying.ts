import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { eventsOfWholeJob } from "../../fixtures/whole-job.ts";
import { processesOf } from "../system.ts";
import type { SystemUnderTest } from "../under-test.ts";

/** A control plane that is killed in the middle of a task. */
export function dying({ openDying }: SystemUnderTest): void {
  describe("a control plane killed", () => {
    // Fail is left out here: it runs only after another step has failed.
    it.for(["Provision", "AwaitReady", "Start", "Watch", "Complete", "Cleanup"])(
      "after the effect of %s and before its answer runs the job once and ends it truthfully",
      async (state, { expect, onTestFinished: atEnd }) => {
        const { client: first, died, next, folder } = await openDying(state, { atEnd });
        const proof = join(folder, "proof");
        writeFileSync(proof, "");
        const job = { command: `echo ran >> ${proof}; echo out`, shell: true };
        const keyed = { idempotency_key: "one" };
        // The process may die before it answers; a client then sends the same call again.
        await first.command(job, keyed).catch(() => {});
        await died;

        const client = await next();
        const id = await client.command(job, keyed);
        expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
        expect(readFileSync(proof, "utf8")).toBe("ran\n");
        expect(await client.log(id)).toBe("out\n");
        const types = (await client.events(id)).map(({ type }) => type);
        expect(types.filter((type) => type !== "runtime.provisioned")).toEqual(eventsOfWholeJob);
        await expect.poll(() => processesOf(id), { timeout: 30_000 }).toEqual([]);
      },
    );
  });
}
