/**
 * What the janitor finds on AgentCore that nobody asks for any more: runtimes that no record knows, and logs of those that
 * are gone.
 */
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import type { CloudSettings } from "../../../lib/contract/cloud.ts";
import { RECORD_TAG, SHARED, TASK_TAG } from "../../../lib/contract/runtimes.ts";
import { newTaskId, randomHex } from "../../../lib/contract/task-id.ts";
import { Sweeper } from "../../../lib/engine/janitor/janitor.ts";
import { makeTask, type TaskFields } from "../../contract/make-task.ts";
import { credentials, type Emulator, REGION } from "../../emulators/agentcore/emulator.ts";
import { startEmulator } from "../../emulators/agentcore/system.ts";
import { startCloudWatchLogs } from "../../emulators/cloudwatch-logs.ts";
import { openPorts } from "../../mcp/ports.ts";
import { useEmulatorCredentials } from "./emulator-credentials.ts";

useEmulatorCredentials();
const PREFIX = "ad_0a1b2c3d_";
const HOUR_MS = 3_600_000;
const LOGS = "/aws/bedrock-agentcore/runtimes";

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator();
});

type Options = { cloud?: Partial<CloudSettings>; asCaller?: boolean; ownRuntimeArn?: string; accounts?: number };

/** A store, an account, and a janitor on a clock that can be set forward. */
async function system({ cloud = {}, ownRuntimeArn, accounts = 1, ...options }: Options = {}) {
  const logs = await startCloudWatchLogs({
    region: REGION,
    identities: { [credentials.accessKeyId]: credentials.secretAccessKey },
  });
  onTestFinished(() => logs.close());
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: emulator.endpoint,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: emulator.endpoint,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.endpoint,
  });
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  const ports = openPorts({
    now,
    configuration: {
      accounts: Object.fromEntries(
        Array.from({ length: accounts }, (_, n) => [`aws-${n}`, { provider: "aws", region: REGION }]),
      ),
      backends: { cloud: { adapter: "aws-agentcore", account: "aws-0" } },
      cloud,
    },
  });
  const backend = agentCoreBackend({
    configuration: ports.configuration,
    log: ports.log,
    now,
    holdSeconds: 840,
    runtimePrefix: PREFIX,
    ownRuntimeArn,
    ...options,
  });
  Object.assign(ports, { backends: { [backend.name]: backend } });
  const sweeper = new Sweeper(ports);
  return {
    ports,
    logs,
    store: ports.store,
    sweep: (mayGoOn?: () => boolean) => sweeper.sweep(mayGoOn),
    advance: (ms: number) => {
      aheadMs += ms;
    },
    found: () => ports.logged.flatMap((line) => /was left behind.*"thing":"(\w+)"/.exec(line)?.[1] ?? []),
    task: async (fields: TaskFields = {}) => {
      const task = makeTask({ provider: "aws", backend: backend.name, accountProfile: "aws-0", ...fields });
      await ports.store.create(task);
      return task;
    },
  };
}

const nameOf = (taskId: string) => taskId.replace("task_", PREFIX);
/** A runtime as it is made for a task. */
const deployFor = (taskId: string, tags: Record<string, string> = { [TASK_TAG]: taskId }) =>
  emulator.deploy(nameOf(taskId), { tags });
const left = () => emulator.runtimes.all.map(({ name }) => name);

