/** What goes wrong in the cloud: functions, executions, machines and services that fail while tasks run. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { newCaller, signingFetch } from "../aws/callers.ts";
import type { Operation } from "../emulators/agentcore/constraints.ts";
import { leftOf } from "../emulators/agentcore/left.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { problemOf } from "../mcp/clients.ts";
import { cloudConfiguration, cloudUnderTest, onAws } from "./cloud-under-test.ts";
import { forbidden, policiesOf } from "./permissions.ts";
import { processesOf } from "./system.ts";

let cloud: CloudSystem;
beforeAll(async () => {
  cloud = await openCloudSystem(cloudConfiguration);
});
afterAll(() => cloud?.[Symbol.asyncDispose]());

const system = cloudUnderTest(() => cloud);
const nothing = { runtimes: [], sessions: [] };
const settles = { timeout: 50_000 };
const hasLog = ({ logLength }: Json) => (logLength as number) > 0;

/** A runtime that the task has to itself. */
const alone = onAws("runtime", { target: { mode: "runtime", details: { reuse: false } } });

/** A job that proves that it ran, and how often. */
function jobIn(folder: string) {
  const proof = join(folder, "proof");
  writeFileSync(proof, "");
  return { job: { command: `echo ran >> ${proof}; echo out`, shell: true }, runs: () => readFileSync(proof, "utf8") };
}

/** Tasks of which nothing may be left in the end; what has to be waited for is waited for once. */
const ended: string[] = [];

type Seen = { body: unknown; session?: string };

/** Whether a request to AgentCore is of that task, and of that operation of the worker contract. */
const isOf =
  (id: string, op?: string) =>
  ({ body, session }: Seen): boolean => {
    const fields = body as { op?: string; agentRuntimeName?: string; id?: string };
    const named = [session?.replaceAll("-", ""), fields.agentRuntimeName, fields.id];
    return named.some((name) => name?.includes(id.replace("task_", ""))) && (op === undefined || fields.op === op);
  };

/** Kills the environments of a state while such a request is with AgentCore, which goes on with it. */
function killDuring(state: string, operation: Operation, fits: (seen: Seen) => boolean): Promise<void> {
  return new Promise((resolve) => {
    cloud.emulator.fail(operation, { lateMs: 50 }, 1, (seen) => {
      if (!fits(seen)) return false;
      void cloud.functions[state]?.killAll().then(resolve);
      return true;
    });
  });
}

describe.concurrent("an environment killed", () => {
  it("before it has answered a dispatch loses no task, and makes no second", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client, caller, folder } = await system.open({ atEnd });
    const { job, runs } = jobIn(folder);
    const died = cloud.dieAt("mcp", caller);
    await expect(client.command(job, { idempotency_key: "k" })).rejects.toThrow();
    await died;
    const id = await client.command(job, { idempotency_key: "k" });
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(((await client.must("list_tasks", {})).items as Json[]).length).toBe(1);
    expect(runs()).toBe("ran\n");
    ended.push(id);
  });

  it("after the effect of Fail leaves the task failed for its true reason", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client, caller, died } = await system.openDying("Fail", { atEnd });
    const { isThere, release } = cloud.holdAt("Provision", caller);
    const id = await client.command("true", alone);
    await isThere;
    cloud.emulator.fail("CreateAgentRuntime", { error: "AccessDeniedException" }, 1, isOf(id));
    release();
    await died;
    expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "platform.access_denied" } });
    ended.push(id);
  });

  it.for([
    ["Start", "InvokeAgentRuntime", "hello"],
    ["Start", "InvokeAgentRuntime", "start"],
    ["Watch", "InvokeAgentRuntime", "poll"],
    ["Provision", "CreateAgentRuntime", undefined],
    ["AwaitReady", "GetAgentRuntime", undefined],
    ["Cleanup", "StopRuntimeSession", undefined],
    ["Cleanup", "DeleteAgentRuntime", undefined],
  ] as const)("in %s during %s %s runs the job once and ends it truthfully", async ([state, operation, op], test) => {
    const { expect, onTestFinished: atEnd } = test;
    const { client, folder, isThere, release } = await system.openHeld(state, { atEnd });
    const { job, runs } = jobIn(folder);
    // Watch sees a job that lasts.
    const id = await client.command({ ...job, command: `${job.command}; sleep 1` }, alone);
    await isThere;
    const killed = killDuring(state, operation, isOf(id, op));
    release();
    await killed;
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
    expect(runs()).toBe("ran\n");
    expect(await client.log(id)).toBe("out\n");
    ended.push(id);
  });
});

