import { afterAll, beforeAll, expect, test } from "vitest";
import { makeTask } from "../contract/make-task.ts";
import { credentials, Emulator, REGION } from "../emulators/agentcore/emulator.ts";
import { startCloudWatchLogs } from "../emulators/cloudwatch-logs.ts";
import { type Cloud, openCloud } from "../emulators/functions.ts";
import type { DeployedFunction } from "../emulators/lambda-runner.ts";
import { localIdentity } from "../emulators/requests/signature.ts";

let cloud: Cloud;
let janitor: DeployedFunction;
let emulator: Emulator;
let logs: Awaited<ReturnType<typeof startCloudWatchLogs>>;
beforeAll(async () => {
  cloud = await openCloud();
  emulator = await new Emulator().listen();
  const identities = { [credentials.accessKeyId]: credentials.secretAccessKey, ...localIdentity };
  logs = await startCloudWatchLogs({ region: REGION, identities });
  janitor = await cloud.deploy("lambdas/janitor/handler.ts", {
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: emulator.endpoint,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.endpoint,
  });
});
afterAll(async () => {
  await cloud?.stop();
  await emulator?.[Symbol.asyncDispose]();
  await logs?.close();
});

const scheduled = { source: "aws.scheduler", "detail-type": "Scheduled Event", detail: {} };

/** Tasks of one owner whose time to be looked at was a minute ago. */
async function overdue(count: number, changes: Parameters<typeof makeTask>[0] = {}) {
  const tasks = Array.from({ length: count }, () =>
    makeTask({ owner: "ann", backend: "aws-agentcore", provider: "aws", dueAtMs: Date.now() - 60_000, ...changes }),
  );
  for (const task of tasks) await cloud.store.create(task);
  return tasks.map(({ id }) => id);
}

test("starts the executions of tasks that nobody brings on, and queued ones too", async () => {
  const working = await overdue(20, { status: "running" });
  const queued = await overdue(3, { profile: "research" });
  expect(await (await janitor.invoke(scheduled)).json()).toMatchObject({ recovered: 23, left: 0 });
  const names = cloud.starts.map(({ name }) => name).sort();
  expect(names).toEqual([...working, ...queued].map((id) => `${id}-1`).sort());
  expect(await cloud.store.get(queued[0] ?? "")).toMatchObject({
    status: "provisioning",
    obligations: { slot: "research" },
  });
  expect(await (await janitor.invoke(scheduled)).json()).toMatchObject({ recovered: 0, left: 0 });
});

test("leaves for the next run what it has no time for", async () => {
  const [id = ""] = await overdue(1, { status: "running" });
  expect(await (await janitor.invoke(scheduled, { remainingMs: 15_000 })).json()).toMatchObject({
    recovered: 0,
    left: 1,
  });
  expect(janitor.logged().at(-1)).toMatchObject({ level: "WARN", recovered: 0, left: 1 });
  expect(await (await janitor.invoke(scheduled)).json()).toMatchObject({ recovered: 1, left: 0 });
  expect(cloud.starts.at(-1)).toMatchObject({ name: `${id}-1` });
});

/** As EventBridge tells of it. */
const death = (name: string) => ({
  source: "aws.states",
  "detail-type": "Step Functions Execution Status Change",
  detail: { status: "FAILED", name, stateMachineArn: "arn:aws:states:us-east-1:123456789012:stateMachine:dispatch" },
});

test("recovers the task whose execution died at once, and looks for nothing else", async () => {
  const later = { status: "running", dueAtMs: Date.now() + 300_000 } as const;
  const [dead = "", other = ""] = [...(await overdue(1, later)), ...(await overdue(1))];
  const before = emulator.calls.length;
  expect(await (await janitor.invoke(death(`${dead}-1`))).json()).toEqual({ recovered: 1 });
  expect(cloud.starts.at(-1)).toMatchObject({ name: `${dead}-1` });
  for (const name of [`${dead}-1`, `${dead}-7`, `${other}-2`])
    expect(await (await janitor.invoke(death(name))).json()).toEqual({ recovered: 0 });
  expect(emulator.calls).toHaveLength(before);
});

test("asks AgentCore and CloudWatch Logs what is left, and tells how much it found", async () => {
  const group = `/aws/bedrock-agentcore/runtimes/ad_0a1b2c3d_${"0".repeat(32)}-AbCdEf1234-DEFAULT`;
  logs.print(group, "a", "hello");
  // It looks for logs once an hour, and has looked.
  await janitor.recycle();
  const answer = await (await janitor.invoke(scheduled)).json();
  expect(answer).toMatchObject({ unknown: 0, logs: 1, runtimes: { kept: 0, held: 0, deleting: 0, gone: 0 } });
  expect(logs.retentionOf(group)).toBe(30);
});
