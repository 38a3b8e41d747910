import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { warmCosts } from "../../lib/contract/costs/warm.ts";
import { InvalidInputError } from "../../lib/contract/errors.ts";
import { parseConfiguration } from "../fixtures/configuration.ts";
import { documentedConfiguration } from "../fixtures/documented-configuration.ts";

const issuesOf = (input: unknown): InvalidInputError => {
  try {
    parseConfiguration(input);
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
  throw new Error("it was accepted");
};
const pathsOf = (input: unknown): string[] => issuesOf(input).issues.map(({ path }) => path);

const example = documentedConfiguration({
  runtimeArn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_runtime-AbCdEf1234",
});

/** What is there without a word of the user's. */
const ofDeployments = {
  retentionDays: 90,
  cache: {},
  dispatch: { waitSeconds: 290 },
  groups: {},
  cloud: {
    stackName: "agent-dispatch",
    logLevel: "info",
    logRetentionDays: 30,
    runtimeIdleMinutes: 60,
    runtimeLogDays: 7,
    dashboard: false,
    retainData: true,
    deletionProtection: false,
    throttle: { requestsPerSecond: 100, burst: 200 },
    concurrency: {},
  },
};

test("a whole configuration is read as it stands", () => {
  expect(parseConfiguration(example)).toEqual({ ...example, allowed: {}, ...ofDeployments });
});

test("an empty one has every part", () => {
  expect(parseConfiguration({})).toEqual({
    accounts: {},
    backends: {},
    runtimes: {},
    defaults: { limits: {} },
    policy: { defaultEffect: "allow", rules: [] },
    allowed: {},
    ...ofDeployments,
  });
});

test("a deployment is configured in one place, and its mistakes are told with all others", () => {
  const cloud = {
    stackName: "team-agents",
    logLevel: "debug",
    logRetentionDays: 7,
    runtimeIdleMinutes: 5,
    runtimeLogDays: 0,
    models: ["us.anthropic.claude-opus-4-8", "amazon.nova-*"],
    alarmEmail: "on-call@example.com",
    retainData: false,
    deletionProtection: true,
    throttle: { requestsPerSecond: 5, burst: 10 },
    concurrency: { steps: 2, mcp: null },
  };
  expect(parseConfiguration({ retentionDays: 14, cloud })).toMatchObject({ retentionDays: 14, cloud });
  const wrong = {
    stackName: "no spaces",
    logRetentionDays: 8,
    runtimeIdleMinutes: 0,
    runtimeLogDays: -1,
    models: ["a b"],
    alarmEmail: "nobody",
    throttle: { burst: 0 },
    concurrency: { mcp: 0, steps: "all" },
    region: "us-west-2",
  };
  expect(pathsOf({ retentionDays: 0, accounts: { a: { provider: "aws", roleArn: "admin" } }, cloud: wrong })).toEqual([
    "retentionDays",
    "accounts.a.roleArn",
    "cloud.stackName",
    "cloud.logRetentionDays",
    "cloud.runtimeLogDays",
    "cloud.models.0",
    "cloud.runtimeIdleMinutes",
    "cloud.alarmEmail",
    "cloud.throttle.burst",
    "cloud.concurrency.steps",
    "cloud.concurrency.mcp",
    "cloud",
  ]);
});

test("sessions are kept ready where that can be, and what they cost is said", () => {
  const accounts = { here: { provider: "local" }, aws: { provider: "aws", region: "us-west-2" } };
  const backends = {
    here: { adapter: "local-process", account: "here" },
    cloud: { adapter: "aws-agentcore", account: "aws" },
  };
  const runtimes = { ready: { backend: "cloud", warm: 2 }, other: { backend: "cloud" } };
  const costs = warmCosts(parseConfiguration({ accounts, backends, runtimes }));
  expect(costs).toEqual([
    "runtimes.ready.warm: 2 sessions that are kept ready around the clock cost $1.72 to $13.80 a month for memory (0.125 to 1 GB each), also while no task uses any",
  ]);
  const wrong = {
    a: { backend: "here", warm: 1 },
    b: { backend: "cloud", warm: 0 },
    c: { backend: "cloud", warm: 51 },
  };
  expect(pathsOf({ accounts, backends, runtimes: wrong })).toEqual([
    "runtimes.b.warm",
    "runtimes.c.warm",
    "runtimes.a.warm",
  ]);
});

test("mistakes of every kind are told together, each with its path", () => {
  const input = {
    unknown: 1,
    accounts: {
      bad: { provider: "azure" },
      "two words": { provider: "local" },
      aws: { provider: "aws", region: "here" },
    },
    backends: {
      lost: { adapter: "local-process", account: "nowhere" },
      wrong: { adapter: "local-process", account: "aws" },
      secret: {
        adapter: "aws-agentcore",
        account: "aws",
        details: { nested: [{ api_key: "hunter2" }], region: "a b" },
        colour: "red",
      },
    },
    runtimes: {
      a: { backend: "gone", target: { mode: "sideways", details: { region: "us-west" } } },
      b: { backend: "secret", account: "bad", provider: "local" },
    },
    defaults: { runtime: "constructor", limits: { maxRunning: 0 }, target: { details: { region: 7 } } },
    policy: { rules: [{ effect: "maybe" }] },
  };
  expect(pathsOf(input).sort()).toEqual(
    [
      "",
      "accounts.aws.region",
      "accounts.bad.provider",
      "accounts.two words",
      "backends.lost.account",
      "backends.secret",
      "backends.secret.details",
      "backends.secret.details.nested.0.api_key",
      "backends.secret.details.region",
      "backends.wrong.adapter",
      "defaults.limits.maxRunning",
      "defaults.runtime",
      "defaults.target.details.region",
      "policy.rules.0.effect",
      "runtimes.a.backend",
      "runtimes.a.target.details.region",
      "runtimes.a.target.mode",
      "runtimes.b.account",
      "runtimes.b.provider",
    ].sort(),
  );
  expect(JSON.stringify(issuesOf(input).problem)).not.toContain("hunter2");
});

describe("what a configuration says to an adapter", () => {
  const aws = { accounts: { dev: { provider: "aws" } } };
  const local = { accounts: { here: { provider: "local" } } };
  const of = (adapter: string, details: object, base: object = aws) => ({
    ...base,
    backends: { b: { adapter, account: Object.keys((base as typeof aws).accounts)[0], details } },
  });

  test.each([
    ["a role that is none", { executionRoleArn: "me" }, "backends.b.details.executionRoleArn"],
    ["a runtime that is none", { runtimeArn: "arn:aws:s3:::x" }, "backends.b.details.runtimeArn"],
    ["an image elsewhere", { ecrImageUri: "docker.io/library/x" }, "backends.b.details.ecrImageUri"],
    ["a contract that nobody has", { contract: "ours" }, "backends.b.details.contract"],
    ["a protocol that is none", { serverProtocol: "GRPC" }, "backends.b.details.serverProtocol"],
    ["a value that is no text", { tool: 7 }, "backends.b.details.tool"],
    ["a variable that is no text", { environment: { A: 1 } }, "backends.b.details.environment.A"],
  ])("is refused when it is loaded, not in a task: %s", (_, details, path) => {
    expect(pathsOf(of("aws-agentcore", details))).toEqual([path]);
  });

  test("is refused where it is of another adapter, and where it is a slip", () => {
    expect(issuesOf(of("local-process", { runtimeArn: "x" }, local)).message).toContain('unknown field "runtimeArn"');
    expect(issuesOf(of("aws-agentcore", { runtimArn: "x" })).message).toContain("did you mean runtimeArn?");
    expect(issuesOf({ ...aws, defaults: { target: { details: { workspce: "." } } } }).message).toContain("workspace?");
  });

  test("may be of any of them in the defaults", () => {
    const details = { workspace: import.meta.dirname, qualifier: "PROD" };
    expect(parseConfiguration({ defaults: { target: { details } } }).defaults.target?.details).toEqual(details);
  });

  test("goes to a registered adapter and to no other", () => {
    expect(issuesOf(of("k8s", {})).message).toBe(
      "backends.b.adapter: no registered adapter is named k8s; there are: local-process, aws-agentcore",
    );
    expect(issuesOf({ allowed: { runtime: ["*"] } }).message).toBe(
      'allowed: unknown field "runtime" (did you mean runtimes?)',
    );
  });
});

test("a mistake says what would be right", () => {
  const input = {
    accounts: { here: { provider: "local" } },
    backends: { b: { adapter: "local-process", account: "there" } },
  };
  expect(issuesOf(input).message).toBe("backends.b.account: no account is named there; there are: here");
  expect(issuesOf({ accounts: { "a b": { provider: "local" } } }).message).toBe(
    "accounts.a b: the name must be letters, digits, dots, dashes or underscores",
  );
});

test.each(["constructor", "toString", "hasOwnProperty", "valueOf"])("%s is a name like any other", (name) => {
  const configuration = parseConfiguration({
    accounts: { [name]: { provider: "local" } },
    backends: { [name]: { adapter: "local-process", account: name } },
    runtimes: { [name]: { backend: name } },
    defaults: { runtime: name },
  });
  expect(Object.keys(configuration.runtimes)).toEqual([name]);
  const dangling = { runtimes: { r: { backend: name, account: name } }, defaults: { runtime: name } };
  expect(pathsOf(dangling)).toEqual(["runtimes.r.backend", "runtimes.r.account", "defaults.runtime"]);
});

test.each([
  ['{"__proto__":{}}', "__proto__"],
  ['{"accounts":{"__proto__":{"provider":"local"}}}', "accounts.__proto__"],
  ['{"accounts":{"a":{"provider":"local","__proto__":{}}}}', "accounts.a.__proto__"],
  ['{"defaults":{"metadata":{"x":[{"__proto__":1}]}}}', "defaults.metadata.x.0.__proto__"],
])("%s is refused, not passed over", (text, path) => {
  expect(pathsOf(JSON.parse(text))).toContain(path);
});

test("an account or a profile may be called token", () => {
  const input = {
    accounts: { token: { provider: "local" } },
    backends: { password: { adapter: "local-process", account: "token" } },
  };
  expect(Object.keys(parseConfiguration(input).accounts)).toEqual(["token"]);
});

test.each([null, 7, "text", [], [{}], true])("%j is no configuration", (input) => {
  expect(pathsOf(input)).toEqual([""]);
});

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const text = fc.string({ maxLength: 20 });
const ofLocal = fc.record(
  { environment: fc.dictionary(fc.constantFrom("A", "b_1", "AREA"), text), protocol: fc.constant("http") },
  { requiredKeys: [] },
);
const ofAgentCore = fc.record({ qualifier: text, tool: text, contract: fc.constant("none") }, { requiredKeys: [] });

/** Valid configurations: every reference is drawn from what is there. */
const valid = fc.uniqueArray(name, { minLength: 1, maxLength: 4 }).chain((names) =>
  fc.record({
    accounts: fc.constant(
      Object.fromEntries(names.map((n, i) => [n, { provider: i % 2 ? "aws" : "local", credentialSource: "x" }])),
    ),
    backends: fc
      .tuple(
        ...names.map((n, i) =>
          fc.record({ details: i % 2 ? ofAgentCore : ofLocal }).map(({ details }) => [n, i, details] as const),
        ),
      )
      .map((all) =>
        Object.fromEntries(
          all.map(([n, i, details]) => [
            `b-${n}`,
            { adapter: i % 2 ? "aws-agentcore" : "local-process", account: n, capability: "agent-runtime", details },
          ]),
        ),
      ),
    runtimes: fc.constant(
      Object.fromEntries(
        names.map((n) => [
          `r-${n}`,
          { backend: `b-${n}`, account: n, capability: "agent-runtime", target: {}, requiredInputs: [] },
        ]),
      ),
    ),
    defaults: fc.constantFrom(...names).map((n) => ({ runtime: `r-${n}`, limits: {} })),
    policy: fc.constant({ defaultEffect: "allow", rules: [] }),
    allowed: fc.constant({}),
    retentionDays: fc.integer({ min: 1, max: 3650 }),
    cloud: fc.constant(ofDeployments.cloud),
    cache: fc.record({ ttlSeconds: fc.integer({ min: 0, max: 3600 }) }, { requiredKeys: [] }),
    dispatch: fc.record({ waitSeconds: fc.integer({ min: 1, max: 3600 }) }),
    groups: fc.constant({}),
  }),
);

test("a valid configuration reads as itself, and again as the same", () => {
  fc.assert(
    fc.property(valid, (input) => {
      const configuration = parseConfiguration(input);
      expect(configuration).toEqual(input);
      expect(parseConfiguration(configuration)).toEqual(configuration);
    }),
  );
});

test("with one reference broken it is refused for that alone", () => {
  fc.assert(
    fc.property(valid, fc.constantFrom("accounts", "backends", "runtimes"), (input, part) => {
      const [first = ""] = Object.keys(input[part]);
      const { [first]: _gone, ...rest } = input[part];
      const broken = { ...input, [part]: rest };
      const expected = {
        accounts: [`backends.b-${first}.account`, `runtimes.r-${first}.account`],
        backends: [`runtimes.${first.replace(/^b-/, "r-")}.backend`],
        runtimes: input.defaults.runtime === first ? ["defaults.runtime"] : [],
      }[part];
      if (expected.length === 0) expect(parseConfiguration(broken)).toEqual(broken);
      else expect(pathsOf(broken)).toEqual(expected);
    }),
  );
});

test("any value is either read or refused with its mistakes, never with another error", () => {
  const anything = fc.oneof(
    fc.anything({ withNullPrototype: true }),
    fc.record({ accounts: fc.anything(), backends: fc.anything(), runtimes: fc.anything(), defaults: fc.anything() }),
  );
  fc.assert(
    fc.property(anything, (input) => {
      try {
        parseConfiguration(input);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidInputError);
        expect((error as InvalidInputError).issues.length).toBeGreaterThan(0);
      }
    }),
  );
});

