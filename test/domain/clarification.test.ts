import { describe, expect, test } from "vitest";
import { clarify, requiredNames, type SpawnQuestionable } from "../../lib/domain/clarification.ts";
import { parseConfiguration } from "../../lib/domain/profile.ts";
import type { RouteRequest } from "../../lib/domain/routing.ts";
import { adapters, exampleConfiguration, IMAGE, idleAdapter, ROLE_ARN } from "../mcp/ports.ts";

const example = parseConfiguration(exampleConfiguration);

function ask(
  call: Partial<Omit<SpawnQuestionable, "request">> & { request?: Partial<RouteRequest> } = {},
  configuration = example,
  served = adapters,
) {
  return clarify(configuration, served, {
    instruction: "do it",
    fields: {},
    ...call,
    request: { taskType: "agent.run", ...call.request },
  });
}
const ids = (asked: ReturnType<typeof ask>) => asked?.questions.map(({ id }) => id);

test("asks nothing when nothing is missing", () => {
  expect(ask()).toBeUndefined();
  expect(ask({ runtime: "research", fields: { topic: "tides" } })).toBeUndefined();
});

test.each([undefined, "", " \n\t"])("asks for an instruction that is %j", (instruction) => {
  expect(ask({ instruction })).toEqual({
    status: "needs_clarification",
    retry_tool: "spawn_cloud_agent",
    questions: [{ id: "instruction", question: "What should the agent do?" }],
    available_runtimes: [
      { name: "local", provider: "local", framework: "echo" },
      { name: "research", provider: "aws", protocol: "a2a", framework: "strands", model: "small" },
    ],
  });
});

test("asks which runtime, when the one named is not there", () => {
  expect(ask({ runtime: "toString", instruction: "" })?.questions).toEqual([
    { id: "instruction", question: "What should the agent do?" },
    {
      id: "runtime",
      question: 'No runtime profile is named "toString". Which one should run it?',
      choices: ["local", "research"],
    },
  ]);
});

describe("the account", () => {
  const { runtimes: _, defaults: __, ...rest } = exampleConfiguration;
  const bare = parseConfiguration(rest);

  test("is asked for when nothing says it", () => {
    expect(ask({}, bare)?.questions).toEqual([
      { id: "account_profile", question: "Which account profile should it run under?", choices: ["local", "dev-aws"] },
    ]);
    expect(ask({ request: { provider: "aws" } }, bare)?.questions).toMatchObject([{ choices: ["dev-aws"] }]);
    expect(ids(ask({ request: { accountProfile: "local" } }, bare))).toEqual(["framework"]);
    expect(ask({ request: { accountProfile: "local", framework: "mine" } }, bare)).toBeUndefined();
  });

  test("is asked for when it is unknown", () => {
    expect(ask({ request: { accountProfile: "nobody" } })?.questions).toEqual([
      {
        id: "account_profile",
        question: 'No account profile is named "nobody". Which account profile should it run under?',
        choices: ["local", "dev-aws"],
      },
    ]);
  });

  test("and every other choice are those that are served", () => {
    const served = { "local-process": idleAdapter() };
    expect(ask({ request: { accountProfile: "nobody" } }, example, served)?.questions).toMatchObject([
      { choices: ["local"] },
    ]);
    expect(ask({ runtime: "nothing" }, example, served)).toMatchObject({
      questions: [{ choices: ["local"] }],
      available_runtimes: [{ name: "local", provider: "local", framework: "echo" }],
    });
  });
});

describe("what a profile requires", () => {
  test("may be a field of the call or of its context", () => {
    expect(ids(ask({ runtime: "research" }))).toEqual(["topic"]);
    expect(ids(ask({ runtime: "research", fields: { topic: "  " } }))).toEqual(["topic"]);
    expect(ids(ask({ runtime: "research", context: { topic: null } }))).toEqual(["topic"]);
    expect(ask({ runtime: "research", context: { topic: 0 } })).toBeUndefined();
  });

  test("is taken from the chosen profile, or from any while none is chosen", () => {
    expect(requiredNames(example, "research")).toEqual(["topic"]);
    expect(requiredNames(example, undefined)).toEqual([]);
    expect(requiredNames(example, "unknown")).toEqual(["topic"]);
  });
});

describe("the framework", () => {
  const { framework: _, ...local } = exampleConfiguration.runtimes.local;
  const silent = { ...exampleConfiguration, runtimes: { ...exampleConfiguration.runtimes, local } };

  test("is asked for when neither call nor profile says it", () => {
    expect(ask({}, parseConfiguration(silent))?.questions).toEqual([
      {
        id: "framework",
        question: "Which agent framework should run it? echo only answers with its prompt.",
        choices: ["echo", "mine"],
      },
    ]);
    expect(ask({ request: { framework: "mine" } }, parseConfiguration(silent))).toBeUndefined();
    expect(ask({}, example)).toBeUndefined();
  });

  test("can be one that another profile of the backend uses", () => {
    const reviewer = { ...local, framework: "reviewer" };
    const more = parseConfiguration({ ...silent, runtimes: { ...silent.runtimes, reviewer } });
    expect(ask({}, more)?.questions).toMatchObject([{ choices: ["echo", "mine", "reviewer"] }]);
  });

  test("is no question for a runtime that is not of ours", () => {
    const foreign = { ...adapters, "local-process": idleAdapter() };
    expect(ask({}, parseConfiguration(silent), foreign)).toBeUndefined();
  });
});

describe("on AgentCore", () => {
  const bare = parseConfiguration({
    accounts: { "dev-aws": { provider: "aws" } },
    allowed: { runtimes: ["*"], roles: ["*"], repositories: ["*"] },
  });
  const aws = (request: Partial<RouteRequest>) => ask({ request: { accountProfile: "dev-aws", ...request } }, bare);

  test("a session needs a runtime", () => {
    expect(aws({ mode: "session" })?.questions).toEqual([
      { id: "runtimeArn", question: "Which AgentCore runtime should it run on? Give its ARN." },
    ]);
    expect(ids(aws({}))).toEqual(["runtimeArn"]);
    expect(aws({ details: { runtimeArn: "arn:aws:x" } })).toBeUndefined();
  });

  test("a runtime needs an image and a role", () => {
    expect(ids(aws({ mode: "runtime" }))).toEqual(["ecrImageUri", "executionRoleArn"]);
    expect(ids(aws({ mode: "runtime", details: { ecrImageUri: IMAGE } }))).toEqual(["executionRoleArn"]);
    expect(aws({ mode: "runtime", details: { ecrImageUri: IMAGE, executionRoleArn: ROLE_ARN } })).toBeUndefined();
    const details = { ecrImageUri: IMAGE, defaultExecutionRoleArn: ROLE_ARN };
    expect(aws({ mode: "runtime", details })).toBeUndefined();
  });
});

test("what cannot be routed is not asked about: the call is refused with its reason", () => {
  expect(ask({ request: { mode: "elsewhere" } })).toBeUndefined();
});
