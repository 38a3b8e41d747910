import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { waitSeconds } from "../../lib/contract/tools/fields.ts";
import { makeTask } from "../contract/make-task.ts";
import { bareCaller, command, problemOf } from "./clients.ts";
import { exampleConfiguration, openPorts } from "./ports.ts";

const open = () => {
  const ports = openPorts();
  return { ports, ...bareCaller({ ports }) };
};
const dispatch = command();
const unknownId = `task_${"0".repeat(32)}`;
/** A call of each tool that is right, or at least well formed. */
const goodCalls: Record<string, Json> = {
  spawn_cloud_agent: { instruction: "hello" },
  dispatch_task: dispatch,
  check_cloud_agent_runtime: {},
  get_task_status: { task_id: unknownId },
  get_task_logs: { task_id: unknownId },
  get_task_result: { task_id: unknownId },
  cancel_task: { task_id: unknownId },
  wait_for_task: { task_id: unknownId },
  list_tasks: {},
  list_providers: {},
  list_capabilities: {},
  list_account_profiles: {},
};
const tools = Object.entries(goodCalls);

describe.each(tools)("%s", (tool, good) => {
  test("refuses unknown fields by name, all at once", async () => {
    const { call, ports } = open();
    const problem = problemOf(await call(tool, { ...good, first_unknown: 1, secondUnknown: 2 }));
    expect(problem.code).toBe("input.invalid");
    expect(problem.retryable).toBe(false);
    expect(problem.message).toContain('"first_unknown"');
    expect(problem.message).toContain('"secondUnknown"');
    expect(ports.starts).toEqual([]);
  });

  test("refuses __proto__ at any depth, by its path", async () => {
    const { call, ports } = open();
    const top = `${JSON.stringify(good).slice(0, -1)}${Object.keys(good).length > 0 ? "," : ""}"__proto__":{"x":1}}`;
    expect(problemOf(await call(tool, top))).toMatchObject({
      code: "input.invalid",
      details: { issues: [{ path: "__proto__", message: "is not a name that a field may have" }] },
    });
    const deep = top.replace('"__proto__":{"x":1}', '"context":{"a":[{"__proto__":null}]}');
    expect(problemOf(await call(tool, deep))).toMatchObject({
      details: { issues: [{ path: "context.a.0.__proto__" }] },
    });
    expect(ports.starts).toEqual([]);
  });

  test("refuses a megabyte", async () => {
    const { call, ports } = open();
    const problem = problemOf(await call(tool, { ...good, instruction: "x".repeat(1_000_000) }));
    expect(problem).toMatchObject({ code: "input.invalid", retryable: false });
    expect((problem.message as string).length).toBeLessThan(8001);
    expect(ports.starts).toEqual([]);
  });

  test("refuses what is nested too deeply", async () => {
    const { call } = open();
    const tower = `{"context":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`;
    expect(problemOf(await call(tool, tower))).toMatchObject({
      code: "input.invalid",
      message: expect.stringContaining("nested deeper than 100 levels"),
    });
  });
});

const pathsOf = ({ details }: Json) => (details as { issues: { path: string }[] }).issues.map(({ path }) => path);
const withTaskId = tools.filter(([, good]) => "task_id" in good).map(([tool]) => tool);

