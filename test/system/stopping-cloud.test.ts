/**
 * Stopping everything on the cloud as deployed: an owner by its tools, an operator by the command line, and the deletion of
 * the stack.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Context } from "../../lib/client/cli/context.ts";
import { main } from "../../lib/client/cli/program.ts";
import type { Json } from "../../lib/contract/task.ts";
import { newCaller } from "../aws/callers.ts";
import { memoryIo } from "../client/cli/memory-io.ts";
import { credentials, REGION } from "../emulators/agentcore/emulator.ts";
import { type CloudSystem, openCloudSystem, STACK_ID } from "../emulators/cloud-system.ts";
import { startCloudFormation } from "../emulators/cloudformation.ts";
import { startLambdaInvoke } from "../emulators/lambda-invoke.ts";
import { listen } from "../emulators/requests/listen.ts";
import { witnessed } from "../emulators/requests/witness.ts";
import { cloudConfiguration, cloudUnderTest, onAws } from "./cloud-under-test.ts";
import { forbidden, policiesOf } from "./permissions.ts";
import { stopping } from "./suites/stopping.ts";
import { commandCall } from "./system.ts";

const FUNCTION = "Team-OperatorHandlerFunction-1A2B3C";
/** A runtime of this stack's that no record knows. */
const STRAY = `ad_0a1b2c3d_${"5".repeat(32)}`;
const nothing = { runtimes: [], sessions: [] };
/** Of all that there are, with what the stack has deployed. */
const runtimeNames = () => {
  const { agentRuntimes } = cloud.emulator.runtimes.list(new URLSearchParams()) as { agentRuntimes: Json[] };
  return agentRuntimes.map(({ agentRuntimeName }) => agentRuntimeName);
};

let cloud: CloudSystem;
beforeAll(async () => {
  cloud = await openCloudSystem(cloudConfiguration);
});
afterAll(() => cloud?.[Symbol.asyncDispose]());

const system = cloudUnderTest(() => cloud);
describe("the cloud as deployed", () => stopping(system));

const opened = () => system.open({ atEnd: onTestFinished });
/** A task that runs on a runtime of its own, or that it shares. */
async function runsOnRuntime(client: Awaited<ReturnType<typeof opened>>["client"], details: Json = {}) {
  const place = onAws("runtime", { target: { mode: "runtime", details } });
  const { taskId } = await client.must("dispatch_task", commandCall({ command: "sleep 600" }, place));
  await client.until(taskId as string, ({ status }) => status === "running");
  return taskId as string;
}

describe("stop_all of an owner", () => {
  it("ends its sessions and deletes the runtimes made for its tasks alone, and nobody else's", async () => {
    const [one, other] = [await opened(), await opened()];
    const own = await runsOnRuntime(one.client, { reuse: false });
    const shared = await runsOnRuntime(one.client);
    const theirs = await runsOnRuntime(other.client);
    const sessions = (await one.client.must("list_sessions", {})).items as Json[];
    expect(sessions.map(({ taskId, ownRuntime, bills }) => ({ taskId, ownRuntime, bills }))).toEqual([
      { taskId: own, ownRuntime: true, bills: true },
      { taskId: shared, ownRuntime: undefined, bills: true },
    ]);
    for (const { estimatedCost } of sessions)
      expect(estimatedCost).toEqual({
        isEstimate: true,
        leastUsd: expect.any(Number),
        mostUsd: expect.any(Number),
        pricesDate: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      });
    expect(cloud.emulator.inventory.sessions).toHaveLength(3);

    const answer = await one.client.must("stop_all", { confirm: true, wait_seconds: 45 });
    expect(answer).toMatchObject({ cancelled: 2, unverified: [], underway: [] });
    expect((answer.verified as Json[]).map(({ taskId, what }) => `${what} ${taskId}`).sort()).toEqual(
      [`runtime ${own}`, `session ${own}`, `session ${shared}`].sort(),
    );
    const { runtimes, sessions: left } = cloud.emulator.inventory;
    expect(runtimes).toHaveLength(1);
    expect(left).toHaveLength(1);
    expect(await other.client.status(theirs)).toMatchObject({ status: "running" });
    await other.client.must("stop_all", { confirm: true, wait_seconds: 45 });
    expect(cloud.emulator.inventory.sessions).toEqual([]);
  });

  it("names what it could not see to have stopped, and why", async () => {
    const { client } = await opened();
    const id = await client.command("sleep 600");
    await client.until(id, ({ status }) => status === "running");
    let isDenied = true;
    cloud.emulator.fail("StopRuntimeSession", { error: "AccessDeniedException" }, 1000, () => isDenied);
    const answer = await client.must("stop_all", { confirm: true, wait_seconds: 3 });
    expect(answer).toMatchObject({
      verified: [],
      unverified: [{ taskId: id, what: "session", why: expect.stringContaining("StopRuntimeSession") }],
      hint: expect.stringContaining("again"),
    });
    isDenied = false;
    expect(await client.must("stop_all", { confirm: true, wait_seconds: 45 })).toMatchObject({ unverified: [] });
    expect(await client.must("list_sessions", {})).toEqual({ items: [], queued: 0 });
  });
});

