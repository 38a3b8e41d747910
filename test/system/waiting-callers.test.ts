/** Callers that wait hold a function each: however many there are, other calls and the workflow get theirs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { signingFetch } from "../aws/callers.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { openOlderClient } from "../mcp/task-clients.ts";
import { cloudConfiguration, cloudUnderTest } from "./cloud-under-test.ts";
import { forbidden, policiesOf } from "./permissions.ts";

/** What a new account has, of which 4 calls may wait, 2 of one owner. */
const CONCURRENCY = 10;

let cloud: CloudSystem;
beforeAll(async () => {
  cloud = await openCloudSystem(cloudConfiguration, { concurrency: CONCURRENCY });
});
afterAll(() => cloud?.[Symbol.asyncDispose]());

const system = cloudUnderTest(() => cloud);
const isRefused = (record: Json) => record.askAgainSeconds !== undefined;

describe("in an account that may run 10 functions at once", () => {
  it("callers beyond the bound are answered at once, and everybody else as if nobody waited", async ({
    onTestFinished: atEnd,
  }) => {
    const owners = await Promise.all([1, 2, 3].map(() => system.open({ atEnd })));
    const [one, other] = owners as [(typeof owners)[0], (typeof owners)[0]];
    const sleeping = await one.client.command("sleep 600");
    const others = await other.client.command("sleep 600");
    await one.client.until(sleeping, ({ status }) => status === "running");
    await other.client.until(others, ({ status }) => status === "running");

    const waits = [one, one, one, one, other, other, other].map(({ client }, call) => {
      const task_id = client === one.client ? sleeping : others;
      return call % 2 === 0
        ? client.must("wait_for_task", { task_id, timeout_seconds: 20 })
        : client.must("get_task_logs", { task_id, wait_seconds: 20 });
    });
    // Those that may not wait are answered while the others do.
    let answered = 0;
    for (const wait of waits) void wait.then(() => (answered += 1));
    await expect.poll(() => answered, { timeout: 15_000 }).toBeGreaterThanOrEqual(3);
    expect(answered).toBeLessThan(waits.length);

    // A result of a task of MCP is waited for in the same way.
    const tasks = await openOlderClient({ url: cloud.url, identity: signingFetch(one.caller) }, atEnd);
    await expect(tasks.experimental.tasks.getTaskResult(sleeping)).rejects.toThrow(/too many calls wait: in \d+ s/);

    // Whoever does not wait is answered: a status, a list, a spawn; and the steps of its workflow run to their end.
    expect(await one.client.status(sleeping)).toMatchObject({ status: "running" });
    const [, , third] = owners;
    const fresh = await third?.client.command("echo done");
    await third?.client.until(String(fresh), ({ status }) => status === "succeeded");
    expect(answered).toBeLessThan(waits.length);
    expect(cloud.account).toMatchObject({ refused: 0 });
    expect(cloud.account?.highest).toBeLessThanOrEqual(CONCURRENCY);

    await one.client.must("cancel_task", { task_id: sleeping });
    await other.client.must("cancel_task", { task_id: others });
    const records = await Promise.all(waits);
    expect(records.filter((record) => !isRefused(record)).length).toBeGreaterThanOrEqual(2);
    expect(records.filter((record) => !isRefused(record)).length).toBeLessThanOrEqual(4);
    for (const record of records.filter(isRefused)) expect(record.askAgainSeconds).toBeGreaterThanOrEqual(2);
    for (const record of records.filter((each) => isRefused(each) && "status" in each))
      expect(record).toMatchObject({ status: "running", timedOutWaiting: true });
    expect(forbidden(await policiesOf(cloud))).toEqual([]);
  });
});
