/** A worker whose container has died: AgentCore answers every call with 424, whose cause is in a log alone. */
import { expect, test } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { cancelTask } from "../../../lib/engine/cancellation.ts";
import { poll } from "../../../lib/engine/poll/poll.ts";
import { steps } from "../../../lib/engine/steps/index.ts";
import { makeTask } from "../../contract/make-task.ts";
import { askAsLocalIdentity, startEmulator } from "../../emulators/agentcore/system.ts";
import { openPorts } from "../../mcp/ports.ts";

askAsLocalIdentity();

const isPoll = ({ body }: { body: unknown }) => (body as { op?: string }).op === "poll";

/** A job that runs, on a clock that can be set forward. */
async function running() {
  const emulator = await startEmulator();
  let aheadMs = 0;
  const ports = openPorts({ now: () => Date.now() + aheadMs });
  const { configuration, log, now } = ports;
  const options = { endpoint: emulator.endpoint, configuration, log, now, holdSeconds: 840 };
  Object.assign(ports, { backends: { "aws-agentcore": agentCoreBackend(options) } });
  const task = makeTask({
    provider: "aws",
    accountProfile: "dev-aws",
    backend: "aws-agentcore",
    input: { command: "sleep 600" },
    status: "provisioning",
    target: { mode: "session", details: { runtimeArn: emulator.deploy("shared") } },
  });
  await ports.store.create(task);
  for (const step of [steps.Provision, steps.AwaitReady, steps.Start]) await step(ports, { id: task.id, n: 1 });
  return {
    ports,
    id: task.id,
    emulator,
    /** What becomes of the task when it is looked at so many seconds later. */
    async lookAfter(seconds: number) {
      aheadMs += seconds * 1000;
      return poll(ports, task.id, { waitSeconds: 0 });
    },
  };
}

test("is lost once it has done nothing but fail for a minute", async () => {
  const { emulator, lookAfter } = await running();
  expect(await lookAfter(0)).toMatchObject({ status: "running" });
  emulator.fail("InvokeAgentRuntime", { error: "RuntimeClientError", message: "it exited" }, 100, isPoll);
  for (const seconds of [1, 30, 28]) expect(await lookAfter(seconds)).toMatchObject({ status: "running" });
  expect(await lookAfter(3)).toMatchObject({
    status: "failed",
    error: {
      code: "worker.lost",
      retryable: true,
      message: expect.stringContaining("nothing but failures"),
      hint: expect.stringContaining("/aws/bedrock-agentcore/runtimes/"),
    },
  });
});

test("is not lost when it answers in between, or when AWS cannot be reached", async () => {
  const { emulator, lookAfter } = await running();
  const failing = (error: "RuntimeClientError" | "InternalServerException", times: number) =>
    emulator.fail("InvokeAgentRuntime", { error }, times, isPoll);
  failing("RuntimeClientError", 1);
  expect(await lookAfter(0)).toMatchObject({ session: { failingSinceMs: expect.any(Number) } });
  failing("InternalServerException", 3);
  for (let i = 0; i < 3; i++) expect(await lookAfter(40)).toMatchObject({ status: "running" });
  const answered = await lookAfter(1);
  expect(answered).toMatchObject({ status: "running", session: { suspicions: 0 } });
  expect(answered?.session).not.toHaveProperty("failingSinceMs");
  failing("RuntimeClientError", 1);
  expect(await lookAfter(1)).toMatchObject({ status: "running", session: { suspicions: 1 } });
});

test("is not lost to a runtime that is not found for a while; after a minute of that it is", async () => {
  const { emulator, lookAfter } = await running();
  expect(await lookAfter(0)).toMatchObject({ status: "running" });
  emulator.fail("InvokeAgentRuntime", { error: "ResourceNotFoundException" }, 5, isPoll);
  for (const seconds of [1, 4, 4, 4, 40]) expect(await lookAfter(seconds)).toMatchObject({ status: "running" });
  expect(await lookAfter(1)).toMatchObject({ status: "running", session: { suspicions: 0 } });
  emulator.fail("InvokeAgentRuntime", { error: "ResourceNotFoundException" }, 5, isPoll);
  for (const seconds of [1, 58]) expect(await lookAfter(seconds)).toMatchObject({ status: "running" });
  expect(await lookAfter(3)).toMatchObject({ status: "failed", error: { code: "worker.lost", retryable: true } });
});

test("that was told to cancel is cancelled", async () => {
  const { ports, id, emulator, lookAfter } = await running();
  emulator.fail("InvokeAgentRuntime", { error: "RuntimeClientError" }, 100);
  await cancelTask(ports, { id });
  for (const seconds of [1, 58]) expect(await lookAfter(seconds)).toMatchObject({ status: "cancelling" });
  expect(await lookAfter(3)).toMatchObject({ status: "cancelled" });
});