describe("a runtime that was made for a task", () => {
  it("is deleted, and told of, once no task owes it: the oldest first", async () => {
    const { sweep, advance, found, task, ports } = await system();
    const settled = await task({ status: "succeeded" });
    const ids = [newTaskId(), settled.id, newTaskId()];
    const ages = [1, 3, 2];
    for (const [n, id] of ids.entries())
      emulator.deploy(nameOf(id), {
        tags: { [TASK_TAG]: id },
        createdAt: new Date(Date.now() - (ages[n] ?? 0) * 60_000).toISOString(),
      });
    advance(HOUR_MS);
    expect(await sweep()).toMatchObject({ unknown: 3 });
    const deleted = emulator.calls.filter(({ operation }) => operation === "DeleteAgentRuntime");
    const inOrder = [1, 2, 0].map((n) => expect.stringContaining(nameOf(ids[n] ?? "")));
    expect(deleted.map(({ body }) => (body as { id: string }).id)).toEqual(inOrder);
    expect(left()).toEqual([]);
    expect(found()).toEqual(["unknown_runtime", "unknown_runtime", "unknown_runtime"]);
    expect(ports.logged.find((line) => line.includes(nameOf(ids[0] as string)))).toContain(REGION);
    expect(await sweep()).toMatchObject({ unknown: 0 });
  });

  it("stays while a task owes it, running or over, and while it is young", async () => {
    const { sweep, advance, found, task } = await system();
    const id = newTaskId();
    for (const status of ["running", "failed"] as const) {
      const taskId = newTaskId();
      await task({ id: taskId, status, obligations: { runtime: nameOf(taskId) } });
      deployFor(taskId);
    }
    deployFor(id);
    expect(await sweep()).toMatchObject({ unknown: 0 });
    expect(left()).toHaveLength(3);
    advance(HOUR_MS);
    expect(await sweep()).toMatchObject({ unknown: 1 });
    expect(left()).toHaveLength(2);
    expect(found()).toEqual(["unknown_runtime"]);
  });

  it("stays when another stack made it, or anybody else", async () => {
    const { sweep, advance, found } = await system();
    emulator.deploy(`ad_ffffffff_${randomHex(16)}`, { tags: { [TASK_TAG]: newTaskId() } });
    emulator.deploy("shared_agent_dispatch");
    deployFor(newTaskId(), { team: "research" });
    advance(HOUR_MS);
    expect(await sweep()).toMatchObject({ unknown: 0 });
    expect(left()).toHaveLength(3);
    expect(found()).toEqual([]);
    expect(emulator.countOf("DeleteAgentRuntime")).toBe(0);
  });

  it("is deleted by the next run when this one is refused, or has no time left", async () => {
    const { sweep, advance, ports } = await system();
    deployFor(newTaskId());
    advance(HOUR_MS);
    await sweep(() => false);
    expect(emulator.calls).toEqual([]);
    emulator.fail("DeleteAgentRuntime", { error: "AccessDeniedException" });
    await sweep();
    expect(ports.logged.filter((line) => line.startsWith("error"))).toEqual([
      expect.stringContaining("the next run tries again"),
    ]);
    expect(left()).toHaveLength(1);
    await sweep();
    expect(left()).toEqual([]);
  });
});

describe("a runtime that tasks share", () => {
  const record = (id: string, name: string) => ({
    fingerprint: id.slice(0, -2),
    family: "family",
    backend: "aws-agentcore",
    accountProfile: "aws-0",
    region: REGION,
    name,
    state: "ready" as const,
    madeBy: newTaskId(),
    madeAtMs: Date.now(),
    attemptedAtMs: Date.now(),
    creations: 1,
    users: [newTaskId()],
    lastUsedAtMs: Date.now(),
  });

  it("is deleted when its record does not know it, and stays when it does", async () => {
    const { sweep, advance, store, found } = await system();
    const [kept, lost, older] = [1, 2, 3].map(() => `${PREFIX}${randomHex(16)}`) as [string, string, string];
    const id = `${randomHex(16)}-1`;
    await store.changeRuntime(id, () => record(id, kept));
    for (const name of [kept, older]) emulator.deploy(name, { tags: { [TASK_TAG]: SHARED, [RECORD_TAG]: id } });
    emulator.deploy(lost, { tags: { [TASK_TAG]: SHARED, [RECORD_TAG]: `${randomHex(16)}-1` } });
    advance(HOUR_MS);
    expect(await sweep()).toMatchObject({ unknown: 2 });
    expect(left()).toEqual([kept]);
    expect(found()).toEqual(["unknown_runtime", "unknown_runtime"]);
  });
});

