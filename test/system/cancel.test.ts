import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { cancelling } from "./suites/cancelling.ts";
import { families } from "./suites/families.ts";
import { localSystem } from "./under-test.ts";

describe.concurrent("the local system", () => {
  const system = localSystem();
  cancelling(system);
  families(system);

  it("leaves nothing of a cancelled task's session on the disk", async ({ expect, onTestFinished: atEnd }) => {
    const { client, folder } = await system.open({ atEnd });
    const id = await client.command("sleep 600");
    const { providerRefs } = await client.until(id, ({ status }) => status === "running");
    await client.must("cancel_task", { task_id: id });
    await client.ended(id);
    const file = join(folder, "sessions", (providerRefs as { sessionId: string }).sessionId);
    await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(false);
  });
});
