/** The system suites on the cloud as it is deployed, with every service of AWS emulated. */
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import { pricesDate } from "../../lib/contract/costs/prices.ts";
import type { Json } from "../../lib/contract/task.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { type Bedrock, startBedrock } from "../emulators/models/bedrock.ts";
import { scripted } from "../emulators/models/script.ts";
import { listen } from "../emulators/requests/listen.ts";
import { witnessed } from "../emulators/requests/witness.ts";
import type { Policies } from "../infra/policies.ts";
import { revisions } from "../mcp/clients.ts";
import { cloudConfiguration, cloudUnderTest, onAws } from "./cloud-under-test.ts";
import { forbidden, policiesOf, unused } from "./permissions.ts";
import { cancelling } from "./suites/cancelling.ts";
import { dispatching } from "./suites/dispatching.ts";
import { dying } from "./suites/dying.ts";
import { families } from "./suites/families.ts";
import { withoutNeed, withoutReason } from "./unused-permissions.ts";

const ACCESS_KEY = "AKIAWORKER";
let cloud: CloudSystem;
let bedrock: Bedrock;
/** Where a machine gets the credentials of its role. */
let role: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  // Files share a process, and clients that others tested are nobody here.
  witnessed.clear();
  bedrock = await startBedrock(ACCESS_KEY);
  const credentials = {
    AccessKeyId: ACCESS_KEY,
    SecretAccessKey: "secret",
    Token: "token",
    Expiration: "2999-01-01T00:00:00Z",
  };
  role = await listen(createServer((_, response) => response.end(JSON.stringify(credentials))));
  cloud = await openCloudSystem((deployed) => withModels(cloudConfiguration(deployed)));
});
afterAll(async () => {
  await cloud?.[Symbol.asyncDispose]();
  await bedrock?.[Symbol.asyncDispose]();
  await role?.close();
});

/** A profile like those of a deployment, whose machines have what AWS gives to real ones. */
function withModels(configuration: ConfigurationInput): ConfigurationInput {
  const { narrow } = configuration.backends ?? {};
  const environment = {
    AWS_REGION: "us-west-2",
    AWS_CONTAINER_CREDENTIALS_FULL_URI: role.endpoint,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
  };
  if (!narrow) throw new Error("there is no backend to take after");
  return {
    ...configuration,
    backends: { ...configuration.backends, models: { ...narrow, details: { ...narrow.details, environment } } },
    runtimes: { ...configuration.runtimes, models: { backend: "models", target: { mode: "runtime" } } },
  };
}

describe.concurrent("the cloud as deployed", () => {
  const system = cloudUnderTest(() => cloud);
  // The endpoint there is another: a REST API, and a function that streams.
  dispatching(system, revisions);
  cancelling(system);
  families(system);
  dying(system);

  it("runs a real agent where nothing is named but the instruction", async ({ expect, onTestFinished: atEnd }) => {
    const { client } = await system.open({ atEnd });
    const instruction = scripted(
      "write a report",
      { run: "echo '# Report' > $AGENTDISPATCH_ARTIFACTS_DIR/report.md" },
      { say: "It is written.\nSTATUS: done" },
    );
    const { taskId } = await client.must("spawn_cloud_agent", { instruction, runtime: "models" });
    expect(await client.ended(taskId as string)).toMatchObject({
      status: "succeeded",
      result: { output: "It is written.", outcome: "done" },
      usage: {
        inputTokens: expect.any(Number),
        estimate: {
          controlPlaneUsd: expect.any(Number),
          computeUsdAtMost: expect.any(Number),
          pricesOf: pricesDate,
          estimated: true,
        },
      },
    });
    const { artifacts } = await client.must("get_task_result", { task_id: taskId as string });
    expect(artifacts).toMatchObject([{ name: "report.md" }]);
    expect(bedrock.requests[0]?.path).toBe("/model/global.anthropic.claude-sonnet-5/converse-stream");
  });

  it("says what a task could run on", async ({ expect, onTestFinished: atEnd }) => {
    const { client } = await system.open({ atEnd });
    const check = (mode: string) => client.must("check_cloud_agent_runtime", { runtime: "models", target: { mode } });
    for (const mode of ["runtime", "session"]) {
      const { checks } = await check(mode);
      expect(checks).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ name: "quota", status: "pass" }),
          expect.objectContaining({ name: "model", status: "pass" }),
        ]),
      );
    }
  });

  it("goes on with an agent on another machine, once its turn there is over", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client } = await system.open({ atEnd });
    const first = scripted("the first turn", { say: "One.\nSTATUS: done" });
    const { taskId, conversation } = await client.must("spawn_cloud_agent", { instruction: first, runtime: "models" });
    const second = scripted("the second turn", { say: "Two.\nSTATUS: done" });
    const next = await client.must("spawn_cloud_agent", { instruction: second, conversation });
    expect(next).toMatchObject({ conversation, status: "queued" });
    expect(await client.ended(next.taskId as string)).toMatchObject({
      status: "succeeded",
      result: { output: "Two." },
    });
    const [one, two] = [await client.status(taskId as string), await client.status(next.taskId as string)];
    expect(one).toMatchObject({ status: "succeeded", profile: "models" });
    expect(two).toMatchObject({ profile: "models", conversation });
    expect(two.artifactCount).toBeUndefined();
    const asked = bedrock.requests.map(({ body }) => JSON.stringify(body)).find((text) => text.includes("second turn"));
    expect(asked).toContain("the first turn");
    expect(asked).toContain("One.");
  });

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

it("made one runtime for all that could share it, and has left nothing behind", async ({ expect }) => {
  await expect.poll(() => cloud.emulator.inventory.sessions, { timeout: 40_000 }).toEqual([]);
  const fingerprints = (await cloud.store.listRuntimes()).map(({ fingerprint }) => fingerprint);
  expect(new Set(fingerprints).size).toBe(fingerprints.length);
  expect(cloud.emulator.inventory.runtimes).toHaveLength(fingerprints.length);
  await cloud.dropRuntimes();
  await expect.poll(() => cloud.emulator.inventory, { timeout: 40_000 }).toEqual({ runtimes: [], sessions: [] });
  await expect.poll(() => cloud.store.listDue(Number.MAX_SAFE_INTEGER, 1000), { timeout: 40_000 }).toEqual([]);
  expect(cloud.emulator.flaws).toEqual([]);
});

describe("the stack's policies", () => {
  let policies: Policies;
  beforeAll(async () => {
    policies = await policiesOf(cloud);
  });

  it("allow all that was done, to what it was done to", ({ expect }) => {
    expect(forbidden(policies)).toEqual([]);
  });

  it("allow nothing else without a reason", ({ expect }) => {
    expect(withoutReason(unused(policies))).toEqual([]);
    expect(withoutNeed(unused(policies))).toEqual([]);
  });
});
