/** Tasks in an account that the control plane's own credentials do not belong to, on the whole system and at the adapter. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { NothingMadeError } from "../../../lib/contract/errors.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { CONTRACT } from "../../../lib/contract/worker.ts";
import { makeTask } from "../../contract/make-task.ts";
import {
  type Account,
  asEnvironment,
  DISPATCHER_ROLE,
  STRANGER_ACCOUNT,
  STRANGER_ARN,
  startAccount,
  stranger,
} from "../../emulators/agentcore/account.ts";
import { ACCOUNT, credentials, IMAGE, REGION, ROLE } from "../../emulators/agentcore/emulator.ts";
import { configurationWith, onAgentCore, startLaptop } from "../../emulators/agentcore/system.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { hello } from "../../fixtures/operations.ts";
import { temporaryFolder } from "../../system/system.ts";

const settles = { timeout: 20_000 };
const nothing = { runtimes: [], sessions: [] };
const CLOSED_ROLE = `arn:aws:iam::${ACCOUNT}:role/closed`;

/** The whole system, run by somebody of another account; one task at a time. */
async function startStranger(profile: Json) {
  const account = await startAccount();
  onTestFinished(() => account.close());
  const configuration = configurationWith(account.emulator.deploy("shared"));
  const accounts = { "dev-aws": { provider: "aws", region: REGION, ...profile } };
  const defaults = { limits: { maxRunning: 1 } };
  const env = { ...account.env, AWS_ENDPOINT_URL: account.emulator.endpoint, ...asEnvironment(stranger) };
  const { client } = await startLaptop(
    account.emulator,
    { ...configuration, accounts, defaults },
    temporaryFolder(),
    env,
  );
  return { ...account, client };
}

describe.each(["runtime", "session"] as const)("a task in another account, mode %s", (mode) => {
  it("runs as the role of its account profile, and leaves nothing behind", async () => {
    const { client, emulator, sts, logs } = await startStranger({ roleArn: DISPATCHER_ROLE });
    const id = await client.command("true", onAgentCore(mode));
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
    expect(sts.assumed).toEqual([{ roleArn: DISPATCHER_ROLE, session: "agent-dispatch" }]);
    await expect.poll(() => logs.faults.seen, settles).toEqual(mode === "runtime" ? ["DeleteLogGroup"] : []);
    expect(emulator.flaws).toEqual([]);
  });

  it("fails when its role may not be assumed, and says what must trust whom", async () => {
    const { client, emulator } = await startStranger({ roleArn: CLOSED_ROLE });
    const { status, error } = await client.ended(await client.command("true", onAgentCore(mode)));
    expect({ status, error }).toMatchObject({
      status: "failed",
      error: {
        code: "platform.access_denied",
        retryable: false,
        message: expect.stringContaining(CLOSED_ROLE),
        hint: expect.stringContaining(`the trust policy of ${CLOSED_ROLE} must allow ${STRANGER_ARN} sts:AssumeRole`),
        details: { field: "accounts.dev-aws.roleArn" },
      },
    });
    expect(emulator.calls).toEqual([]);
  });
});

describe("a session that was never let begin", () => {
  it.each([
    ["a role that may not be assumed", { roleArn: CLOSED_ROLE }, "platform.access_denied"],
    [
      "a source of credentials that is not known",
      { credentialSource: "vault" },
      "account_profile.credential_source_unknown",
    ],
    ["a profile that is not there", { credentialSource: "profile:nobody" }, "platform.credentials"],
  ])("for %s holds its place no longer than its task runs", async (_what, profile, code) => {
    const { client } = await startStranger(profile);
    const ids = [];
    for (let i = 0; i < 2; i++) ids.push(await client.command("true", onAgentCore("session")));
    // The second one runs only once the first has given its place back.
    for (const id of ids) expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code } });
  });
});