describe.concurrent("a caller", () => {
  it("sees and steers its own tasks alone", async ({ expect, onTestFinished: atEnd }) => {
    const { client, clientOf } = await system.open({ atEnd });
    const id = await client.command("sleep 600");
    const other = await clientOf(cloud.admit());
    for (const tool of ["get_task_status", "wait_for_task", "get_task_logs", "get_task_result", "cancel_task"]) {
      const reply = await other.call(tool, { task_id: id });
      expect({ tool, ...problemOf(reply) }).toMatchObject({ tool, code: "task.not_found" });
    }
    expect((await other.must("list_tasks", {})).items).toEqual([]);
    await client.must("cancel_task", { task_id: id });
    expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
    ended.push(id);
  });

  it("shares a role's tasks with the other sessions of the role, and with no role of another account", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client, caller, clientOf } = await system.open({ atEnd });
    const id = await client.command("true", { idempotency_key: "shared" });
    const role = caller.userArn.replace(/\/me$/, "");
    const colleague = await clientOf(cloud.admit(`${role}/somebody-else`));
    expect(await colleague.command("true", { idempotency_key: "shared" })).toBe(id);
    const stranger = await clientOf(cloud.admit(caller.userArn.replace("123456789012", "210987654321")));
    expect(problemOf(await stranger.call("get_task_status", { task_id: id }))).toMatchObject({
      code: "task.not_found",
    });
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
  });

  it("is turned away when it did not sign, or another did", async ({ expect }) => {
    const known = cloud.admit();
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    const errorOf = (answer: Response) => [answer.status, answer.headers.get("x-amzn-errortype")];
    expect(errorOf(await fetch(cloud.url, init))).toEqual([403, "MissingAuthenticationTokenException"]);
    expect(errorOf(await signingFetch(newCaller())(cloud.url, init))).toEqual([403, "UnrecognizedClientException"]);
    const forged = { ...known, secretAccessKey: "guessed" };
    expect(errorOf(await signingFetch(forged)(cloud.url, init))).toEqual([403, "InvalidSignatureException"]);
  });

  it.for([
    ["a body that is no JSON", { body: "{" }, 400, -32_700],
    ["a body that escapes past 6 MB", { body: JSON.stringify({ text: '"\\'.repeat(800_000) }) }, 413, -32_000],
    ["a body over 4 MB", { body: JSON.stringify({ text: "x".repeat(4 * 1024 * 1024) }) }, 413, -32_000],
    ["an unknown method", { body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/guess" }) }, 200, -32_601],
    ["a GET", { method: "GET" }, 405, -32_000],
  ] as const)("is answered in JSON-RPC: %s", async ([, init, status, code], { expect }) => {
    const answer = await signingFetch(cloud.admit())(cloud.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
      },
      ...init,
    });
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status,
      body: { jsonrpc: "2.0", error: { code } },
    });
  });

  it("may vanish in the middle of a wait", async ({ expect, onTestFinished: atEnd }) => {
    const { client, caller, folder } = await system.open({ atEnd });
    const { job, runs } = jobIn(folder);
    const id = await client.command({ ...job, command: `${job.command}; sleep 2` });
    const leaving = new AbortController();
    const body = { name: "wait_for_task", arguments: { task_id: id, timeout_seconds: 45 } };
    const waiting = signingFetch(caller)(cloud.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: body }),
      signal: leaving.signal,
    });
    await client.until(id, hasLog);
    leaving.abort();
    await expect(waiting).rejects.toThrow();
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(runs()).toBe("ran\n");
    ended.push(id);
  });
});

