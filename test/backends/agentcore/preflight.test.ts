import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Placement } from "../../../lib/backends/adapter.ts";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import {
  type Account,
  asEnvironment,
  DISPATCHER_ROLE,
  STRANGER_ACCOUNT,
  STRANGER_ARN,
  startAccount,
  stranger,
} from "../../emulators/agentcore/account.ts";
import { ACCOUNT, IMAGE, REGION, ROLE } from "../../emulators/agentcore/emulator.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const before = { ...process.env };
let account: Account;
let shared: string;
beforeEach(async () => {
  account = await startAccount();
  shared = account.emulator.deploy("shared");
  Object.assign(process.env, account.env);
});
afterEach(async () => {
  process.env = { ...before };
  await account.close();
});

const details = { region: REGION, ecrImageUri: IMAGE, executionRoleArn: ROLE };
const onRuntime = (runtimeArn = shared) => ({ mode: "session" as const, details: { runtimeArn } });
const fromImage = (more: object = {}) => ({ mode: "runtime" as const, details: { ...details, ...more } });

/** What the check says, by name, when the account profile is configured so. */
async function check(
  target: Placement["target"],
  {
    profile = {},
    live = true,
    framework,
    model,
  }: { profile?: object; live?: boolean; framework?: string; model?: string | Record<string, unknown> } = {},
) {
  const backend = agentCoreBackend({
    configuration: () => parseConfiguration({ accounts: { dev: { provider: "aws", region: REGION, ...profile } } }),
    log: silent,
    now: Date.now,
    holdSeconds: 3600,
  });
  const chosen = { ...(framework !== undefined && { framework }), ...(model !== undefined && { model }) };
  const placement = { provider: "aws", accountProfile: "dev", backend: "aws-agentcore", target, ...chosen };
  return Object.fromEntries((await backend.check(placement, live)).map(({ name, ...rest }) => [name, rest]));
}
const statuses = async (...args: Parameters<typeof check>) =>
  Object.fromEntries(Object.entries(await check(...args)).map(([name, { status }]) => [name, status]));
const failing = (text: string) => ({ status: "fail", message: expect.stringContaining(text) });

