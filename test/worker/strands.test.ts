import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { findMarked } from "../../worker/processes/processes.ts";
import { startAgentCoreTools } from "../emulators/agentcore-tools.ts";
import { startOpenAi } from "../emulators/models/openai.ts";
import { startOpenAiChat } from "../emulators/models/openai-chat.ts";
import { scripted } from "../emulators/models/script.ts";
import { listen } from "../emulators/requests/listen.ts";
import { MODEL, type OnBedrock, startOnBedrock } from "./on-bedrock.ts";
import { fixture, startWorker, temporaryFolder } from "./start-worker.ts";

/** What the model was last shown of its tools' answers. */
const lastResults = ({ bedrock }: OnBedrock): string => {
  const messages = bedrock.requests.at(-1)?.body.messages as { content: { toolResult?: unknown }[] }[];
  return JSON.stringify(messages.at(-1)?.content.flatMap(({ toolResult }) => toolResult ?? []));
};

describe("an agent on Bedrock", () => {
  test("uses tools in its workspace, and answers with what came of it and what it took", async () => {
    await using on = await startOnBedrock();
    const file = join(on.workspace, "notes/hello.txt");
    const { reply, events } = await on.run(
      scripted(
        "write a file",
        { tool: "files", input: { command: "create", path: file, file_text: "hello\n" } },
        { run: "tr a-z A-Z < notes/hello.txt > shout.txt; cat shout.txt" },
        { say: "It is written.\nSTATUS: done", usage: { input: 10, output: 5, cached: 90 } },
      ),
    );
    expect(reply).toMatchObject({ status: "succeeded", result: { output: "It is written.", outcome: "done" } });
    expect(readFileSync(file, "utf8")).toBe("hello\n");
    expect(readFileSync(join(on.workspace, "shout.txt"), "utf8")).toBe("HELLO\n");
    expect(reply.usage).toMatchObject({ inputTokens: 300, outputTokens: 45, cachedTokens: 90, turns: 3, model: MODEL });
    const kinds = events.map(({ type }) => type).filter((type) => /tool/.test(type));
    expect(kinds).toEqual(["agent.tool_call", "agent.tool_result", "agent.tool_call", "agent.tool_result"]);
    expect(events.find(({ type }) => type === "agent.message")?.message).toContain("It is written.");
  });

  test("keeps to its workspace with files, whichever link leads elsewhere", async () => {
    await using on = await startOnBedrock();
    const outside = temporaryFolder();
    writeFileSync(join(outside, "secret.txt"), "not for you");
    mkdirSync(join(on.workspace, "sub"));
    symlinkSync(outside, join(on.workspace, "sub/link"));
    symlinkSync(join(outside, "not-yet.txt"), join(on.workspace, "dangling"));
    const view = (path: string) => ({ tool: "files", input: { command: "view", path } });
    const { reply, events } = await on.run(
      scripted(
        "look around",
        view(join(outside, "secret.txt")),
        view(join(on.workspace, "sub/link/secret.txt")),
        { tool: "files", input: { command: "create", path: join(on.workspace, "sub/link/new/x"), file_text: "x" } },
        { tool: "files", input: { command: "str_replace", path: join(on.workspace, "dangling"), old_str: "a" } },
        { say: "no" },
      ),
      { runtime_tools: { enabled: ["files"] } },
    );
    expect(reply.status).toBe("succeeded");
    const results = events.filter(({ type }) => type === "agent.tool_result");
    expect(results).toHaveLength(4);
    for (const { payload } of results) expect(payload).toMatchObject({ isError: true });
    expect(JSON.stringify(on.bedrock.requests)).not.toContain("not for you");
  });

  test("asks addresses of the web, and none by which the machine gives out its credentials", async () => {
    await using on = await startOnBedrock();
    const seen: string[] = [];
    const site = await listen(
      createServer((request, response) => {
        seen.push(`${request.method} ${request.url} ${request.headers["x-key"] ?? ""}`.trim());
        const to = { "/moved": "/page", "/out": "http://169.254.169.254/latest/meta-data/" }[request.url ?? ""];
        if (to !== undefined) response.writeHead(302, { location: to }).end();
        else response.end(request.url === "/long" ? "x".repeat(150_000) : "here it is");
      }),
    );
    const ask = (url: string, more: object = {}) => ({ tool: "http", input: { url, ...more } });
    const { events } = await on.run(
      scripted(
        "ask",
        ask(`${site.endpoint}/moved`, { headers: { "x-key": "1" } }),
        ask(`${site.endpoint}/long`),
        ask(`${site.endpoint}/out`),
        ask("http://[::ffff:169.254.169.254]/"),
        ask("file:///etc/passwd"),
        { say: "ok" },
      ),
      { runtime_tools: { enabled: ["http"] } },
    );
    await site.close();
    const results = events.filter(({ type }) => type === "agent.tool_result").map(({ payload }) => payload);
    expect(results.map((payload) => payload?.isError)).toEqual([false, false, true, true, true]);
    expect(JSON.stringify(results[0])).toContain("here it is");
    expect(JSON.stringify(on.bedrock.requests[2]?.body)).toContain("truncated");
    expect(JSON.stringify(results.slice(2, 4))).toMatch(/machine's own services.*machine's own services/);
    expect(seen).toEqual(["GET /moved 1", "GET /page 1", "GET /long", "GET /out"]);
  });

  test("shows programs nothing of its own credentials", async () => {
    await using on = await startOnBedrock({ OPENAI_API_KEY: "secret-of-openai" });
    await on.run(scripted("look", { run: "env | sort" }, { say: "ok" }));
    const shown = lastResults(on);
    expect(shown).toContain("AGENTDISPATCH_TASK_ID");
    expect(shown).not.toContain("secret-of");
  });

  test("may answer with JSON that fits a schema", async () => {
    await using on = await startOnBedrock();
    const jsonSchema = { type: "object", properties: { count: { type: "integer" } }, required: ["count"] };
    const answer = { tool: "strands_structured_output", input: { count: 3 } };
    const { reply } = await on.run(scripted("count", answer, { say: "three" }), { runtime_tools: { jsonSchema } });
    expect(reply).toMatchObject({ status: "succeeded", result: { result: { count: 3 }, outcome: null } });
  });

  test("waits for a model that is busy for a moment", async () => {
    await using on = await startOnBedrock();
    let refusals = 0;
    on.bedrock.intercept = () => (refusals++ < 2 ? { fail: 429, message: "Too many requests" } : undefined);
    const { reply } = await on.run(scripted("x", { say: "in the end" }));
    expect(reply).toMatchObject({ status: "succeeded", result: { output: "in the end" } });
  });
});

