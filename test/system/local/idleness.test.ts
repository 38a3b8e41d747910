import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { clientOfLocal } from "../../../lib/client/cli/systems/open-client.ts";
import type { Client } from "../../../lib/client/sdk/client.ts";
import type { Task } from "../../../lib/contract/task.ts";
import { activity, untilIdle } from "../../../lib/system/local/idleness.ts";
import { type LocalSystem, startLocal } from "../../../lib/system/local.ts";

async function start(onTask?: (task: Task) => void): Promise<{ system: LocalSystem; client: Client }> {
  const stateDir = await mkdtemp(join(tmpdir(), "agent-dispatch-idle-"));
  const system = await startLocal({ stateDir, prewarm: false, ...(onTask && { onTask }) });
  const client = clientOfLocal(system);
  onTestFinished(async () => {
    await client.close();
    await system.close();
    await rm(stateDir, { recursive: true });
  });
  return { system, client };
}

const command = (text: string) => ({
  provider: "local",
  account_profile: "local",
  capability: "agent-runtime",
  task_type: "command.run",
  target: { mode: "session" },
  input: { command: text, shell: true },
});

test("a system is idle once nothing is open and nobody has asked for anything for that long", async () => {
  const { system, client } = await start();
  const { taskId } = await client.call("dispatch_task", command("until [ -e go ]; do sleep 0.05; done"));
  let isIdle = false;
  const idle = system.untilIdle(100).then(() => {
    isIdle = true;
  });
  await expect
    .poll(async () => (await client.call("get_task_status", { task_id: taskId })).status, { timeout: 20_000 })
    .toBe("running");
  const looks = vi.spyOn(system.ports.store, "listDue");
  await expect.poll(() => looks.mock.calls.length, { timeout: 20_000 }).toBeGreaterThan(2);
  expect(isIdle).toBe(false);
  await client.call("cancel_task", { task_id: taskId });
  await idle;
  expect(await system.ports.store.listDue(Number.MAX_SAFE_INTEGER, 1)).toEqual([]);
});

test("a system is not idle while somebody is served, until the last of them is", async () => {
  const served = activity();
  const ends = [served.begin(), served.begin()];
  ends[0]?.();
  ends[0]?.();
  expect(served.quietMs()).toBe(0);
  let looks = 0;
  const idle = untilIdle(
    served,
    async () => {
      looks += 1;
      if (looks === 3) ends[1]?.();
      return false;
    },
    10,
  );
  await idle;
  expect(looks).toBeGreaterThan(2);
});

test("what cannot be told to be closed keeps a system from being idle", async () => {
  let looks = 0;
  await untilIdle(
    activity(),
    async () => {
      looks += 1;
      if (looks < 3) throw new Error("the store cannot be read");
      return false;
    },
    10,
  );
  expect(looks).toBeGreaterThan(2);
});

test("who wants to hears of each task as it begins and as it ends", async () => {
  const heard: string[] = [];
  const { system, client } = await start(({ status, input }) => heard.push(`${status} ${input.command}`));
  for (const text of ["true", "exit 3"]) {
    const { taskId } = await client.call("dispatch_task", command(text));
    await client.call("wait_for_task", { task_id: taskId });
  }
  await system.close();
  expect(heard).toEqual(["provisioning true", "succeeded true", "provisioning exit 3", "failed exit 3"]);
});