describe("an operator", () => {
  const denied = new Set<string>();
  const operator = { ...newCaller(), ...credentials };
  let env: Record<string, string> = {};
  beforeEach(async () => {
    const identities = { [operator.accessKeyId]: operator.secretAccessKey };
    const functions = { [FUNCTION]: cloud.functions.operator };
    const lambda = await startLambdaInvoke({ region: REGION, identities, functions, denied });
    onTestFinished(() => lambda.close());
    const outputs = {
      Endpoint: cloud.url,
      Region: REGION,
      OperatorFunctionArn: `arn:aws:lambda:${REGION}:123456789012:function:${FUNCTION}`,
    };
    const stacks = { Team: outputs, Older: { Endpoint: cloud.url, Region: REGION } };
    const cloudFormation = await startCloudFormation({ region: REGION, identities, stacks });
    onTestFinished(() => cloudFormation.close());
    vi.stubEnv("AWS_ENDPOINT_URL_CLOUDFORMATION", cloudFormation.endpoint);
    onTestFinished(() => void vi.unstubAllEnvs());
    env = {
      AWS_ACCESS_KEY_ID: operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    };
  });

  async function admin(...words: string[]) {
    const io = memoryIo(env);
    const refuse = () => Promise.reject(new Error("nothing is on this machine"));
    const local = { stateDir: refuse, idsBeginning: refuse, find: refuse, read: refuse, start: refuse };
    const context: Context = { io, local, patienceMs: 0, onDeparture: () => () => {}, exit() {} };
    const code = await main(["admin", ...words, "--stack", "Team"], context);
    return { code, out: io.out(), err: io.err() };
  }
  const asJson = async (...words: string[]) => JSON.parse((await admin(...words, "--json")).out);

  it("sees what everybody's tasks hold, stops it, and is told what was seen to be over", async () => {
    const [one, other] = [await opened(), await opened()];
    const ids = [await runsOnRuntime(one.client), await runsOnRuntime(other.client)];
    const seen = await asJson("sessions");
    expect(seen.items.map(({ taskId }: Json) => taskId).sort()).toEqual(ids.toSorted());
    expect(new Set(seen.items.map(({ owner }: Json) => owner)).size).toBe(2);
    expect(seen.runtimes).toMatchObject({ items: [{ status: "READY", users: 2, known: true }], unseen: [] });
    expect((await admin("sessions")).out).toContain("sleep 600");

    const asked = await admin("stop-all");
    expect(asked).toMatchObject({
      code: 2,
      err: expect.stringContaining("admin stop-all --stack Team --yes stops it"),
    });
    expect(cloud.emulator.inventory.sessions).toHaveLength(2);

    const stopped = await admin("stop-all", "--yes", "--runtimes");
    expect(stopped).toMatchObject({ code: 0 });
    expect(stopped.out).toMatch(/^2 tasks were cancelled\n(?:verified as stopped: (?:session|runtime) .*\n){3}/);
    expect(cloud.emulator.inventory).toEqual(nothing);
    for (const [index, id] of ids.entries())
      expect(await [one, other][index]?.client.status(id)).toMatchObject({ status: "cancelled" });
  });

  it("pauses the admission of everybody's tasks, and what waits begins as soon as that is over", async () => {
    const [one, other] = [await opened(), await opened()];
    const before = await one.client.command("sleep 600");
    await one.client.until(before, ({ status }) => status === "running");
    expect(await asJson("admission", "pause")).toMatchObject({ paused: [{ by: "operator" }] });
    const waiting = [await one.client.command("true"), await other.client.command("true")];
    const clients = [one.client, other.client];
    for (const [index, id] of waiting.entries())
      expect(await clients[index]?.status(id)).toMatchObject({ status: "queued", admissionPausedBy: ["operator"] });
    expect(await one.client.status(before)).toMatchObject({ status: "running" });
    // It is not theirs to end.
    expect(await one.client.must("set_admission", { action: "resume" })).toMatchObject({
      paused: [{ by: "operator" }],
      hint: expect.stringContaining("operator"),
    });
    expect(await one.client.status(waiting[0] ?? "")).toMatchObject({ status: "queued" });
    expect((await admin("admission")).out).toContain("an operator has paused the admission of everybody's tasks");
    expect(await asJson("admission", "resume")).toEqual({ paused: [], left: 0 });
    for (const [index, id] of waiting.entries()) {
      expect((await clients[index]?.status(id))?.status).not.toBe("queued");
      expect(await clients[index]?.ended(id)).toMatchObject({ status: "succeeded" });
    }
    await one.client.must("stop_all", { confirm: true, wait_seconds: 45 });
  });

  it("is told what is missing: the permission, the function, the stack, a known request", async () => {
    denied.add(operator.accessKeyId);
    const refused = await admin("sessions");
    denied.clear();
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("lambda:InvokeFunction") });
    const io = memoryIo(env);
    const local = {} as Context["local"];
    const context: Context = { io, local, patienceMs: 0, onDeparture: () => () => {}, exit() {} };
    expect(await main(["admin", "sessions", "--stack", "Older"], context)).toBe(2);
    expect(io.err()).toContain("OperatorFunctionArn");
    const answer = await cloud.functions.operator.invoke({ operation: "stop_all", confirm: "yes", more: 1 });
    expect(await answer.json()).toMatchObject({ error: { code: "input.invalid" } });
  });
});