describe("an account profile at the adapter", () => {
  const before = { ...process.env };
  let account: Account;
  beforeEach(() => {
    Object.assign(process.env, asEnvironment(stranger));
  });
  afterEach(async () => {
    process.env = { ...before };
    await account.close();
  });
  const start = async (profile: Json, options?: Parameters<typeof startAccount>[0]) => {
    account = await startAccount(options);
    Object.assign(process.env, account.env, asEnvironment(stranger));
    let written: Json = profile;
    const backend = agentCoreBackend({
      configuration: () => parseConfiguration({ accounts: { dev: { provider: "aws", ...written } } }),
      log: { debug() {}, info() {}, error() {}, warn() {} },
      now: Date.now,
      holdSeconds: 3600,
    });
    const runtimeArn = account.emulator.deploy("shared");
    const common = { provider: "aws", backend: "aws-agentcore", accountProfile: "dev" };
    const onSession = () => makeTask({ ...common, target: { mode: "session", details: { runtimeArn } } });
    const details = { region: REGION, ecrImageUri: IMAGE, executionRoleArn: ROLE };
    const onRuntime = () => makeTask({ ...common, target: { mode: "runtime", details } });
    const greet = (task = onSession()) => backend.invoke(task, hello, { timeoutMs: 10_000 });
    const write = (next: Json) => {
      written = next;
    };
    return { backend, onSession, onRuntime, greet, write };
  };
  const roleArn = DISPATCHER_ROLE;

  it("is assumed once for all that is asked at the same time", async () => {
    const { greet } = await start({ roleArn });
    await Promise.all([greet(), greet(), greet()]);
    expect(account.sts.assumed).toHaveLength(1);
  });

  it("is assumed again before it expires", async () => {
    const { greet } = await start({ roleArn }, { roleSeconds: 300 });
    await greet();
    await greet();
    expect(account.sts.assumed.length).toBeGreaterThan(1);
  });

  it("is assumed in the account's region, wherever the target is", async () => {
    const { greet } = await start({ roleArn, region: "eu-west-1" });
    // The stand-in takes signatures for its own region only.
    await expect(greet()).rejects.toMatchObject({ code: "platform.credentials" });
  });

  it("takes effect when it is edited", async () => {
    const { greet, write } = await start({ roleArn: CLOSED_ROLE });
    await expect(greet()).rejects.toMatchObject({ code: "platform.access_denied" });
    write({ roleArn });
    expect(await greet()).toMatchObject({ contract: CONTRACT });
  });

  it("that cannot be assumed for trouble on the way leaves nothing unknown: nothing was sent", async () => {
    const { greet } = await start({ roleArn });
    account.sts.faults.add({ cut: "before" }, { times: 9 });
    await expect(greet()).rejects.toMatchObject({ code: "platform.unreachable", retryable: true });
    account.sts.faults.clear();
    account.sts.faults.add({ status: 400, code: "Throttling" }, { times: 2 });
    await expect(greet()).rejects.toMatchObject({ code: "platform.throttled", retryable: true });
    expect(await greet()).toMatchObject({ contract: CONTRACT });
  });

  it("without a role is told that its target is in another account, and which field to set", async () => {
    const { greet } = await start({});
    const message = `User: ${STRANGER_ARN} is not authorized to perform: bedrock-agentcore:InvokeAgentRuntime on resource: arn:aws:bedrock-agentcore:${REGION}:${ACCOUNT}:runtime/shared-0123456789`;
    Object.assign(process.env, asEnvironment(credentials));
    account.emulator.fail("InvokeAgentRuntime", { error: "AccessDeniedException", message });
    await expect(greet()).rejects.toMatchObject({
      code: "platform.access_denied",
      hint: expect.stringMatching(`account ${STRANGER_ACCOUNT}.*account ${ACCOUNT}: give accounts.dev.roleArn`),
    });
  });

  it("with a role that may not be assumed makes nothing", async () => {
    const { backend, onRuntime } = await start({ roleArn: CLOSED_ROLE });
    const task = { ...onRuntime(), obligations: { runtime: "ad_0" } };
    const refused = await backend.provision(task).catch((error) => error);
    expect(refused).toBeInstanceOf(NothingMadeError);
    expect(refused).toMatchObject({ code: "platform.access_denied", retryable: false });
  });
});