describe.concurrent("an execution that dies", () => {
  it.for(["Provision", "AwaitReady", "Start", "Watch", "Complete", "Cleanup"])(
    "after the effect of %s is followed by another; the job runs once",
    async (state, { expect, onTestFinished: atEnd }) => {
      const { client, isThere, release, folder } = await system.openHeld(state, { atEnd });
      const { job, runs } = jobIn(folder);
      const id = await client.command(job, onAws("runtime"));
      await isThere;
      const aborted = cloud.executionsOf(id)[0]?.abort();
      release();
      await aborted;
      await cloud.recover(id);
      expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
      expect(runs()).toBe("ran\n");
      expect(await client.log(id)).toBe("out\n");
      ended.push(id);
      const [first, second] = cloud.executionsOf(id);
      expect(first?.status).toBe("ABORTED");
      // A clean-up that was complete leaves nothing to do.
      if (state !== "Cleanup") expect(second?.name).toBe(`${id}-2`);
    },
  );

  it("three times is followed by a fourth", async ({ expect, onTestFinished: atEnd }) => {
    const { client, folder } = await system.open({ atEnd });
    const { job, runs } = jobIn(folder);
    const release = join(folder, "release");
    const waiting = `${job.command}; while [ ! -e ${release} ]; do sleep 0.1; done`;
    const id = await client.command({ ...job, command: waiting });
    await client.until(id, hasLog);
    for (let n = 1; n <= 3; n++) {
      // The function of its step goes on until it sees that another execution has taken over.
      const over = cloud.executionsOf(id)[n - 1]?.abort();
      // Until then it may put off the time at which the janitor looks.
      while (cloud.executionsOf(id).length === n) await cloud.recover(id);
      await over;
    }
    writeFileSync(release, "");
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(runs()).toBe("ran\n");
    ended.push(id);
    expect((await cloud.store.get(id))?.executionNumber).toBe(4);
  });
});

describe.concurrent("AgentCore that throttles", () => {
  it("neither ends nor doubles a job", async ({ expect, onTestFinished: atEnd }) => {
    const { client, folder, isThere, release } = await system.openHeld("Provision", { atEnd });
    const { job, runs } = jobIn(folder);
    const id = await client.command({ ...job, command: `${job.command}; sleep 1` }, alone);
    await isThere;
    const { emulator } = cloud;
    const throttled = { error: "ThrottlingException" } as const;
    emulator.fail("CreateAgentRuntime", throttled, 2, isOf(id));
    emulator.fail("GetAgentRuntime", throttled, 2, isOf(id));
    emulator.fail("InvokeAgentRuntime", { error: "RetryableConflictException" }, 1, isOf(id, "hello"));
    emulator.fail("InvokeAgentRuntime", throttled, 2, isOf(id, "start"));
    emulator.fail("InvokeAgentRuntime", throttled, 1, isOf(id, "poll"));
    emulator.fail("InvokeAgentRuntime", { error: "InternalServerException" }, 1, isOf(id, "poll"));
    emulator.fail("StopRuntimeSession", throttled, 2, isOf(id));
    emulator.fail("DeleteAgentRuntime", throttled, 2, isOf(id));
    release();
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(runs()).toBe("ran\n");
    ended.push(id);
  });
});

// What follows meets whatever runs, so nothing else does.
describe("everything killed at once", () => {
  it("in the middle of four tasks ends all of them truthfully", async ({ expect, onTestFinished: atEnd }) => {
    const { client, folder } = await system.open({ atEnd });
    const release = join(folder, "release");
    const printing = `for i in 1 2 3; do echo $i; done; while [ ! -e ${release} ]; do sleep 0.1; done; echo 4`;
    const command = { command: printing, shell: true };
    const ids = await Promise.all(
      Array.from({ length: 4 }, (_, i) => client.command(command, onAws(i % 2 === 0 ? "session" : "runtime"))),
    );
    const records = await Promise.all(ids.map((id) => client.until(id, hasLog)));
    // First the executions: one that lives tries again what was killed under it.
    const over = [...cloud.stepFunctions.executions.values()].map((execution) => execution.abort());
    await Promise.all(Object.values(cloud.functions).map((each) => each.killAll()));
    await Promise.all(over);
    const lost = records.slice(0, 2);
    for (const { providerRefs } of lost)
      await cloud.emulator.replaceMachine((providerRefs as { runtimeSessionId: string }).runtimeSessionId);

    await cloud.recover(...(await cloud.store.listDue(Number.MAX_SAFE_INTEGER, 1000)));
    writeFileSync(release, "");
    const ends = await Promise.all(ids.map((id) => client.ended(id)));
    for (const [index, id] of ids.entries()) {
      const log = await client.log(id);
      if (index < lost.length) {
        expect(ends[index]).toMatchObject({ status: "failed", error: { code: "worker.replaced" } });
        expect(log).toBe("1\n2\n3\n");
      } else {
        expect(ends[index]).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
        expect(log).toBe("1\n2\n3\n4\n");
      }
    }
    ended.push(...ids);
  });
});

