import { describe, expect, test } from "vitest";
import { clarify, requiredNames, type SpawnQuestionable } from "../../lib/config/clarification.ts";
import { chooseProfile, type RouteRequest, route } from "../../lib/config/routing.ts";
import { DispatchError } from "../../lib/contract/errors.ts";
import type { Json } from "../../lib/contract/task.ts";
import { parseConfiguration } from "../fixtures/configuration.ts";
import { adapters, exampleConfiguration, IMAGE, idleAdapter, ROLE_ARN } from "../mcp/ports.ts";

const example = parseConfiguration(exampleConfiguration);

function ask(
  call: Partial<Omit<SpawnQuestionable, "request">> & { request?: Partial<RouteRequest> } = {},
  configuration = example,
  served = adapters,
) {
  const request = { taskType: "agent.run", ...call.request };
  const asked = { instruction: "do it", fields: {}, ...call, request };
  return clarify(configuration, served, asked, tryRoute(configuration, served, asked));
}

function tryRoute(configuration: typeof example, served: typeof adapters, { request, runtime }: SpawnQuestionable) {
  try {
    return route(configuration, served, request, chooseProfile(configuration, runtime));
  } catch (error) {
    if (error instanceof DispatchError) return undefined;
    throw error;
  }
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

  test("is none that only a profile names, since the worker would not have it", () => {
    const reviewer = { ...local, framework: "reviewer" };
    const more = parseConfiguration({ ...silent, runtimes: { ...silent.runtimes, reviewer } });
    expect(ask({}, more)?.questions).toMatchObject([{ choices: ["echo", "mine"] }]);
  });

  test("is asked for when the worker has none of that name, whoever says it", () => {
    const question = (name: string) =>
      `The worker has no framework "${name}". Which agent framework should run it? echo only answers with its prompt.`;
    const choices = ["echo", "mine"];
    expect(ask({ request: { framework: "no-such" } })?.questions).toEqual([
      { id: "framework", question: question("no-such"), choices },
    ]);
    const runtimes = { ...silent.runtimes, local: { ...local, framework: "reviewer" } };
    const configured = parseConfiguration({ ...silent, runtimes });
    expect(ask({}, configured)?.questions).toEqual([{ id: "framework", question: question("reviewer"), choices }]);
    expect(ask({ request: { framework: "mine" } }, configured)).toBeUndefined();
  });

  test("is no question for a runtime that is not of ours", () => {
    const unknowing = { ...adapters, "local-process": idleAdapter() };
    expect(ask({}, parseConfiguration(silent), unknowing)).toBeUndefined();
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

describe("who may name what on AgentCore", () => {
  const other = `${ROLE_ARN}-of-others`;
  const runtime = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/mine-AbCdEf1234";
  const accounts = { "dev-aws": { provider: "aws" } } as const;
  const laptop = Object.fromEntries(
    Object.entries(adapters).map(([name, adapter]) => [name, { ...adapter, asCaller: true }]),
  );
  const question = (file: object, request: Partial<RouteRequest>, served = adapters) =>
    ask({ request: { accountProfile: "dev-aws", ...request } }, parseConfiguration({ accounts, ...file }), served);
  const runtimeMode = { mode: "runtime" };
  const problem = (action: () => unknown) => {
    try {
      return { accepted: action() ?? true };
    } catch (error) {
      if (error instanceof DispatchError) return error.problem;
      throw error;
    }
  };

  test("on one machine, without patterns and such a name: anything, and what is asked for is accepted", () => {
    const asked = question({}, runtimeMode, laptop);
    expect(ids(asked)).toEqual(["ecrImageUri", "executionRoleArn"]);
    expect(asked?.questions.map(({ choices }) => choices)).toEqual([undefined, undefined]);
    expect(question({}, { ...runtimeMode, details: { ecrImageUri: IMAGE, executionRoleArn: other } }, laptop)).toBe(
      undefined,
    );
    expect(ids(question({}, { mode: "session" }, laptop))).toEqual(["runtimeArn"]);
    expect(question({}, { mode: "session", details: { runtimeArn: runtime } }, laptop)).toBeUndefined();
  });

  test("on one machine, once the file names one or has patterns: those", () => {
    const backends = { b: { adapter: "aws-agentcore", account: "dev-aws", details: { executionRoleArn: ROLE_ARN } } };
    const named = parseConfiguration({ accounts, backends });
    const routed = (details: Json, configuration = named) =>
      problem(() => void route(configuration, laptop, { taskType: "agent.run", accountProfile: "dev-aws", details }));
    expect(routed({ executionRoleArn: ROLE_ARN, ecrImageUri: IMAGE })).toEqual({ accepted: true });
    expect(routed({ executionRoleArn: other })).toMatchObject({
      code: "policy.denied",
      hint: `callers may name ${ROLE_ARN}; allowed.roles in the configuration file would allow others`,
      details: { path: "target.details.executionRoleArn", allowedBy: "allowed.roles" },
    });
    const none = parseConfiguration({ accounts, allowed: { runtimes: [] } });
    expect(routed({ runtimeArn: runtime }, none)).toMatchObject({
      code: "policy.denied",
      hint: "callers may name none; allowed.runtimes in the configuration file would allow others",
    });
  });

  test("in the cloud: nothing is asked for that would be refused; the refusal names the field that would allow it", () => {
    expect(problem(() => question({}, runtimeMode))).toMatchObject({
      code: "task.target_incomplete",
      hint: expect.stringMatching(/set ecrImageUri in the details of the backend, or say in allowed\.repositories/),
      details: { allowedBy: "allowed.repositories" },
    });
    expect(problem(() => question({}, { mode: "session" }))).toMatchObject({
      details: { allowedBy: "allowed.runtimes" },
    });
    expect(problem(() => question({}, { details: { runtimeArn: runtime } }))).toMatchObject({ accepted: true });
    expect(
      problem(() =>
        route(parseConfiguration({ accounts }), adapters, {
          taskType: "agent.run",
          accountProfile: "dev-aws",
          details: { runtimeArn: runtime },
        }),
      ),
    ).toMatchObject({ code: "policy.denied", details: { allowedBy: "allowed.runtimes" } });
  });

  test("a question says what is accepted: the names as choices, or the patterns", () => {
    const allowed = { runtimes: [runtime], repositories: ["public.ecr.aws/team/*"], roles: [ROLE_ARN, ROLE_ARN] };
    expect(question({ allowed }, { mode: "session" })?.questions).toMatchObject([{ choices: [runtime] }]);
    expect(question({ allowed }, runtimeMode)?.questions).toEqual([
      {
        id: "ecrImageUri",
        question:
          "Which container image should the runtime be made from? Give its ECR URI. It must match public.ecr.aws/team/*.",
      },
      { id: "executionRoleArn", question: expect.any(String), choices: [ROLE_ARN] },
    ]);
  });

  test("everything else that is missing is asked for first", () => {
    const asked = ask({ instruction: "", request: { accountProfile: "dev-aws" } }, parseConfiguration({ accounts }));
    expect(ids(asked)).toEqual(["instruction"]);
  });
});

test("what cannot be routed is not asked about: the call is refused with its reason", () => {
  expect(ask({ request: { mode: "elsewhere" } })).toBeUndefined();
});
