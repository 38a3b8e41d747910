/** What callers may name where a configuration says nothing of it, on this machine: whatever their own credentials can use. */
import { expect, onTestFinished, test } from "vitest";
import { CONTRACT } from "../../lib/contract/worker.ts";
import { IMAGE, REGION, ROLE } from "../emulators/agentcore/emulator.ts";
import { askAsLocalIdentity, startEmulator, startLaptop } from "../emulators/agentcore/system.ts";
import { problemOf } from "../mcp/clients.ts";

askAsLocalIdentity();
const configuration = { accounts: { "dev-aws": { provider: "aws", region: REGION } } };

test("a spawn is asked for a runtime, or for an image and a role, and its answers are accepted", async () => {
  const emulator = await startEmulator(onTestFinished);
  const { client } = await startLaptop(emulator, configuration);
  const spawn = { instruction: "hello", account_profile: "dev-aws", framework: "echo" };

  const asked = await client.must("spawn_cloud_agent", { ...spawn, target: { mode: "session" } });
  expect(asked).toMatchObject({ status: "needs_clarification", questions: [{ id: "runtimeArn" }] });
  const onSession = await client.must("spawn_cloud_agent", {
    ...spawn,
    target: { mode: "session", details: { contract: CONTRACT } },
    runtimeArn: emulator.deploy("mine"),
  });
  expect(await client.ended(String(onSession.taskId))).toMatchObject({ status: "succeeded" });

  const more = await client.must("spawn_cloud_agent", { ...spawn, target: { mode: "runtime" } });
  expect(more).toMatchObject({ questions: [{ id: "ecrImageUri" }, { id: "executionRoleArn" }] });
  const onRuntime = await client.must("spawn_cloud_agent", {
    ...spawn,
    target: { mode: "runtime" },
    ecrImageUri: IMAGE,
    executionRoleArn: ROLE,
  });
  expect(await client.ended(String(onRuntime.taskId))).toMatchObject({ status: "succeeded" });
});

test("a configuration that names an account of AWS alone lets nobody run anything on this machine", async () => {
  const { client } = await startLaptop(await startEmulator(onTestFinished), configuration);
  expect((await client.call("list_providers")).structured).toEqual({ items: ["aws"] });
  const here = {
    provider: "local",
    account_profile: "local",
    capability: "agent-runtime",
    target: { mode: "session" },
  };
  const answer = await client.call("dispatch_task", { ...here, task_type: "command.run", input: { command: "true" } });
  expect(problemOf(answer)).toMatchObject({ code: "account_profile.not_found", hint: "there are: dev-aws" });
  const tasks = (await client.call("list_tasks")).structured as { items?: unknown[]; tasks?: unknown[] };
  expect(tasks.tasks ?? tasks.items).toEqual([]);
});