describe.each(withTaskId)("the task id of %s", (tool) => {
  test.each([
    ["missing", {}],
    ["a number", { task_id: 7 }],
    ["null", { task_id: null }],
    ["a path", { task_id: "../../etc/passwd" }],
    ["a path behind an id", { task_id: `${unknownId}/../x` }],
    ["a line break behind an id", { task_id: `${unknownId}\n` }],
    ["a flag", { task_id: "--force" }],
    ["capital letters", { task_id: unknownId.toUpperCase() }],
    ["longer than a megabyte", { task_id: "a".repeat(900_000) }],
  ])("%s is named as the mistake", async (_what, args) => {
    const { call } = open();
    const problem = problemOf(await call(tool, args as Json));
    expect(problem.code).toBe("input.invalid");
    expect(problem.details).toMatchObject({ issues: [{ path: "task_id", message: expect.any(String) }] });
  });

  test("is a mistake or unknown, whatever it says", async () => {
    const { call } = open();
    const texts = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.stringMatching(/^task_[0-9a-f]{32}$/));
    await fc.assert(
      fc.asyncProperty(texts, async (task_id) => {
        const { code } = problemOf(await call(tool, { task_id }));
        expect(code).toBe(
          /^task_[0-9a-f]{32}$/.test(task_id) && !task_id.endsWith("\n") ? "task.not_found" : "input.invalid",
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe("numbers", () => {
  const isGood = { cursor: (n: number) => n >= 0, limit: (n: number) => n >= 1 && n <= 64_000 };
  test.each(["cursor", "limit"] as const)("%s of get_task_logs is taken or named", async (name) => {
    const { call, ports } = open();
    const task = makeTask({ owner: "me", status: "succeeded" });
    await ports.store.create(task);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()), async (value) => {
        const reply = await call("get_task_logs", { task_id: task.id, [name]: value });
        if (Number.isSafeInteger(value) && isGood[name](value)) expect(reply.isError).toBe(false);
        else expect(new Set(pathsOf(problemOf(reply)))).toEqual(new Set([name]));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["wait_for_task", { task_id: unknownId, timeout_seconds: "5" }, "timeout_seconds"],
    ["get_task_status", { task_id: unknownId, events_after: -1 }, "events_after"],
    ["list_tasks", { limit: 101 }, "limit"],
    ["list_tasks", { status: "done" }, "status"],
    ["spawn_cloud_agent", { instruction: "x", timeout_seconds: 27_001 }, "timeout_seconds"],
  ])("%s %j", async (tool, args, path) => {
    expect(problemOf(await open().call(tool, args)).details).toMatchObject({ issues: [{ path }] });
  });
});

describe("how long to wait", () => {
  test.each([-1, 46, 600, 1e300])("is cut to what a client has patience for: %d", async (seconds) => {
    const { call, ports } = open();
    const task = makeTask({ owner: "me", status: "succeeded" });
    await ports.store.create(task);
    const waited = await call("wait_for_task", { task_id: task.id, timeout_seconds: seconds });
    expect(waited.structured).toMatchObject({ id: task.id, status: "succeeded" });
    expect((await call("get_task_logs", { task_id: task.id, wait_seconds: seconds })).isError).toBe(false);
  });

  test("is cut, however long was asked for", () => {
    const long = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(long, (seconds) => {
        const cut = waitSeconds.parse(seconds);
        expect(cut).toBeGreaterThanOrEqual(0);
        expect(cut).toBeLessThanOrEqual(45);
        if (seconds >= 0 && seconds <= 45) expect(cut + 0).toBe(seconds + 0);
      }),
    );
  });
});

describe("null for an optional field counts as left out", () => {
  const optional: Record<string, Json> = {
    spawn_cloud_agent: {
      goal: null,
      runtime: null,
      model: null,
      runtimeArn: null,
      runtime_arn: null,
      idempotency_key: null,
      context: null,
    },
    dispatch_task: {
      backend: null,
      metadata: null,
      target: { mode: "session", protocol: null, details: null },
      input: { command: "true", args: null, cwd: null, shell: null, timeoutSeconds: null },
    },
    check_cloud_agent_runtime: { runtime: null, live: null, target: { mode: null }, runtimeArn: null },
    list_tasks: { status: null, limit: null, cursor: null },
    list_capabilities: { provider: null },
  };
  test.each(Object.entries(optional))("of %s", async (tool, nulls) => {
    const { call } = open();
    expect((await call(tool, { ...goodCalls[tool], ...nulls })).text).not.toHaveProperty("error");
  });

  test("of the tools that read a task", async () => {
    const { call, ports } = open();
    const task = makeTask({ owner: "me", status: "succeeded" });
    await ports.store.create(task);
    const calls: Record<string, Json> = {
      get_task_logs: { cursor: null, limit: null, wait_seconds: null },
      get_task_status: { events_after: null },
      wait_for_task: { timeout_seconds: null },
    };
    for (const [tool, nulls] of Object.entries(calls))
      expect((await call(tool, { task_id: task.id, ...nulls })).isError).toBe(false);
  });

  test("and is kept where it is a value", async () => {
    const { call, ports } = open();
    const { structured } = await call("spawn_cloud_agent", { instruction: "x", context: { a: null }, goal: null });
    const task = await ports.store.get(structured?.taskId as string);
    expect(task?.input).toMatchObject({ context: { a: null } });
    expect(task).not.toHaveProperty("goal");
  });

  test("and is the same call under an idempotency key", async () => {
    const { call } = open();
    const first = await call("dispatch_task", { ...dispatch, idempotency_key: "once" });
    const again = { ...dispatch, backend: null, input: { command: "true", cwd: null }, idempotency_key: "once" };
    expect((await call("dispatch_task", again)).structured?.taskId).toBe(first.structured?.taskId);
  });

  test("but a field that must be there is missing", async () => {
    const problem = problemOf(await open().call("dispatch_task", { ...dispatch, capability: null, input: null }));
    expect(problem.message).toBe("capability: is required; input: is required");
  });
});

describe("messages", () => {
  test("say what is required, not what was received", async () => {
    const { input: _, ...rest } = dispatch;
    const { message } = problemOf(await open().call("dispatch_task", { ...rest, input: {}, capability: undefined }));
    expect(message).toBe("capability: is required; input.command: is required");
    expect(problemOf(await open().call("get_task_status", {})).message).toBe("task_id: is required");
    expect(problemOf(await open().call("get_task_status", { task_id: 7 })).message).toBe("task_id: must be a text");
    expect(problemOf(await open().call("spawn_cloud_agent", { context: [] })).message).toBe(
      "context: must be an object",
    );
  });

  test("suggest the field that was meant", async () => {
    const { capability, ...rest } = dispatch;
    const { message } = problemOf(await open().call("dispatch_task", { ...rest, capabilty: capability, taskType: 1 }));
    expect(message).toContain(
      'unknown field "capabilty" (did you mean capability?), "taskType" (did you mean task_type?)',
    );
    const inner = { ...dispatch, input: { comand: "true" }, target: { mode: "session", protcol: "http" } };
    const { message: nested } = problemOf(await open().call("dispatch_task", inner));
    expect(nested).toContain('input: unknown field "comand" (did you mean command?)');
    expect(nested).toContain('target: unknown field "protcol" (did you mean protocol?)');
    expect(problemOf(await open().call("list_providers", { zebra: 1 })).message).toBe('unknown field "zebra"');
  });
});

describe("dispatch_task", () => {
  test("names every mistake together, those of the input included", async () => {
    const { call } = open();
    const { input: _, ...rest } = dispatch;
    const wrong = {
      ...rest,
      provider: 3,
      account_profile: "a\u0000b",
      input: { cmd: "true", args: "x", shell: 1 },
      extra: 1,
    };
    const { details, message } = problemOf(await call("dispatch_task", wrong));
    const paths = pathsOf({ details });
    expect(paths.sort()).toEqual(
      ["provider", "account_profile", "", "input.command", "input.args", "input.shell", "input"].sort(),
    );
    expect(message).toContain('unknown field "cmd"');
    expect(message).toContain('unknown field "extra"');
    expect(message).toContain("account_profile: must not hold control characters");
  });

  test("wants an agent's framework by name, and says which there are", async () => {
    const { call, ports } = open();
    const agent = { ...dispatch, task_type: "agent.run", input: { instruction: "x" } };
    expect(problemOf(await call("dispatch_task", agent))).toMatchObject({
      code: "input.invalid",
      message: "input.framework: is required; there are: echo, mine",
      hint: "echo only answers with its prompt",
    });
    const unknown = { ...agent, input: { instruction: "x", framework: "no-such" } };
    expect(problemOf(await call("dispatch_task", unknown))).toMatchObject({
      code: "input.invalid",
      message: expect.stringMatching(/^input\.framework: the worker has no framework "no-such", it has: echo, mine; /),
      hint: "echo only answers with its prompt",
    });
    expect(ports.starts).toEqual([]);
    const named = { ...agent, input: { instruction: "x", framework: "mine" } };
    expect((await call("dispatch_task", named)).isError).toBe(false);
  });

  test("is told the rule of the policy and the fields that it looked at, and nothing else", async () => {
    const deny = { effect: "deny" as const, taskTypes: ["command.run" as const], reason: "agents only" };
    const ports = openPorts({ configuration: { ...exampleConfiguration, policy: { rules: [deny] } } });
    const { call } = bareCaller({ ports });
    expect(problemOf(await call("dispatch_task", dispatch))).toEqual({
      code: "policy.denied",
      message: "denied by policy: agents only",
      retryable: false,
      hint: "the policy is in the configuration file, under policy.rules[0]",
      details: {
        rule: { index: 0, ...deny },
        fields: {
          provider: "local",
          accountProfile: "local",
          capability: "agent-runtime",
          taskType: "command.run",
          targetMode: "session",
        },
      },
    });
  });

  test("names everything that is missing", async () => {
    const paths = pathsOf(problemOf(await open().call("dispatch_task", {})));
    expect(paths).toEqual(["provider", "account_profile", "capability", "task_type", "target", "input"]);
  });

  test.each([
    ["account_profile.not_found", { account_profile: "nobody" }],
    ["account_profile.not_found", { account_profile: "constructor" }],
    ["account_profile.provider_mismatch", { provider: "aws" }],
    ["account_profile.provider_mismatch", { provider: "gcp" }],
    ["backend.not_found", { backend: "nothing" }],
    ["adapter.unsupported", { capability: "teleport" }],
    ["adapter.unsupported", { task_type: "agent.walk" }],
    ["adapter.unsupported", { target: { mode: "runtime" } }],
    ["adapter.unsupported", { target: { mode: "--help" } }],
    ["adapter.unsupported", { target: { mode: "session", protocol: "a2a" } }],
    ["policy.denied", { target: { mode: "session", details: { environment: "/etc" } } }],
    ["policy.denied", { target: { mode: "session", details: { runtime_arn: "arn:aws:x" } } }],
    ["policy.denied", { target: { mode: "session", details: { apiKey: "k" } } }],
    ["policy.denied", { input: { command: "true", env: { AWS_SECRET_ACCESS_KEY: "hunter2" } } }],
    ["policy.denied", { metadata: { a: [{ "client-secret": "hunter2" }] } }],
  ])("is refused with %s: %j", async (code, more) => {
    const { call, ports } = open();
    const problem = problemOf(await call("dispatch_task", { ...dispatch, ...more }));
    expect(problem).toMatchObject({ code, retryable: false, hint: expect.any(String) });
    expect(JSON.stringify(problem)).not.toContain("hunter2");
    expect(ports.starts).toEqual([]);
  });
});

describe("spawn_cloud_agent", () => {
  test.each([
    ["instruction", { instruction: "x".repeat(400_001) }],
    ["context", { context: { a: "x".repeat(512 * 1024) } }],
    ["goal", { goal: "x".repeat(20_001) }],
    ["runtime", { runtime: "a\u0007" }],
    ["framework", { framework: "" }],
    ["model", { model: 7 }],
    ["protocol", { protocol: "smoke-signals" }],
    ["environment_variables.A", { environment_variables: { A: 1 } }],
    ["idempotency_key", { idempotency_key: "a\nb" }],
    ["target", { target: { mode: "session", folder: "/" } }],
    ["environmentVariables", { environmentVariables: {}, environment_variables: {} }],
  ])("names %s", async (path, more) => {
    const { call, ports } = open();
    const problem = problemOf(await call("spawn_cloud_agent", { instruction: "x", ...more }));
    expect(problem).toMatchObject({ code: "input.invalid", details: { issues: [{ path }] } });
    expect(ports.starts).toEqual([]);
  });

  test("refuses environment variables that are ours, too many or too long", async () => {
    const { call } = open();
    const env = { AGENTDISPATCH_TASK_ID: "x", "A-B": "x", B: "x\u0000" };
    const spawn = (variables: Record<string, string>) =>
      call("spawn_cloud_agent", { instruction: "x", environment_variables: variables });
    expect(pathsOf(problemOf(await spawn(env)))).toEqual([
      "environment_variables.AGENTDISPATCH_TASK_ID",
      "environment_variables.A-B",
      "environment_variables.B",
    ]);
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`V${i}`, "x"]));
    expect(problemOf(await spawn(many)).message).toContain("at most 50 fit");
    expect(problemOf(await spawn({ LONG: "x".repeat(33_000) })).message).toContain("at most 32768 fit");
  });
});