describe("what fails is told apart", () => {
  test.each([
    [403, "You don't have access to the model with the specified model ID.", "task.model_unavailable"],
    [404, "Model use case details have not been submitted for this account.", "task.model_unavailable"],
    [400, "The provided model identifier is invalid.", "task.model_unavailable"],
    [403, "ExpiredTokenException: The security token included in the request is expired", "task.auth"],
    [429, "Too many tokens per day, please wait before trying again.", "task.usage_limit"],
    [400, "ServiceQuotaExceededException: no more", "task.usage_limit"],
    [400, "The text field in the ContentBlock is blank.", "task.agent_error"],
  ])("%i %s", async (fail, message, code) => {
    await using on = await startOnBedrock();
    const { reply } = await on.run(scripted("x", { fail, message }));
    const said = message.replace(/^\w+Exception: /, "");
    expect(reply).toMatchObject({ status: "failed", error: { code, message: expect.stringContaining(said) } });
    if (code === "task.model_unavailable") expect(reply.error?.hint).toContain("cloud.models");
    // None of these gets better within seconds.
    expect(on.bedrock.requests.length).toBeLessThanOrEqual(2);
  });

  test("credentials that are not there, and a key that is not known", async () => {
    await using without = await startOnBedrock({
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      HOME: "/nonexistent",
    });
    expect((await without.run("x")).reply.error).toMatchObject({ code: "task.auth" });
    await using unknown = await startOnBedrock({ AWS_ACCESS_KEY_ID: "AKIAOTHER" });
    expect((await unknown.run("x")).reply.error).toMatchObject({ code: "task.auth" });
  });

  const usage = { input: 100, output: 50 };
  test.each([
    ["turns", { runtime_tools: { maxTurns: 2 } }, {}],
    ["tokens", {}, { limits: { maxTokens: 200 } }],
  ])("%s that are used up", async (_, input, fields) => {
    await using on = await startOnBedrock();
    const commands = ["echo 1", "echo 2", "echo 3"].map((run) => ({ run, usage }));
    const { reply } = await on.run(scripted("go on", ...commands, { say: "done" }), input, fields);
    expect(reply).toMatchObject({ status: "failed", error: { code: "task.budget" }, usage: { inputTokens: 200 } });
    expect(on.bedrock.requests).toHaveLength(2);
  });

  test.each([
    [{ model: undefined }, "task.model_unavailable", "no model is named"],
    [{ model: { id: "m", temperature: 1 } }, "input.invalid", "temperature"],
    [{ runtime_tools: { enabled: ["telepathy"] } }, "input.invalid", "runtime_tools.enabled"],
    [{ runtime_tools: { enabled: ["code-interpreter"] } }, "input.invalid", "only where the backend is AgentCore"],
    [{ runtime_tools: { jsonSchema: { type: "no-such" } } }, "input.invalid", "jsonSchema"],
  ])("a setting that it does not know: %j", async (input, code, message) => {
    await using on = await startOnBedrock();
    const { reply } = await on.run("x", input);
    expect(reply.error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(on.bedrock.requests).toEqual([]);
  });
});

describe("an OpenAI-compatible endpoint", () => {
  test.each([
    ["chat", startOpenAiChat],
    ["responses", startOpenAi],
  ] as const)("is asked by %s, with the key of the environment", async (api, start) => {
    await using server = await start("sk-test");
    await using worker = await startWorker({
      OPENAI_API_KEY: "sk-test",
      OPENAI_BASE_URL: `${server.url}/v1`,
      AGENTDISPATCH_WORKSPACE: temporaryFolder(),
    });
    const model = { provider: "openai", id: "local-model", api };
    const instruction = scripted(
      "x",
      { tool: "shell", input: { command: "echo from the shell" } },
      { say: "ok", usage: { input: 100, output: 5, cached: 40 } },
    );
    const { reply } = await worker.agent({ instruction, framework: "strands", model });
    expect(reply).toMatchObject({ status: "succeeded", result: { output: "ok" } });
    expect(reply.usage).toMatchObject({ inputTokens: 200, outputTokens: 25, cachedTokens: 40, model: "local-model" });
    expect(JSON.stringify(server.requests.at(-1)?.body)).toContain("from the shell");
  });

  test("is chosen by no task, whose caller would get the key", async () => {
    await using server = await startOpenAiChat("sk-test");
    await using theirs = await startOpenAiChat("sk-test");
    const ask = async (model: object, env: Record<string, string> = {}) => {
      await using worker = await startWorker({ OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: server.url });
      const input = { instruction: "x", framework: "strands", model: { provider: "openai", id: "m", ...model } };
      return (await worker.agent(input, { env })).reply.error;
    };
    expect(await ask({ baseUrl: theirs.url })).toMatchObject({
      code: "input.invalid",
      message: expect.stringContaining("baseUrl"),
    });
    expect(await ask({}, { OPENAI_BASE_URL: theirs.url })).toMatchObject({
      code: "input.invalid",
      message: expect.stringContaining("environment_variables.OPENAI_BASE_URL"),
    });
    expect(theirs.requests).toEqual([]);
  });

  test("with another key, a limit of the account, or an unknown model says so", async () => {
    await using server = await startOpenAiChat("sk-test");
    const ask = async (key: string, step: Parameters<typeof scripted>[1]) => {
      await using worker = await startWorker({ OPENAI_API_KEY: key, OPENAI_BASE_URL: server.url });
      const model = { provider: "openai", id: "m" };
      return (await worker.agent({ instruction: scripted("x", step), framework: "strands", model })).reply.error?.code;
    };
    expect(await ask("sk-other", { say: "ok" })).toBe("task.auth");
    expect(await ask("sk-test", { limit: { resetsAt: 0 } })).toBe("task.usage_limit");
    expect(await ask("sk-test", { fail: 404, message: "The model does not exist" })).toBe("task.model_unavailable");
  });
});

test("an agent that a signal from outside stopped has not succeeded", async () => {
  await using on = await startOnBedrock();
  const { reply } = await on.run(scripted("x", { run: "kill -TERM $PPID; sleep 60" }, { say: "never" }));
  expect(reply).toMatchObject({
    status: "failed",
    error: { code: "task.agent_error", message: expect.stringContaining("a signal") },
  });
});

test.each(["malformed_model_output", "pause_turn"])(
  "a model that stopped for a reason that is no answer (%s) has not succeeded",
  async (reason) => {
    await using on = await startOnBedrock();
    const { reply } = await on.run(scripted("x", { say: "half of", reason }));
    expect(reply).toMatchObject({
      status: "failed",
      result: { output: "half of" },
      error: { code: "task.agent_error" },
    });
  },
);

test("a budget that is spent ends it, with what it had", async () => {
  await using on = await startOnBedrock();
  const dear = { input: 1_000_000, output: 100_000 };
  const { reply } = await on.run(
    scripted("go on", { run: "echo kept > kept.txt", usage: dear }, { run: "sleep 600" }, { say: "never" }),
    {},
    { limits: { maxBudgetUsd: 1 } },
  );
  expect(reply).toMatchObject({ status: "failed", error: { code: "task.budget" } });
  expect(reply.usage?.costUsd).toBeGreaterThan(1);
});

test("the second turn of a conversation has the first as its context, on another machine too", async () => {
  const conversation = { id: `conv_${"a".repeat(32)}` };
  let kept: Buffer = Buffer.alloc(0);
  await using store = await storeOfOne(
    () => kept,
    (body) => (kept = body),
  );
  const first = await (async () => {
    await using on = await startOnBedrock();
    const { reply } = await on.run(scripted("my name is Ada", { say: "noted" }), {}, { conversation });
    const state = reply.artifacts?.find((artifact) => artifact.private);
    const targets = [{ id: state?.id, url: store.url, headers: {} }];
    const upload = () => on.worker.call("upload", { taskId: on.worker.taskId, targets });
    await expect.poll(upload).toMatchObject({ artifacts: [{ state: "stored" }] });
    return { session: reply.session, state };
  })();
  expect(first.session).toMatchObject({ framework: "strands" });

  await using on = await startOnBedrock();
  const { sizeBytes, sha256 } = first.state ?? {};
  const state = { url: store.url, headers: {}, sizeBytes, sha256 };
  const { reply } = await on.run(
    scripted("what is my name?", { say: "Ada" }),
    {},
    {
      conversation: { ...conversation, session: first.session, state },
    },
  );
  expect(reply).toMatchObject({ status: "succeeded", result: { output: "Ada" }, session: first.session });
  expect(reply.usage).toMatchObject({ turns: 1 });
  const { messages } = on.bedrock.requests[0]?.body ?? {};
  expect(messages).toMatchObject([{ role: "user" }, { role: "assistant" }, { role: "user" }]);
  expect(JSON.stringify(messages)).toContain("my name is Ada");
});

test("tools of an MCP server are there by its name, and the server ends with the task", async () => {
  await using on = await startOnBedrock();
  const server = fixture("mcp-server.mjs");
  const { reply } = await on.run(scripted("add", { tool: "lab_add", input: { a: 2, b: 3 } }, { say: "five" }), {
    runtime_tools: { enabled: [], mcpServers: { lab: { command: process.execPath, args: [server] } } },
  });
  expect(reply).toMatchObject({ status: "succeeded" });
  expect(lastResults(on)).toContain("the sum is 5");
  expect(await findMarked("AGENTDISPATCH_TASK_ID", on.worker.taskId)).toEqual([]);
  await using other = await startOnBedrock();
  const gone = { lab: { command: "/no/such/server" } };
  const { reply: failed } = await other.run("x", { runtime_tools: { mcpServers: gone } });
  expect(failed.error).toMatchObject({ code: "task.agent_error", message: expect.stringContaining("MCP server lab") });
});

describe("where the backend is AgentCore", () => {
  test("code runs in its interpreter, whose session is stopped with the task", async () => {
    await using tools = await startAgentCoreTools();
    await using on = await startOnBedrock(onAgentCore(tools.url));
    const { reply } = await on.run(
      scripted("compute", { tool: "executeCode", input: { code: "print(6*7)", language: "python" } }, { say: "42" }),
      { runtime_tools: { enabled: ["code-interpreter"] } },
    );
    expect(reply).toMatchObject({ status: "succeeded", result: { output: "42" } });
    expect(lastResults(on)).toContain("ran: print(6*7)");
    expect(tools.started).toEqual(["code-interpreters"]);
    expect([...tools.running]).toEqual([]);
  });

  test("a session is stopped also where the task is cancelled, and lives no longer than it", async () => {
    await using tools = await startAgentCoreTools();
    await using on = await startOnBedrock(onAgentCore(tools.url));
    const { worker } = on;
    const code = { tool: "executeCode", input: { code: "1", language: "python" } };
    await worker.start({
      taskType: "agent.run",
      limits: { timeoutSeconds: 500 },
      input: {
        instruction: scripted("x", code, { hang: true }),
        framework: "strands",
        model: MODEL,
        runtime_tools: { enabled: ["code-interpreter"] },
      },
    });
    await worker.pollUntil((_, events) => events.some(({ type }) => type === "agent.tool_result"));
    expect([...tools.running.values()]).toEqual([501]);
    await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 10 });
    expect((await worker.finish()).reply).toMatchObject({ status: "cancelled" });
    expect([...tools.running]).toEqual([]);
  });

  test("the browser's session is stopped, although nothing could be reached by it", async () => {
    await using tools = await startAgentCoreTools();
    await using on = await startOnBedrock(onAgentCore(tools.url));
    const { reply, events } = await on.run(
      scripted("look", { tool: "navigate", input: { url: "https://example.com" } }, { say: "no" }),
      { runtime_tools: { enabled: ["browser"] } },
    );
    expect(reply).toMatchObject({ status: "succeeded" });
    expect(events.find(({ type }) => type === "agent.tool_result")?.payload?.output).toContain("false");
    expect(tools.started).toEqual(["browsers"]);
    expect([...tools.running]).toEqual([]);
  });
});