describe("where nobody has been", () => {
  it("nobody looks with a caller's own credentials, and each account is looked through with the stack's", async () => {
    const { sweep } = await system({ asCaller: true });
    await sweep();
    expect(emulator.calls).toEqual([]);
    const stack = await system({ accounts: 2 });
    emulator.fail("ListAgentRuntimes", { error: "AccessDeniedException" });
    deployFor(newTaskId());
    stack.advance(HOUR_MS);
    expect(await stack.sweep()).toMatchObject({ unknown: 1 });
    expect(stack.ports.logged.filter((line) => line.startsWith("warn"))).toHaveLength(1);
  });
});

describe("the log of a runtime", () => {
  const groupOf = (arn: string) => `${LOGS}/${arn.split("/")[1]}-DEFAULT`;
  const DAY_MS = 24 * HOUR_MS;

  it("is removed some days after its last line once the runtime is gone, and bounded before that", async () => {
    const { sweep, advance, logs, found } = await system({ cloud: { runtimeLogDays: 3, logRetentionDays: 14 } });
    const arn = deployFor(newTaskId());
    const group = groupOf(arn);
    const others = ["/aws/lambda/mcp", `${LOGS}/ad_ffffffff_${randomHex(16)}-AbCdEf1234-DEFAULT`];
    for (const name of [group, ...others]) logs.print(name, "a", "hello");
    await sweep();
    expect(logs.retentionOf(group)).toBe(14);
    for (const name of others) expect(logs.retentionOf(name)).toBeUndefined();
    // Its runtime is young for the first 30 minutes, and then unknown.
    advance(HOUR_MS);
    await sweep();
    expect(left()).toEqual([]);
    advance(DAY_MS);
    await sweep();
    expect(logs.groups.has(group)).toBe(true);
    advance(2 * DAY_MS);
    await sweep();
    expect([...logs.groups.keys()]).toEqual(others);
    expect(found()).toEqual(["endless_log", "unknown_runtime", "old_log"]);
  });

  it("stays while the runtime is there, however old it is, and while it has a younger line", async () => {
    const { sweep, advance, logs, task } = await system({ cloud: { runtimeLogDays: 1 } });
    const id = newTaskId();
    await task({ id, status: "running", obligations: { runtime: nameOf(id) } });
    const arn = deployFor(id);
    const gone = `${LOGS}/${PREFIX}${randomHex(16)}-AbCdEf1234-DEFAULT`;
    logs.print(gone, "a", "hello");
    logs.print(groupOf(arn), "a", "hello");
    for (const line of logs.groups.get(gone) ?? []) line.timestamp += 2 * DAY_MS;
    advance(3 * DAY_MS - HOUR_MS);
    await sweep();
    expect([...logs.groups.keys()]).toEqual([gone, groupOf(arn)]);
    advance(2 * HOUR_MS);
    await sweep();
    expect([...logs.groups.keys()]).toEqual([groupOf(arn)]);
  });

  it("of the runtime that the stack deployed is bounded, and never removed", async () => {
    const ownRuntimeArn = emulator.deploy("shared_agent_dispatch");
    const { sweep, advance, logs } = await system({ ownRuntimeArn, cloud: { runtimeLogDays: 1 } });
    logs.print(groupOf(ownRuntimeArn), "a", "hello");
    logs.print(groupOf(ownRuntimeArn).replace("DEFAULT", "PROD"), "a", "hello");
    emulator.runtimes.vanish(ownRuntimeArn);
    advance(3 * DAY_MS);
    await sweep();
    expect([...logs.groups.keys()].map(logs.retentionOf)).toEqual([30, 30]);
  });

  it("is looked for once an hour", async () => {
    const { sweep, advance, logs } = await system();
    for (const minutes of [0, 5, 50, 5]) {
      advance(minutes * 60_000);
      await sweep();
    }
    expect(logs.faults.seen).toEqual(["DescribeLogGroups", "DescribeLogGroups"]);
  });
});