describe("DynamoDB that throttles", () => {
  it("neither loses nor doubles a job", async ({ expect, onTestFinished: atEnd }) => {
    const { client, folder, isThere, release } = await system.openHeld("Start", { atEnd });
    const { job, runs } = jobIn(folder);
    const throttle = async () => {
      for (const operation of ["GetItem", "UpdateItem", "PutItem"])
        await cloud.dynalite.fail(operation, "ProvisionedThroughputExceededException", 2);
    };
    await throttle();
    const id = await client.command({ ...job, command: `${job.command}; sleep 1` });
    await isThere;
    // More than the SDK tries: the step fails, and is tried again.
    await cloud.dynalite.fail("GetItem", "ProvisionedThroughputExceededException", 6);
    release();
    await client.until(id, hasLog);
    await throttle();
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(runs()).toBe("ran\n");
    ended.push(id);
  });
});

describe("a runtime that tasks share, on whose way a function is killed,", () => {
  it.for([
    ["Provision", "CreateAgentRuntime"],
    ["AwaitReady", "GetAgentRuntime"],
  ] as const)("in %s during %s, is one for all that wait for it", async ([state, operation], test) => {
    const { expect, onTestFinished: atEnd } = test;
    const { client, folder } = await system.open({ atEnd });
    await cloud.dropRuntimes();
    const killed = killDuring(state, operation, () => true);
    const proofs = ["one", "two", "three"].map((name) => join(folder, name));
    const ids = await Promise.all(
      proofs.map((proof) => client.command({ command: `echo ran >> ${proof}`, shell: true }, onAws("runtime"))),
    );
    await killed;
    for (const id of ids) expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    for (const proof of proofs) expect(readFileSync(proof, "utf8")).toBe("ran\n");
    expect(cloud.emulator.inventory.runtimes).toHaveLength(1);
    ended.push(...ids);
  });

  it("in the janitor during its deletion, is deleted by the next run", { timeout: 180_000 }, async ({ expect }) => {
    // A poll whose answer nobody waited for counts as under way for a minute.
    await expect.poll(() => openTasks(), { timeout: 120_000 }).toEqual([]);
    expect(cloud.emulator.inventory.runtimes).toHaveLength(1);
    const killed = killDuring("janitor", "DeleteAgentRuntime", () => true);
    await Promise.all([killed, cloud.dropRuntimes().catch(() => {})]);
    await cloud.dropRuntimes();
    expect(cloud.emulator.inventory).toEqual(nothing);
  });
});

describe("Step Functions that throttles", () => {
  it("delays a task, and loses none", async ({ expect, onTestFinished: atEnd }) => {
    const { client, folder } = await system.open({ atEnd });
    const { job, runs } = jobIn(folder);
    cloud.stepFunctions.faults.add({ status: 400, code: "ThrottlingException" }, { times: 3 });
    const id = await client.command(job);
    expect(cloud.executionsOf(id)).toEqual([]);
    await cloud.recover(id);
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(runs()).toBe("ran\n");
    ended.push(id);
  });
});

it("nothing is left of all this", async ({ expect }) => {
  await expect.poll(() => openTasks(), settles).toEqual([]);
  for (const id of ended) {
    expect(await cloud.store.get(id)).toMatchObject({ obligations: {} });
    expect(leftOf(cloud.emulator, id)).toEqual(nothing);
    await expect.poll(() => processesOf(id), settles).toEqual([]);
  }
  await cloud.dropRuntimes();
  expect(cloud.emulator.inventory).toEqual(nothing);
  expect(cloud.emulator.flaws).toEqual([]);
});

it("has done nothing that the stack's policies do not allow", async ({ expect }) => {
  expect(forbidden(await policiesOf(cloud))).toEqual([]);
});

/** Every task that has not ended, or owes something, and how it stands. */
async function openTasks() {
  const ids = await cloud.store.listDue(Number.MAX_SAFE_INTEGER, 1000);
  const tasks = await Promise.all(ids.map((id) => cloud.store.get(id)));
  return tasks.map((task) => ({
    id: task?.id,
    status: task?.status,
    obligations: task?.obligations,
    error: task?.error?.code,
    executions: cloud.executionsOf(task?.id ?? "").map(({ name, status }) => `${name} ${status}`),
  }));
}
