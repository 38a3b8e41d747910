/** What a caller, or whoever wrote the configuration, got wrong: the task fails and says which, and what to do. */
import { describe, expect, it, onTestFinished } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { makeTask } from "../../contract/make-task.ts";
import { startAccount } from "../../emulators/agentcore/account.ts";
import { ACCOUNT, type Emulator, type Failure, IMAGE, REGION, ROLE } from "../../emulators/agentcore/emulator.ts";
import { configurationWith, onAgentCore, startLaptop } from "../../emulators/agentcore/system.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { temporaryFolder } from "../../system/system.ts";

const settles = { timeout: 20_000 };
const nothing = { runtimes: [], sessions: [] };
const CALLER = `arn:aws:sts::${ACCOUNT}:assumed-role/agent-dispatch/step`;
const NO_PULL = "Failed to pull image: 403 Forbidden";
const WRONG_ARCHITECTURE = "Architecture incompatible for uri: the image must be arm64";
const NO_IMAGE = `The specified image identifier does not exist in the repository: ${IMAGE}`;
const NO_ECR = `User: ${ROLE} is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:${REGION}:${ACCOUNT}:repository/worker`;
const NO_PASS = `User: ${CALLER} is not authorized to perform: iam:PassRole on resource: ${ROLE} because no identity-based policy allows the iam:PassRole action`;

const refused = (failure: Failure) => (emulator: Emulator) => emulator.fail("CreateAgentRuntime", failure);
const failsAfterwards = (reason: string) => (emulator: Emulator) => {
  emulator.runtimes.createFails = reason;
};

/** How a task ends on the whole system, with everything that it made gone. */
async function outcome(arrange: (emulator: Emulator) => void, mode: "runtime" | "session") {
  const account = await startAccount();
  onTestFinished(() => account.close());
  const { emulator, env } = account;
  const configuration = configurationWith(emulator.deploy("shared"));
  arrange(emulator);
  const { client } = await startLaptop(emulator, configuration, temporaryFolder(), env);
  const record = await client.ended(await client.command("true", onAgentCore(mode)));
  await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  return record as { status: string; error: Json };
}

describe("an image", () => {
  const saysWhat = [IMAGE, ROLE, "linux/arm64", "ecr:BatchGetImage", "ecr:GetAuthorizationToken"];

  it.each([
    ["cannot be pulled", failsAfterwards(NO_PULL), "worker.start_failed", NO_PULL],
    ["is for another processor", failsAfterwards(WRONG_ARCHITECTURE), "worker.start_failed", WRONG_ARCHITECTURE],
    [
      "is not there",
      refused({ error: "ValidationException", message: NO_IMAGE }),
      "platform.invalid_request",
      "image identifier does not exist",
    ],
    [
      "may not be read by the role",
      refused({ error: "AccessDeniedException", message: NO_ECR }),
      "platform.access_denied",
      "ecr:BatchGetImage",
    ],
  ])("that %s is named with what its role needs", async (_what, arrange, code, reason) => {
    const { status, error } = await outcome(arrange, "runtime");
    expect({ status, error }).toMatchObject({ status: "failed", error: { code, retryable: false } });
    expect(error.message).toContain(reason);
    for (const text of saysWhat) expect(error.hint).toContain(text);
  });
});

describe("a role", () => {
  it("that may not be passed is named, with who has to be allowed what", async () => {
    const { status, error } = await outcome(refused({ error: "AccessDeniedException", message: NO_PASS }), "runtime");
    expect({ status, error }).toMatchObject({
      status: "failed",
      error: { code: "platform.access_denied", retryable: false, details: { action: "iam:PassRole", resource: ROLE } },
    });
    expect(error.hint).toContain(`allow iam:PassRole to ${CALLER} on ${ROLE}`);
    expect(error.hint).toContain("iam:PassedToService");
  });
});

describe("a quota of zero", () => {
  it("of sessions fails a task, and says whom to ask", async () => {
    const message = "maxVms limit exceeded for account";
    const { status, error } = await outcome(
      (emulator) => emulator.fail("InvokeAgentRuntime", { error: "ServiceQuotaExceededException", message }, 100),
      "session",
    );
    expect({ status, error }).toMatchObject({ status: "failed", error: { code: "platform.quota_exceeded" } });
    expect(error.message).toContain(message);
    expect(error.hint).toContain("AWS Support");
  });

  it("of agents is told apart", async () => {
    const account = await startAccount();
    onTestFinished(() => account.close());
    const before = { ...process.env };
    onTestFinished(() => {
      process.env = before;
    });
    Object.assign(process.env, account.env);
    const backend = agentCoreBackend({
      configuration: () => parseConfiguration({}),
      log: { debug() {}, info() {}, warn() {}, error() {} },
      now: Date.now,
      holdSeconds: 3600,
    });
    const details = { region: REGION, ecrImageUri: IMAGE, executionRoleArn: ROLE };
    const message = "maxAgents limit exceeded";
    account.emulator.fail("CreateAgentRuntime", { error: "ServiceQuotaExceededException", message });
    const provision = backend.provision(makeTask({ backend: "aws-agentcore", target: { mode: "runtime", details } }));
    await expect(provision).rejects.toMatchObject({
      code: "platform.quota_exceeded",
      retryable: true,
      message: expect.stringContaining("Total agents per account"),
      hint: expect.stringContaining("AWS Support"),
    });
  });
});
