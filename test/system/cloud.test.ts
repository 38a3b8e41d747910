/** The system suites on the cloud as it is deployed, with every service of AWS emulated. */
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { witnessed } from "../emulators/requests/witness.ts";
import { revisions } from "../mcp/clients.ts";
import { cloudConfiguration, cloudUnderTest, onAws } from "./cloud-under-test.ts";
import { forbiddenActions } from "./permissions.ts";
import { cancelling } from "./suites/cancelling.ts";
import { dispatching } from "./suites/dispatching.ts";
import { dying } from "./suites/dying.ts";
import { families } from "./suites/families.ts";

let cloud: CloudSystem;
beforeAll(async () => {
  cloud = await openCloudSystem(cloudConfiguration);
});
afterAll(() => cloud?.[Symbol.asyncDispose]());

describe.concurrent("the cloud as deployed", () => {
  const system = cloudUnderTest(() => cloud);
  // The endpoint there is another: a REST API, and a function that streams.
  dispatching(system, revisions);
  cancelling(system);
  families(system);
  dying(system);

  it("asks a runtime that knows nothing of the worker contract once, and what it answers is the result", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const asked: Json[] = [];
    const arn = cloud.emulator.deploy("strangers", {
      contractLess: (body, response) => {
        asked.push(JSON.parse(String(body)));
        response.writeHead(200, { "content-type": "application/json" }).end('{"answer":42}');
      },
    });
    const { client } = await system.open({ atEnd });
    const place = onAws("session", { target: { mode: "session", details: { runtimeArn: arn, contract: "none" } } });
    const { taskId } = await client.must("spawn_cloud_agent", { instruction: "ask", ...place });
    expect(await client.ended(taskId as string)).toMatchObject({ status: "succeeded", result: { answer: 42 } });
    expect(asked).toMatchObject([{ taskType: "agent.run", prompt: expect.stringContaining("ask") }]);
  });
});

it("has left nothing behind", async ({ expect }) => {
  await expect.poll(() => cloud.emulator.inventory, { timeout: 40_000 }).toEqual({ runtimes: [], sessions: [] });
  await expect.poll(() => cloud.store.listDue(Number.MAX_SAFE_INTEGER, 1000), { timeout: 40_000 }).toEqual([]);
  expect(cloud.emulator.flaws).toEqual([]);
});

it("has done nothing that the stack's policies do not allow", async ({ expect }) => {
  expect(await forbiddenActions()).toEqual([]);
  expect([...witnessed.keys()]).toEqual(
    expect.arrayContaining(["mcp", "Provision", "AwaitReady", "Start", "SynchronousCall", "Watch", "Cleanup"]),
  );
});