/** What the image says of itself, and where the emulated service is. */
const onAgentCore = (url: string) => ({
  AGENTDISPATCH_PLATFORM: "aws-agentcore",
  AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: url,
});

/** Takes one file, and gives it back. */
async function storeOfOne(get: () => Buffer, put: (body: Buffer) => void) {
  const server = createServer(async (request, response) => {
    if (request.method === "PUT") put(await buffer(request));
    response.end(request.method === "GET" ? get() : undefined);
  });
  const { endpoint, close } = await listen(server);
  return { url: endpoint, [Symbol.asyncDispose]: close };
}

test("a task that is cancelled in mid-turn leaves nothing running", async () => {
  await using on = await startOnBedrock();
  const { worker } = on;
  const instruction = scripted("x", { run: "setsid sh -c 'sleep 600' & echo started; sleep 600" }, { say: "never" });
  await worker.start({ taskType: "agent.run", input: { instruction, framework: "strands", model: MODEL } });
  await worker.pollUntil((_, events) => events.some(({ type }) => type === "agent.tool_call"));
  expect((await findMarked("AGENTDISPATCH_TASK_ID", worker.taskId)).length).toBeGreaterThan(0);
  await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 5 });
  expect((await worker.finish()).reply).toMatchObject({ status: "cancelled" });
  expect(await findMarked("AGENTDISPATCH_TASK_ID", worker.taskId)).toEqual([]);
});
