import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matches } from "../../lib/config/allow-list.ts";
import { resolveLimits } from "../../lib/config/limits.ts";
import { chooseProfile, type RouteRequest, route } from "../../lib/config/routing.ts";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import { DispatchError } from "../../lib/contract/errors.ts";
import { parseConfiguration } from "../fixtures/configuration.ts";
import { adapters, exampleConfiguration, IMAGE, idleAdapter, ROLE_ARN, RUNTIME_ARN } from "../mcp/ports.ts";

const example = parseConfiguration(exampleConfiguration);

function spawn(request: Partial<RouteRequest> = {}, runtime?: string, configuration = example) {
  return route(configuration, adapters, { taskType: "agent.run", ...request }, chooseProfile(configuration, runtime));
}

const explicit = (request: Partial<RouteRequest> = {}, configuration = example) =>
  route(configuration, adapters, {
    taskType: "command.run",
    provider: "local",
    accountProfile: "local",
    capability: "agent-runtime",
    mode: "session",
    ...request,
  });

function problem(act: () => unknown) {
  try {
    act();
  } catch (error) {
    if (error instanceof DispatchError) return error.problem;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("precedence", () => {
  test("a profile fills in what the call leaves out, and the defaults what the profile does", () => {
    expect(spawn({}, "research")).toEqual({
      provider: "aws",
      accountProfile: "dev-aws",
      capability: "agent-runtime",
      backend: "aws-agentcore",
      backendName: "agentcore-dev",
      profile: "research",
      taskType: "agent.run",
      target: {
        mode: "session",
        protocol: "a2a",
        details: { region: "us-west-2", runtimeArn: RUNTIME_ARN, qualifier: "PROD", defaultExecutionRoleArn: ROLE_ARN },
      },
      limits: { maxRunning: 4, maxRunningPerProfile: 2, timeoutSeconds: 600, graceSeconds: 10, maxDepth: 3 },
      framework: "strands",
      model: "small",
      runtimeTools: { enabled: ["search"], safe: true, depth: 1 },
      metadata: { tier: 1, from: "defaults", team: "research" },
    });
  });

  test("the call wins over the profile", () => {
    const call: Partial<RouteRequest> = {
      framework: "claude-code",
      model: { name: "large" },
      protocol: "mcp",
      runtimeTools: { depth: 9 },
      metadata: { team: "mine" },
      details: { qualifier: "MINE", extra: 1 },
      timeoutSeconds: 7200,
    };
    expect(spawn(call, "research")).toMatchObject({
      framework: "claude-code",
      model: { name: "large" },
      target: { protocol: "mcp", details: { qualifier: "MINE", extra: 1, runtimeArn: RUNTIME_ARN } },
      runtimeTools: { enabled: ["search"], safe: true, depth: 9 },
      metadata: { tier: 1, from: "defaults", team: "mine" },
      limits: { timeoutSeconds: 7200 },
    });
  });

  test("a call that names nothing has the default profile, or the only one", () => {
    expect(spawn().profile).toBe("local");
    const { defaults: _, ...rest } = exampleConfiguration;
    expect(chooseProfile(parseConfiguration(rest), undefined)).toBeUndefined();
    const single = parseConfiguration({ ...rest, runtimes: { only: rest.runtimes.local } });
    expect(chooseProfile(single, undefined)?.name).toBe("only");
  });

  test("another account takes the task to a backend of that account", () => {
    expect(spawn({ accountProfile: "dev-aws" })).toMatchObject({
      backend: "aws-agentcore",
      backendName: "agentcore-dev",
      provider: "aws",
    });
  });

  test("an image without a runtime means that a runtime is made", () => {
    const configuration = parseConfiguration({
      accounts: { "dev-aws": { provider: "aws" } },
      allowed: { repositories: [IMAGE], roles: [ROLE_ARN] },
    });
    const details = { ecr_image_uri: `${IMAGE}:1`, execution_role_arn: ROLE_ARN };
    const chosen = spawn({ accountProfile: "dev-aws", details }, undefined, configuration);
    expect(chosen.target).toEqual({
      mode: "runtime",
      details: { ecrImageUri: `${IMAGE}:1`, executionRoleArn: ROLE_ARN },
    });
  });
});

describe("an explicit call", () => {
  test("is counted by its backend", () => {
    expect(explicit()).toMatchObject({
      backend: "local-process",
      backendName: "this-machine",
      profile: "this-machine",
    });
    expect(explicit({ backend: "this-machine" })).toMatchObject({ backendName: "this-machine" });
    expect(explicit({ backend: "local-process" })).toMatchObject({ backendName: "this-machine" });
  });

  test("needs no backend in the configuration", () => {
    const configuration = parseConfiguration({ accounts: { local: { provider: "local" } } });
    const chosen = explicit({}, configuration);
    expect(chosen).toMatchObject({ backend: "local-process", profile: "local", target: { mode: "session" } });
    expect(chosen).not.toHaveProperty("backendName");
  });

  test.each([
    ["account_profile.not_found", { accountProfile: "nobody" }, { choices: ["local", "dev-aws"] }],
    ["account_profile.not_found", { accountProfile: "__proto__" }, { choices: ["local", "dev-aws"] }],
    ["account_profile.provider_mismatch", { provider: "aws" }, { accountProfile: "local", provider: "local" }],
    ["backend.not_found", { backend: "agentcore-dev" }, { choices: ["this-machine"] }],
    ["adapter.unsupported", { mode: "runtime" }, undefined],
    ["adapter.unsupported", { mode: "elsewhere" }, undefined],
    ["adapter.unsupported", { taskType: "agent.sing" }, undefined],
    ["adapter.unsupported", { capability: "other" }, undefined],
    ["adapter.unsupported", { protocol: "a2a" as const }, undefined],
    ["adapter.unsupported", { backend: "aws-agentcore" }, undefined],
  ])("is refused with %s for %j", (code, request, details) => {
    const refused = problem(() => explicit(request));
    expect(refused).toMatchObject({ code, retryable: false, hint: expect.any(String) });
    if (details) expect(refused.details).toEqual(details);
  });

  test("an unknown profile is refused with the known ones", () => {
    expect(problem(() => chooseProfile(example, "constructor"))).toEqual({
      code: "runtime_profile.not_found",
      message: 'no runtime profile is named "constructor"',
      retryable: false,
      hint: "there are: local, research",
      details: { choices: ["local", "research"] },
    });
  });
});

describe("names that a caller may not use", () => {
  const aws = (details: Record<string, unknown>, configuration = example) =>
    spawn({ details }, "research", configuration);

  test("the environment of a worker", () => {
    expect(problem(() => spawn({ details: { environment: {} } }))).toMatchObject({
      code: "policy.denied",
      details: { path: "target.details.environment" },
    });
  });

  test.each([
    ["runtimeArn", "arn:aws:bedrock-agentcore:us-west-2:999999999999:runtime/other-AbCdEf1234"],
    ["runtime_arn", `${RUNTIME_ARN}5`],
    ["executionRoleArn", "arn:aws:iam::123456789012:role/admin"],
    ["defaultExecutionRoleArn", "arn:aws:iam::123456789012:role/admin"],
    ["ecrImageUri", `${IMAGE}:1`],
    ["runtimeArn", 7],
    ["runtimeArn", null],
  ])("%s: %s", (key, value) => {
    expect(problem(() => aws({ [key]: value })).code).toBe("policy.denied");
  });

  test("what the configuration itself names may be named", () => {
    expect(aws({ runtimeArn: RUNTIME_ARN, execution_role_arn: ROLE_ARN }).target.details).toMatchObject({
      executionRoleArn: ROLE_ARN,
    });
  });

  test("patterns allow more, and a tag does not matter for a repository", () => {
    const configuration = parseConfiguration({
      ...exampleConfiguration,
      allowed: { runtimes: ["arn:aws:bedrock-agentcore:*:123456789012:runtime/*"], repositories: [IMAGE] },
    } satisfies ConfigurationInput);
    const runtimeArn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/other-AbCdEf1234";
    expect(aws({ runtimeArn }, configuration).target.details).toMatchObject({ runtimeArn });
    expect(aws({ ecrImageUri: `${IMAGE}:1` }, configuration).target.details).toBeDefined();
    expect(aws({ ecrImageUri: `${IMAGE}@sha256:${"0".repeat(64)}` }, configuration).target.details).toBeDefined();
    expect(problem(() => aws({ ecrImageUri: `${IMAGE}-other:1` }, configuration)).code).toBe("policy.denied");
  });

  test("an image that the configuration names may be named as it stands there", () => {
    const backends = {
      "agentcore-dev": {
        adapter: "aws-agentcore" as const,
        account: "dev-aws",
        details: { ecrImageUri: `${IMAGE}:1` },
      },
    };
    const tagged = parseConfiguration({
      ...exampleConfiguration,
      backends: { ...exampleConfiguration.backends, ...backends },
    });
    expect(aws({ ecrImageUri: `${IMAGE}:1` }, tagged).target.details).toBeDefined();
    for (const ecrImageUri of [IMAGE, `${IMAGE}:2`, `${IMAGE}:1@sha256:0`])
      expect(problem(() => aws({ ecrImageUri }, tagged)).code).toBe("policy.denied");
    backends["agentcore-dev"].details.ecrImageUri = IMAGE;
    const untagged = parseConfiguration({
      ...exampleConfiguration,
      backends: { ...exampleConfiguration.backends, ...backends },
    });
    expect(aws({ ecrImageUri: `${IMAGE}:2` }, untagged).target.details).toBeDefined();
  });

  test("regions are those of the configuration and of the adapters", () => {
    expect(aws({ region: "us-west-2" }).target.details).toMatchObject({ region: "us-west-2" });
    for (const region of ["us-west-9", "a b", "", 7])
      expect(problem(() => aws({ region }))).toMatchObject({
        code: "policy.denied",
        hint: expect.stringContaining("us-west-2"),
        details: { path: "target.details.region" },
      });
    const elsewhere = parseConfiguration({
      ...exampleConfiguration,
      defaults: { ...exampleConfiguration.defaults, target: { details: { region: "eu-west-1" } } },
    });
    expect(aws({ region: "eu-west-1" }, elsewhere).target.details).toMatchObject({ region: "eu-west-1" });
    const deployed = {
      ...adapters,
      "aws-agentcore": idleAdapter({ ...adapters["aws-agentcore"], region: "us-east-1" }),
    };
    const request = { taskType: "agent.run", details: { region: "us-east-1" } };
    const chosen = route(example, deployed, request, chooseProfile(example, "research"));
    expect(chosen.target.details).toMatchObject({ region: "us-east-1" });
  });

  test("where no region is known, any may be named that could be one", () => {
    const configuration = parseConfiguration({ accounts: { "dev-aws": { provider: "aws" } } });
    const at = (region: string) => spawn({ accountProfile: "dev-aws", details: { region } }, undefined, configuration);
    expect(at("ap-southeast-2").target.details).toEqual({ region: "ap-southeast-2" });
    expect(problem(() => at("a b"))).toMatchObject({
      code: "policy.denied",
      hint: expect.stringContaining("us-west-2"),
    });
  });

  test("a pattern fits where its regular expression does", () => {
    const part = fc.stringMatching(/^[ab*.]{0,6}$/);
    fc.assert(
      fc.property(part, fc.stringMatching(/^[ab.]{0,8}$/), (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`);
        expect(matches(pattern, text)).toBe(expression.test(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("limits", () => {
  test("are built in, and each layer lies over the one below", () => {
    const bare = parseConfiguration({});
    expect(resolveLimits(bare, undefined, {})).toEqual({
      maxRunning: 8,
      maxRunningPerProfile: 8,
      timeoutSeconds: 3600,
      graceSeconds: 10,
      maxDepth: 3,
    });
    const { limits } = spawn({}, "research");
    expect(limits).toMatchObject({ maxRunning: 4, maxRunningPerProfile: 2, timeoutSeconds: 600 });
  });

  test("the time that a call asks for wins, and ends at seven and a half hours", () => {
    const bare = parseConfiguration({});
    expect(resolveLimits(bare, undefined, { timeoutSeconds: 5 }).timeoutSeconds).toBe(5);
    expect(resolveLimits(bare, undefined, { timeoutSeconds: 90_000 }).timeoutSeconds).toBe(27_000);
    expect(resolveLimits(bare, undefined, { jobTimeoutSeconds: 7200 }).timeoutSeconds).toBe(7210);
    expect(resolveLimits(bare, undefined, { jobTimeoutSeconds: 60 }).timeoutSeconds).toBe(3600);
    expect(resolveLimits(bare, undefined, { jobTimeoutSeconds: 60, timeoutSeconds: 30 }).timeoutSeconds).toBe(30);
  });
});