test("more running tasks or profiles than the store can hold are refused when the file is loaded", () => {
  const profiles = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { backend: "here" }]));
  const base = {
    accounts: { local: { provider: "local" } },
    backends: { here: { adapter: "local-process", account: "local" } },
  };
  const fits = {
    ...base,
    runtimes: profiles(900),
    defaults: { limits: { maxRunning: 4000, maxRunningPerProfile: 4000 } },
  };
  expect(Object.keys(parseConfiguration(fits).runtimes)).toHaveLength(900);
  const limits = { maxRunning: 4001, maxRunningPerProfile: 4001 };
  const tooMany = { ...base, runtimes: { ...profiles(900), more: { backend: "here", limits } }, defaults: { limits } };
  expect(pathsOf(tooMany).sort()).toEqual([
    "defaults.limits.maxRunning",
    "defaults.limits.maxRunningPerProfile",
    "runtimes",
    "runtimes.more.limits.maxRunning",
    "runtimes.more.limits.maxRunningPerProfile",
  ]);
});

test("a profile that lives in a folder has it as an absolute path, and only where jobs run in folders", () => {
  const accounts = { local: { provider: "local" }, aws: { provider: "aws" } };
  const backends = {
    here: { adapter: "local-process", account: "local" },
    there: { adapter: "aws-agentcore", account: "aws" },
  };
  const agent = { backend: "here", workspace: "api", description: "The API", instructions: "Read only." };
  const read = parseConfiguration({ accounts, backends, runtimes: { agent } });
  expect(read.runtimes.agent).toMatchObject({ ...agent, workspace: join(import.meta.dirname, "../fixtures/api") });
  const runtimes = {
    cloud: { ...agent, backend: "there" },
    twice: { ...agent, target: { details: { workspace: "." } } },
    empty: { ...agent, workspace: "" },
    long: { ...agent, instructions: "x".repeat(20_001), description: "x".repeat(2001) },
  };
  expect(pathsOf({ accounts, backends, runtimes })).toEqual([
    "runtimes.empty.workspace",
    "runtimes.long.description",
    "runtimes.long.instructions",
    "runtimes.cloud.workspace",
    "runtimes.twice.workspace",
  ]);
});