describe("the check of a target", () => {
  it("says whether tasks will share a runtime, and what would let them", async () => {
    const exact = IMAGE.replace(/:1$/, `@sha256:${"1".repeat(64)}`);
    const { reuse } = await check(fromImage());
    expect(reuse).toMatchObject({ status: "warn", message: expect.stringContaining("ecr:DescribeImages") });
    account.images.digests[`${ACCOUNT}/worker:1`] = `sha256:${"1".repeat(64)}`;
    for (const image of [IMAGE, exact]) {
      const { reuse: shared } = await check(fromImage({ ecrImageUri: image }));
      expect(shared).toMatchObject({ status: "pass", message: expect.stringContaining(exact) });
    }
    const { reuse: own } = await check(fromImage({ reuse: false }));
    expect(own).toMatchObject({ status: "pass", message: expect.stringContaining("of its own") });
    expect(await check(fromImage(), { live: false })).not.toHaveProperty("reuse");
    expect(await check(onRuntime())).not.toHaveProperty("reuse");
  });

  it("passes for a runtime that is ready, and for an image and a role", async () => {
    const passing = { region: "pass", credentials: "pass", account: "pass", quota: "pass" };
    const onReady = {
      ...passing,
      runtime_arn: "pass",
      runtime: "pass",
      endpoint: "pass",
      protocol: "pass",
      mmdsv2: "pass",
    };
    expect(await statuses(onRuntime())).toEqual(onReady);
    account.images.digests[`${ACCOUNT}/worker:1`] = `sha256:${"1".repeat(64)}`;
    expect(await statuses(fromImage())).toEqual({
      ...passing,
      image: "pass",
      role: "pass",
      protocol: "pass",
      reuse: "pass",
    });
    const { credentials } = await check(onRuntime());
    expect(credentials?.message).toBe(`arn:aws:iam::${ACCOUNT}:user/me of account ${ACCOUNT}`);
    expect(account.emulator.flaws).toEqual([]);
  });

  it("asks nobody when it is not live", async () => {
    expect(await statuses(onRuntime(), { live: false })).toEqual({ region: "pass", runtime_arn: "pass" });
    expect(account.emulator.calls).toEqual([]);
    expect(account.sts.faults.seen).toEqual([]);
  });

  it("names what is wrong", async () => {
    const { emulator } = account;
    expect(await check(onRuntime(emulator.deploy("old", { requireMMDSV2: false })))).toMatchObject({
      mmdsv2: failing("requireMMDSV2 = true"),
    });
    expect(await check(onRuntime(emulator.deploy("tools", { serverProtocol: "MCP" })))).toMatchObject({
      protocol: failing("speaks MCP, not HTTP"),
    });
    expect(await check(onRuntime(shared.replace(/.{10}$/, "0123456789")))).toMatchObject({
      runtime: failing("there is no runtime"),
    });
    expect(await check(onRuntime("nonsense"))).toMatchObject({ runtime_arn: failing("not the ARN") });
    expect(await check(fromImage({ ecrImageUri: "docker.io/x", executionRoleArn: "me" }))).toMatchObject({
      image: failing("Amazon ECR"),
      role: failing("ARN of an IAM role"),
    });
    emulator.fail("GetAgentRuntime", { error: "AccessDeniedException" });
    expect(await check(onRuntime())).toMatchObject({ runtime: failing("bedrock-agentcore:GetAgentRuntime") });
  });

  it("says what a runtime without the worker contract means, in what it speaks", async () => {
    const { emulator } = account;
    const contractLess = () => {};
    const agent = emulator.deploy("agent", { serverProtocol: "A2A", contractLess });
    const means = { status: "warn", message: expect.stringMatching(/called once, by a2a, and has 3600 s/) };
    const seen = await check(onRuntime(agent), { framework: "strands" });
    expect(seen).toMatchObject({ protocol: { status: "pass" }, contract: means });
    expect(seen.framework).toBeUndefined();
    const said = { ...onRuntime(agent), details: { runtimeArn: agent, contract: "none" } };
    expect(await check(said)).toMatchObject({ contract: { ...means, status: "pass" } });
    expect(await check({ ...said, details: { ...said.details, contract: "maybe" } })).toMatchObject({
      contract: failing("agentdispatch/1"),
    });
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(0);
    emulator.fail("ListTagsForResource", { error: "AccessDeniedException" });
    expect(await check(onRuntime())).toMatchObject({ contract: failing("bedrock-agentcore:ListTagsForResource") });
  });

  it("passes for each protocol that our worker speaks, and fails for a framework that it does not have", async () => {
    for (const protocol of ["http", "a2a", "mcp", "ag-ui"] as const)
      expect(await check({ ...fromImage(), protocol }, { live: false })).toMatchObject({
        protocol: { status: "pass", message: `the worker speaks ${protocol}` },
      });
    expect(await statuses({ ...fromImage({ contract: "none" }), protocol: "mcp" }, { live: false })).toMatchObject({
      contract: "pass",
    });
    expect(await check(onRuntime(), { framework: "codex" })).toMatchObject({
      framework: failing("AGENTDISPATCH_FRAMEWORK_COMMAND_CODEX"),
    });
    for (const framework of ["strands", "echo"])
      expect((await check(onRuntime(), { framework })).framework).toBeUndefined();
  });

  it("fails for an endpoint that is not there", async () => {
    const target = { mode: "session" as const, details: { runtimeArn: shared, qualifier: "prod" } };
    expect(await check(target)).toMatchObject({ runtime: { status: "pass" }, endpoint: failing("no endpoint prod") });
  });

  it("waits ten seconds for nobody, and for all at once", async () => {
    account.emulator.fail("GetAgentRuntime", { lateMs: 60_000 });
    account.sts.hang.add("GetCallerIdentity");
    account.quotas.hang.add("GetServiceQuota");
    const startedAt = performance.now();
    expect(await statuses(onRuntime())).toMatchObject({
      credentials: "warn",
      account: "warn",
      runtime: "fail",
      quota: "warn",
    });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

describe("the check of a model", () => {
  const sonnet = "global.anthropic.claude-sonnet-5";
  const of = async (model: string | Record<string, unknown>) => (await check(onRuntime(), { model })).model;

  it("passes where the account may ask it, and is not there for one of another provider", async () => {
    expect(await of(sonnet)).toEqual({ status: "pass", message: `${sonnet} in ${REGION}` });
    expect(await of({ id: sonnet })).toMatchObject({ status: "pass" });
    expect(await of({ provider: "openai", id: "gpt.x" })).toBeUndefined();
    expect(await of("opus")).toBeUndefined();
    expect((await check(onRuntime())).model).toBeUndefined();
  });

  it("says that it is not there, or that the account may not ask it, and how it may", async () => {
    expect(await of("eu.anthropic.claude-sonnet-5")).toMatchObject(failing("no inference profile"));
    expect(await of("anthropic.claude-unknown")).toMatchObject(failing("no model"));
    account.models.access["anthropic.claude-sonnet-5"] = { authorization: "NOT_AUTHORIZED", agreement: "AVAILABLE" };
    expect(await of(sonnet)).toMatchObject(failing("model catalog of the Bedrock console"));
  });

  it("warns where the first request decides", async () => {
    account.models.account.hasUseCase = false;
    expect(await of(sonnet)).toMatchObject({ status: "warn", message: expect.stringContaining("use case once") });
    account.models.account.hasUseCase = true;
    account.models.access["anthropic.claude-sonnet-5"] = { authorization: "AUTHORIZED", agreement: "NOT_AVAILABLE" };
    expect(await of(sonnet)).toMatchObject({ status: "warn", message: expect.stringContaining("subscribes") });
  });

  it("warns where it cannot be read, unless something else is certain", async () => {
    const denied = { status: 403, code: "AccessDeniedException" };
    account.models.faults.add(denied, { times: 3 });
    expect(await of(sonnet)).toMatchObject({ status: "warn", message: expect.stringContaining("could not be read") });
    account.models.faults.add(denied, { operation: "/use-case-for-model-access" });
    expect(await of("us.anthropic.claude-sonnet-5")).toMatchObject(failing("no inference profile"));
  });
});

describe("the check of quotas", () => {
  it("says which is 0, and whom to ask", async () => {
    account.quotas.values["L-F4575653"] = 0;
    expect(await check(fromImage())).toMatchObject({
      quota: failing("agents per account (L-F4575653); ask AWS Support"),
    });
    expect(await statuses(onRuntime())).toMatchObject({ quota: "pass" });
    account.quotas.values["L-3E5722B2"] = 0;
    expect(await check(onRuntime())).toMatchObject({ quota: failing("L-3E5722B2") });
  });

  it.each([
    [120, 1000, "pass", "100 or more of 1000"],
    [18, 20, "warn", "19 of 20"],
    [19, 20, "fail", "20 of 20"],
  ])("compares %i runtimes with a quota of %i", async (there, most, status, message) => {
    account.quotas.values["L-F4575653"] = most;
    for (let i = 0; i < there; i++) account.emulator.deploy(`other_${i}`);
    expect(await check(fromImage())).toMatchObject({ quota: { status, message: expect.stringContaining(message) } });
  });

  it("is a warning when they cannot be read", async () => {
    account.quotas.faults.add({ status: 400, code: "AccessDeniedException" }, { times: 8 });
    expect(await statuses(fromImage())).toMatchObject({ quota: "warn", credentials: "pass" });
  });

  it("does without the number of runtimes", async () => {
    account.emulator.fail("ListAgentRuntimes", { error: "AccessDeniedException" });
    expect(await check(fromImage())).toMatchObject({ quota: { status: "pass", message: expect.any(String) } });
  });
});

describe("the check of an account", () => {
  it("fails with credentials that AWS does not know, and with none", async () => {
    process.env.AWS_SECRET_ACCESS_KEY = "another";
    const wrong = await check(onRuntime());
    expect(wrong).toMatchObject({ credentials: failing("accounts.dev.credentialSource") });
    expect(wrong.runtime).toBeUndefined();
    delete process.env.AWS_ACCESS_KEY_ID;
    process.env.HOME = "/nonexistent";
    expect(await check(onRuntime())).toMatchObject({ credentials: failing("aws sso login") });
  });

  it("fails for a target elsewhere without a role to assume, and names the field", async () => {
    Object.assign(process.env, asEnvironment(stranger));
    const elsewhere = await check(onRuntime());
    expect(elsewhere).toMatchObject({ credentials: { status: "pass" }, account: failing("accounts.dev.roleArn") });
    expect(elsewhere.account?.message).toContain(STRANGER_ACCOUNT);
    expect(await check(fromImage())).toMatchObject({ account: failing("the execution role is in account") });
  });

  it("warns of an image elsewhere, whose repository may allow it", async () => {
    const ecrImageUri = IMAGE.replace(ACCOUNT, STRANGER_ACCOUNT);
    expect(await statuses(fromImage({ ecrImageUri }))).toMatchObject({ image: "pass", account: "warn" });
  });

  it("passes with a role that may be assumed, which everything else then uses", async () => {
    Object.assign(process.env, asEnvironment(stranger));
    const seen = await check(onRuntime(), { profile: { roleArn: DISPATCHER_ROLE } });
    expect(seen).toMatchObject({
      credentials: { status: "pass", message: expect.stringContaining(STRANGER_ARN) },
      account: { status: "pass", message: expect.stringContaining(DISPATCHER_ROLE) },
      runtime: { status: "pass" },
      quota: { status: "pass" },
    });
    expect(account.sts.assumed).toEqual([{ roleArn: DISPATCHER_ROLE, session: "agent-dispatch" }]);
  });

  it("fails with a role that may not be assumed, and says what has to trust whom", async () => {
    Object.assign(process.env, asEnvironment(stranger));
    const roleArn = `arn:aws:iam::${ACCOUNT}:role/closed`;
    const { account: said } = await check(onRuntime(), { profile: { roleArn } });
    expect(said).toMatchObject(failing(`the trust policy of ${roleArn} must allow ${STRANGER_ARN} sts:AssumeRole`));
  });

  it("fails with a role of a third account", async () => {
    const roleArn = `arn:aws:iam::${ACCOUNT}:role/dispatcher`;
    Object.assign(process.env, asEnvironment(stranger));
    const elsewhere = `arn:aws:bedrock-agentcore:${REGION}:${STRANGER_ACCOUNT}:runtime/agent-AbCdEf1234`;
    expect(await check(onRuntime(elsewhere), { profile: { roleArn } })).toMatchObject({
      account: failing("both must"),
    });
  });

  it("takes the profile that it names before the environment, and says when there is none", async () => {
    const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { accessKeyId, secretAccessKey } = stranger;
    const text = `[elsewhere]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    writeFileSync(join(folder, "credentials"), text);
    process.env.AWS_SHARED_CREDENTIALS_FILE = join(folder, "credentials");
    process.env.AWS_CONFIG_FILE = join(folder, "config");
    const stderr = vi.spyOn(console, "warn");
    onTestFinished(() => stderr.mockRestore());
    const named = await check(onRuntime(), { profile: { credentialSource: "profile:elsewhere" } });
    expect(named.credentials?.message).toContain(STRANGER_ARN);
    expect(stderr).not.toHaveBeenCalled();
    // Somebody else whom the SDK would find.
    process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = account.sts.endpoint;
    const missing = await check(onRuntime(), { profile: { credentialSource: "profile:nobody" } });
    expect(missing).toMatchObject({ credentials: failing("aws sso login --profile nobody") });
    expect(account.sts.faults.seen).toEqual(["GetCallerIdentity"]);
  });

  it.each([true, false])("fails with a source that is not known, live %s", async (live) => {
    const seen = await check(onRuntime(), { profile: { credentialSource: "vault" }, live });
    expect(seen).toMatchObject({ credentials: failing("aws-sdk-default, or to profile:<name>") });
    expect(account.sts.faults.seen).toEqual([]);
  });
});
