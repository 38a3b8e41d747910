import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findMarked } from "../../worker/processes/processes.ts";
import { startBedrock } from "../emulators/models/bedrock.ts";
import { startOpenAi } from "../emulators/models/openai.ts";
import { startOpenAiChat } from "../emulators/models/openai-chat.ts";
import { scripted } from "../emulators/models/script.ts";
import { startWorker, temporaryFolder } from "./start-worker.ts";

const KEY = "AKIAEXAMPLE";
const MODEL = "global.anthropic.claude-sonnet-5";

/** A worker whose sessions have credentials for an emulated Bedrock, with a workspace of its own. */
async function startOnBedrock(env: Record<string, string> = {}) {
  const bedrock = await startBedrock(KEY);
  const workspace = temporaryFolder();
  const worker = await startWorker({
    AWS_REGION: "us-west-2",
    AWS_ACCESS_KEY_ID: KEY,
    AWS_SECRET_ACCESS_KEY: "secret-of-the-model",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
    AGENTDISPATCH_WORKSPACE: workspace,
    ...env,
  });
  return {
    bedrock,
    worker,
    workspace,
    run: (instruction: string, input: object = {}, fields: Record<string, unknown> = {}) =>
      worker.agent({ instruction, framework: "strands", model: MODEL, ...input }, fields),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await bedrock[Symbol.asyncDispose]();
    },
  };
}
type OnBedrock = Awaited<ReturnType<typeof startOnBedrock>>;

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

  test("turns and tokens that are used up", async () => {
    await using on = await startOnBedrock();
    const loop = scripted("go on", { run: "echo 1" }, { run: "echo 2" }, { run: "echo 3" }, { say: "done" });
    const turns = await on.run(loop, { runtime_tools: { maxTurns: 2 } });
    expect(turns.reply).toMatchObject({ status: "failed", error: { code: "task.budget" } });
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
    await using worker = await startWorker({ OPENAI_API_KEY: "sk-test", AGENTDISPATCH_WORKSPACE: temporaryFolder() });
    const model = { provider: "openai", id: "local-model", baseUrl: `${server.url}/v1`, api };
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