describe("the custom resource", () => {
  /** What CloudFormation would be told, by a server in place of the address that it signs. */
  async function asked(
    RequestType: string,
    { remainingMs = 900_000, stackId = STACK_ID, status = "DELETE_IN_PROGRESS" } = {},
  ) {
    cloud.statuses[STACK_ID] = status;
    const server = createServer();
    const url = await listen(server);
    onTestFinished(() => url.close());
    const put = once(server, "request").then(async ([request, response]) => {
      const said = {
        method: request.method,
        type: request.headers["content-type"],
        body: JSON.parse(await text(request)),
      };
      response.end();
      return said;
    });
    const event = {
      RequestType,
      ResponseURL: `${url.endpoint}/bucket/${encodeURIComponent(stackId)}?X-Amz-Signature=abc`,
      StackId: stackId,
      RequestId: `request-of-${RequestType}`,
      ResourceType: "Custom::AgentDispatchSweep",
      LogicalResourceId: "OperatorSweep6D779E51",
      ServiceToken: "arn:aws:lambda:us-west-2:123456789012:function:operator",
      ...(RequestType !== "Create" && { PhysicalResourceId: "agent-dispatch-sweep" }),
      ResourceProperties: { ServiceToken: "arn:aws:lambda:us-west-2:123456789012:function:operator" },
      ...(RequestType === "Update" && { OldResourceProperties: {} }),
    };
    const answer = await cloud.functions.operator.invoke(event, { remainingMs });
    expect(answer.headers.has("x-amz-function-error")).toBe(false);
    await answer.text();
    const { method, type, body } = await put;
    expect([method, type ?? ""]).toEqual(["PUT", ""]);
    expect(body).toMatchObject({
      StackId: stackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      PhysicalResourceId: "agent-dispatch-sweep",
    });
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(4096);
    return body as { Status: string; Reason?: string };
  }

  it.each(["Create", "Update"])("does nothing at a %s", async (type) => {
    const { client } = await opened();
    const id = await client.command("sleep 600");
    await client.until(id, ({ status }) => status === "running");
    expect(await asked(type)).toMatchObject({ Status: "SUCCESS" });
    expect(await client.status(id)).toMatchObject({ status: "running" });
    await client.must("stop_all", { confirm: true, wait_seconds: 45 });
  });

  it.each(["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"])(
    "does nothing where it is deleted alone, at %s",
    async (status) => {
      const { client } = await opened();
      const id = await client.command("sleep 600");
      await client.until(id, ({ status }) => status === "running");
      expect(await asked("Delete", { status })).toMatchObject({ Status: "SUCCESS" });
      expect(await client.status(id)).toMatchObject({ status: "running" });
      expect(await cloud.store.listPauses()).toEqual([]);
      await client.must("stop_all", { confirm: true, wait_seconds: 45 });
    },
  );

  it("does nothing for another stack", async () => {
    const stackId = STACK_ID.replace("0a1b2c3d-", "ffffffff-");
    expect(await asked("Delete", { stackId })).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining(stackId),
    });
    expect(await cloud.store.listPauses()).toEqual([]);
  });

  it("leaves nothing of a stack that is deleted: tasks, sessions, runtimes, one too that no record knows", async () => {
    const { client } = await opened();
    const shared = await runsOnRuntime(client);
    const own = await runsOnRuntime(client, { reuse: false });
    const here = await client.command("sleep 600");
    await client.until(here, ({ status }) => status === "running");
    cloud.emulator.deploy(STRAY);
    expect(await asked("Delete")).toMatchObject({ Status: "SUCCESS" });
    expect(cloud.emulator.inventory).toEqual(nothing);
    expect(runtimeNames()).toEqual(["shared"]);
    for (const id of [shared, own, here]) expect(await client.status(id)).toMatchObject({ status: "cancelled" });
    expect(await cloud.store.listDue(Number.MAX_SAFE_INTEGER, 100)).toEqual([]);
    // Nothing begins any more, until the stack is there again.
    const waiting = await client.command("true");
    expect(await client.status(waiting)).toMatchObject({ status: "queued", admissionPausedBy: ["deletion"] });
    expect(await asked("Create")).toMatchObject({ Status: "SUCCESS" });
    expect(await cloud.store.listPauses()).toEqual([]);
    await client.must("stop_all", { confirm: true });
  });

  it("leaves nothing of a task that is being provisioned meanwhile", async () => {
    const { client, isThere, release } = await system.openHeld("Provision", { atEnd: onTestFinished });
    const place = onAws("runtime", { target: { mode: "runtime", details: { reuse: false } } });
    const { taskId } = await client.must("dispatch_task", commandCall({ command: "sleep 600" }, place));
    await isThere;
    const deleted = asked("Delete");
    await client.until(taskId as string, ({ status }) => status === "cancelled");
    release();
    expect(await deleted).toMatchObject({ Status: "SUCCESS" });
    await asked("Create");
    await expect.poll(() => cloud.emulator.inventory, { timeout: 40_000 }).toEqual(nothing);
  });

  it("fails once with what it leaves and why, in bounded time, and goes on when asked again", async () => {
    cloud.emulator.deploy(STRAY);
    let isDenied = true;
    cloud.emulator.fail("DeleteAgentRuntime", { error: "AccessDeniedException" }, 1000, () => isDenied);
    const first = await asked("Delete", { remainingMs: 96_000 });
    expect(first).toMatchObject({ Status: "FAILED", Reason: expect.stringContaining(`runtime ${STRAY}`) });
    expect(first.Reason).toContain("DeleteAgentRuntime");
    expect(first.Reason).toContain("Delete the stack once more");
    const left = cloud.functions.operator.logged().filter(({ level }) => level === "ERROR");
    expect(JSON.stringify(left)).toContain(STRAY);
    const second = await asked("Delete", { remainingMs: 96_000 });
    expect(second).toMatchObject({ Status: "SUCCESS", Reason: expect.stringContaining(`runtime ${STRAY}`) });
    isDenied = false;
    expect(await asked("Delete")).toMatchObject({ Status: "SUCCESS" });
    expect(runtimeNames()).toEqual(["shared"]);
  });
});

it("has done nothing that the stack's policies do not allow", async () => {
  expect(forbidden(await policiesOf(cloud))).toEqual([]);
  expect([...witnessed.keys()]).toEqual(expect.arrayContaining(["mcp", "operator"]));
  expect(cloud.emulator.flaws).toEqual([]);
});
