import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { environmentVariables } from "../../../../lib/contract/execution-environment.ts";
import { allowedText, type InputRequests } from "../../../../lib/contract/input-requests.ts";
import type { Json } from "../../../../lib/contract/task.ts";
import { processesWith, startWorker, until } from "../../start-worker.ts";
import { replayed, taskFor } from "./replayed.ts";

const session = "2cbd37b9-51df-4aea-9964-e530ea64b13c";
const conversation = { id: `conv_${"a".repeat(32)}` };
const task = taskFor("claude-code");

describe("what claude prints", () => {
  test.concurrent("becomes an answer, events, a readable log, usage and a session", async () => {
    await using claude = await replayed("claude-code", "done");
    const { reply, events, text } = await claude.worker.agent(task(), { conversation });
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { output: "All is made.", outcome: "done", conversation: conversation.id },
      // 3 calls of 100 fresh, 40 cached and 7 newly cached tokens
      usage: { inputTokens: 441, outputTokens: 60, cachedTokens: 120, costUsd: 0.002529, turns: 3 },
      session: { framework: "claude-code", id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    expect(reply.result).not.toHaveProperty("deniedTools");
    expect(text("stdout")).toBe(
      "I look first.\n→ Bash echo hello > made.txt\n→ Write /workspace/notes.md\nAll is made.\n\nSTATUS: done\n",
    );
    const seen = events.filter(({ type }) => type !== "task.log" && type !== "agent.usage");
    expect(seen.map(({ type, message, payload }) => [type, message ?? payload?.name])).toEqual([
      ["agent.message", "I look first."],
      ["agent.tool_call", "Bash"],
      ["task.progress", "turn 1: Bash echo hello > made.txt"],
      ["agent.tool_result", "Bash"],
      ["agent.tool_call", "Write"],
      ["task.progress", "turn 2: Write /workspace/notes.md"],
      ["agent.tool_result", "Write"],
      ["agent.message", "All is made.\n\nSTATUS: done"],
    ]);
    expect(events.findLast(({ type }) => type === "agent.usage")?.payload).toMatchObject({ turns: 3 });
  });

  test.concurrent("may be several results, of which the last is the answer and each has used its own", async () => {
    await using claude = await replayed("claude-code", "background");
    const { reply } = await claude.worker.agent(task());
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { output: "It runs." },
      usage: { costUsd: 0.002529, inputTokens: 441, turns: 3 },
    });
  });

  test.concurrent("is a failure where nothing could be done for want of permission, with the setting that gives it", async () => {
    await using claude = await replayed("claude-code", "denied");
    const { reply } = await claude.worker.agent(task());
    expect(reply).toMatchObject({
      status: "failed",
      error: { code: "task.permission", details: { deniedTools: ["Write"] } },
      result: { outcome: "needs_input", needs: "permission to write", deniedTools: ["Write"] },
    });
    expect(reply.error?.hint).toContain("runtimeTools.allowedTools");
  });

  test.concurrent("names denied tools on a success too", async () => {
    await using claude = await replayed("claude-code", "partly-denied");
    const { reply } = await claude.worker.agent(task());
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { outcome: "partial", deniedTools: ["Bash"], hint: expect.stringContaining("permissionMode") },
    });
  });

  test.concurrent("may be JSON, which is checked", async () => {
    const jsonSchema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    await using claude = await replayed("claude-code", "json");
    const { reply } = await claude.worker.agent(task({ jsonSchema }));
    expect(reply).toMatchObject({ status: "succeeded", result: { result: { n: 3 }, outcome: null } });
    expect(claude.seen().args).toContain(`--json-schema=${JSON.stringify(jsonSchema)}`);
    expect(claude.seen().stdin).not.toContain("STATUS");

    await using other = await replayed("claude-code", "json");
    const wrong = await other.worker.agent(task({ jsonSchema: { ...jsonSchema, required: ["m"] } }));
    expect(wrong.reply).toMatchObject({ status: "failed", error: { code: "task.agent_error" } });
    expect(wrong.reply.error?.message).toContain('"m"');
  });

  test.concurrent("is no success without the JSON that was asked for, whatever its exit code", async () => {
    await using claude = await replayed("claude-code", "json-absent");
    const { reply } = await claude.worker.agent(task({ jsonSchema: { type: "object" } }));
    expect(reply).toMatchObject({ status: "failed", error: { code: "task.agent_error" } });
    expect(reply.error?.message).toContain("I would rather not.");
  });

  test.concurrent("says that a server of the configuration did not start", async () => {
    await using claude = await replayed("claude-code", "mcp-failed");
    const { reply, text } = await claude.worker.agent(task());
    expect(reply.status).toBe("succeeded");
    expect(text()).toContain("the MCP server lab did not start");
  });

  test.concurrent.each([
    ["max-turns", "task.budget", "maxTurns", { output: "First." }],
    ["budget", "task.budget", "maxBudgetUsd", { output: "First." }],
    ["not-logged-in", "task.auth", "ANTHROPIC_API_KEY", undefined],
    ["bad-key", "task.auth", "ANTHROPIC_API_KEY", undefined],
    ["no-model", "task.model_unavailable", "model", undefined],
    ["billing", "task.usage_limit", "credit", undefined],
    ["usage-limit", "task.usage_limit", "2026-11-30T00:53:20.000Z", undefined],
    ["rate-limit", "task.agent_error", "later", undefined],
    ["overloaded", "task.agent_error", "later", undefined],
    ["connection-refused", "task.agent_error", "later", undefined],
    ["prompt-too-long", "task.agent_error", "divide the task", undefined],
    ["unknown-session", "task.agent_error", "without its conversation", undefined],
  ])("tells failures apart: %s is %s", async (recording, code, hint, result) => {
    // A key, so that nothing looks like a container that has the models by its role
    await using claude = await replayed("claude-code", recording, { ANTHROPIC_API_KEY: "k" });
    const { reply } = await claude.worker.agent(task(), { limits: { maxBudgetUsd: 0.0005 } });
    expect(reply).toMatchObject({ status: "failed", error: { code, hint: expect.stringContaining(hint) } });
    if (result) expect(reply.result).toMatchObject(result);
    else expect(reply.result).toBeUndefined();
  });

  test.concurrent("of a model that refuses to go on says what that said, and why the run ended", async () => {
    await using claude = await replayed("claude-code", "refusal");
    const { reply } = await claude.worker.agent(task());
    expect(reply).toMatchObject({
      status: "failed",
      error: {
        code: "task.agent_error",
        message: expect.stringContaining("declined to answer"),
        details: { reason: "api_error" },
      },
    });
    expect(reply.result).toBeUndefined();
  });

  test.concurrent.each([
    ["expired", "task.auth", "aws sso login"],
    ["unknown", "task.auth", "aws sso login"],
    ["signature", "task.auth", "aws sso login"],
    ["no-access", "task.model_unavailable", "inference profile"],
    ["not-allowed", "task.model_unavailable", "inference profile"],
  ])(
    "tells a caller that Bedrock does not know from a model that it may not use: %s is %s",
    async (recording, code, hint) => {
      const env = { CLAUDE_CODE_USE_BEDROCK: "1", AWS_REGION: "eu-central-1" };
      await using claude = await replayed("claude-code", `bedrock-${recording}`, env);
      const { reply } = await claude.worker.agent(task());
      expect(reply).toMatchObject({ status: "failed", error: { code, hint: expect.stringContaining(hint) } });
    },
  );

  test.concurrent("is a failure where the result is missing", async () => {
    await using claude = await replayed("claude-code", "cut");
    const { reply, text } = await claude.worker.agent(task());
    expect(reply).toMatchObject({ status: "failed", error: { code: "task.agent_error" } });
    expect(reply.result).toMatchObject({ output: "I look first." });
    // What is no JSON, and the lines of other versions
    expect(text()).toContain("something else\n");
  });
});

describe("claude is given", () => {
  test.concurrent("its prompt on stdin, which ends, with the protocol; no value is a word of its own", async () => {
    await using claude = await replayed("claude-code", "done");
    const runtimeTools = {
      enabled: ["Bash", "Read"],
      permissionMode: "plan",
      allowedTools: ["Bash(npm *)", "--dangerously-skip-permissions"],
      deniedTools: ["WebFetch"],
      systemPrompt: "--danger",
      maxTurns: 7,
      mcpServers: {
        lab: { command: "lab", args: ["-x"], env: { TOKEN: "secret" } },
        web: { url: "https://example.com/mcp" },
      },
    };
    const limits = { maxBudgetUsd: 2, maxTokens: 100_000 };
    await claude.worker.agent({ ...task(runtimeTools), model: "--model" }, { prompt: "x".repeat(300_000), limits });
    const { args, stdin } = claude.seen();
    expect(stdin.startsWith("x".repeat(300_000))).toBe(true);
    const artifacts = claude.seen().env[environmentVariables.artifactsDir];
    const rest = stdin.slice(300_000);
    expect(rest).toMatch(/^\n\n## Files\n[\s\S]*## How to work and how to end[\s\S]*STATUS: needs_input/);
    expect(rest).toContain(`in ${artifacts} are brought home`);
    expect(args).toContain(`--add-dir=${artifacts}`);
    expect(args.filter((arg) => !/=|^-p$|^--(verbose|strict-mcp-config|include-partial-messages)$/.test(arg))).toEqual(
      [],
    );
    expect(args).toEqual(
      expect.arrayContaining([
        "--setting-sources=",
        "--strict-mcp-config",
        "--permission-prompts=none",
        "--permission-mode=plan",
        "--model=--model",
        "--max-turns=7",
        "--max-budget-usd=2",
        "--tools=Bash,Read",
      ]),
    );
    expect(args.join(" ")).not.toContain("secret");
  });

  test.concurrent("files for what is long or secret, which are gone afterwards", async () => {
    await using claude = await replayed("claude-code", "interrupted");
    const runtimeTools = {
      allowedTools: ["Bash(npm *)"],
      deniedTools: [],
      systemPrompt: "Be brief.",
      mcpServers: { lab: { command: "lab", env: { TOKEN: "secret" } } },
    };
    await claude.worker.start({ taskType: "agent.run", input: task(runtimeTools) });
    await claude.worker.pollUntil((_reply, events) => events.some(({ type }) => type === "agent.tool_call"));
    const { args } = claude.seen();
    const fileOf = (flag: string) => args.find((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1) ?? "";
    const json = (flag: string) => JSON.parse(readFileSync(fileOf(flag), "utf8")) as unknown;
    expect(json("--settings")).toEqual({ permissions: { allow: ["Bash(npm *)"], deny: [] } });
    expect(json("--mcp-config")).toEqual({
      mcpServers: { lab: { type: "stdio", command: "lab", env: { TOKEN: "secret" } } },
    });
    expect(readFileSync(fileOf("--append-system-prompt-file"), "utf8")).toBe("Be brief.");
    expect(statSync(fileOf("--mcp-config")).mode & 0o777).toBe(0o600);
    await claude.worker.call("cancel", { taskId: claude.worker.taskId, graceSeconds: 5 });
    await claude.worker.finish();
    expect(existsSync(dirname(fileOf("--mcp-config")))).toBe(false);
  });

  test.concurrent("the tools of its configured servers, unless others or none are allowed", async () => {
    const mcpServers = { lab: { command: "lab" } };
    const settingsOf = async (runtimeTools: Record<string, unknown>) => {
      await using claude = await replayed("claude-code", "done");
      await claude.worker.agent(task(runtimeTools));
      return claude.seen().args.some((arg) => arg.startsWith("--settings="));
    };
    expect(await settingsOf({ mcpServers })).toBe(true);
    expect(await settingsOf({ mcpServers, allowedTools: [] })).toBe(false);
  });

  test.concurrent("the server by which it may dispatch, whatever else is allowed, and whatever a call names so", async () => {
    await using claude = await replayed("claude-code", "interrupted");
    const dispatching = { command: "bridge", args: ["--x"], env: { AGENTDISPATCH_TASK_TOKEN: "adt_secret" } };
    const runtimeTools = { allowedTools: ["Read"], mcpServers: { "agent-dispatch": { command: "evil" } } };
    await claude.worker.start({ taskType: "agent.run", input: task(runtimeTools), dispatching });
    await claude.worker.pollUntil((_reply, events) => events.some(({ type }) => type === "agent.tool_call"));
    const { args } = claude.seen();
    const json = (flag: string) => {
      const arg = args.find((one) => one.startsWith(`${flag}=`)) ?? "";
      return JSON.parse(readFileSync(arg.slice(flag.length + 1), "utf8")) as unknown;
    };
    expect(json("--settings")).toEqual({ permissions: { allow: ["Read", "mcp__agent-dispatch"], deny: [] } });
    const env = { ...dispatching.env, [environmentVariables.taskId]: claude.worker.taskId };
    expect(json("--mcp-config")).toEqual({
      mcpServers: { "agent-dispatch": { ...dispatching, type: "stdio", env: expect.objectContaining(env) } },
    });
    expect(args.join(" ")).not.toContain("adt_secret");
    await claude.worker.call("cancel", { taskId: claude.worker.taskId, graceSeconds: 5 });
    await claude.worker.finish();
  });

  test.concurrent("the settings of a workspace only where it is trusted", async () => {
    await using claude = await replayed("claude-code", "done");
    await claude.worker.agent(task(), { trusted: true });
    const { args } = claude.seen();
    expect(args.some((arg) => /^--(setting-sources|strict-mcp-config)/.test(arg))).toBe(false);
    expect(args).toContain("--permission-mode=acceptEdits");
  });

  test.concurrent("an environment by allow-list, with what the configuration and the task give", async () => {
    await using claude = await replayed("claude-code", "done", {
      ANTHROPIC_API_KEY: "k",
      OPENAI_API_KEY: "another's",
      CLAUDECODE: "1",
      SECRET_OF_THE_WORKER: "1",
      MY_TOKEN: "given",
      [environmentVariables.workerGivenNames]: "MY_TOKEN",
      CLAUDE_CODE_MAX_RETRIES: "1",
    });
    await claude.worker.agent(task(), { env: { OWN: "the task's" } });
    const { env } = claude.seen();
    expect(env).toMatchObject({
      ANTHROPIC_API_KEY: "k",
      MY_TOKEN: "given",
      OWN: "the task's",
      [environmentVariables.taskId]: claude.worker.taskId,
      CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
      CLAUDE_CODE_MAX_RETRIES: "1",
    });
    const unwanted = ["OPENAI_API_KEY", "CLAUDECODE", "SECRET_OF_THE_WORKER", "CLAUDE_CODE_USE_BEDROCK"];
    expect(unwanted.filter((name) => name in env)).toEqual([]);
  });

  test.concurrent("the models of the role in a container without a key, and never on a person's machine", async () => {
    await using claude = await replayed("claude-code", "done", { AWS_REGION: "eu-central-1" });
    await claude.worker.agent(task({ permissionMode: "bypassPermissions" }));
    expect(claude.seen().env).toMatchObject({ CLAUDE_CODE_USE_BEDROCK: "1", IS_SANDBOX: "1" });

    const marker = { [environmentVariables.sessionMarker]: "s-1" };
    await using own = await replayed("claude-code", "done", { AWS_REGION: "eu-central-1", ...marker });
    await own.worker.agent(task({ permissionMode: "bypassPermissions" }));
    expect(own.seen().env).not.toHaveProperty("CLAUDE_CODE_USE_BEDROCK");
    expect(own.seen().env).not.toHaveProperty("IS_SANDBOX");
  });

  test.concurrent("the session of the last turn, as a copy, and none of another framework", async () => {
    const goesOn = { conversation: { ...conversation, session: { framework: "claude-code", id: session } } };
    await using claude = await replayed("claude-code", "done");
    const file = join(claude.home, ".claude/projects/-workspace", `${session}.jsonl`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "{}\n");
    await claude.worker.agent(task(), goesOn);
    expect(claude.seen().args).toEqual(expect.arrayContaining([`--resume=${session}`, "--fork-session"]));

    await using elsewhere = await replayed("claude-code", "done");
    const { text: told } = await elsewhere.worker.agent(task(), goesOn);
    expect(elsewhere.seen().args.join(" ")).not.toContain("--resume");
    expect(told()).toContain("nothing is left of the conversation: the agent begins afresh");

    await using afresh = await replayed("claude-code", "done");
    const { text } = await afresh.worker.agent(task(), {
      conversation: { ...conversation, session: { framework: "codex", id: session } },
    });
    expect(afresh.seen().args.join(" ")).not.toContain("--resume");
    expect(text()).toContain("codex's: claude-code begins afresh");
  });

  test.concurrent.each([
    ["runtime_tools.sandbox", { runtime_tools: { sandbox: true } }],
    ["model.effort", { model: { id: "opus", effort: "high" } }],
    ["runtime_tools.enabled", { runtime_tools: { enabled: ["--x"] } }],
    ["runtime_tools.jsonSchema", { runtime_tools: { jsonSchema: { $ref: "#/nowhere" } } }],
    ["runtime_tools.mcpServers", { runtime_tools: { mcpServers: { "--x": { command: "y" } } } }],
  ])("nothing that it does not know: %s", async (path, input) => {
    await using claude = await replayed("claude-code", "done");
    const { reply } = await claude.worker.agent({ instruction: "x", framework: "claude-code", ...input });
    expect(reply).toMatchObject({ status: "failed", error: { code: "input.invalid" } });
    expect(reply.error?.message).toContain(path.split(".")[1]);
    expect(existsSync(join(claude.home, "saw.json"))).toBe(false);
  });
});

describe("claude is ended", () => {
  const started = async () => {
    const claude = await replayed("claude-code", "interrupted");
    await claude.worker.start({ taskType: "agent.run", input: task(), conversation });
    await claude.worker.pollUntil((_reply, events) => events.some(({ type }) => type === "agent.tool_call"));
    const mark = `${environmentVariables.taskId}=${claude.worker.taskId}`;
    await until(() => processesWith(mark).length === 2);
    return { claude, mark };
  };

  test.concurrent("in mid-turn by a cancel: nothing survives, what it said and used is kept", async () => {
    const { claude, mark } = await started();
    await using _ = claude;
    await claude.worker.call("cancel", { taskId: claude.worker.taskId, graceSeconds: 5 });
    const { reply } = await claude.worker.finish();
    expect(processesWith(mark)).toEqual([]);
    expect(reply).toMatchObject({
      status: "cancelled",
      result: { output: "I build it first." },
      usage: { costUsd: 0.000843 },
      session: { framework: "claude-code", id: session },
    });
  });

  test.concurrent("by its deadline, with how to go on", async () => {
    await using claude = await replayed("claude-code", "interrupted");
    const { reply } = await claude.worker.agent({ ...task(), timeoutSeconds: 8 }, { conversation });
    expect(processesWith(`${environmentVariables.taskId}=${claude.worker.taskId}`)).toEqual([]);
    expect(reply).toMatchObject({
      status: "failed",
      error: { code: "task.timeout" },
      result: { output: "I build it first." },
    });
    expect(reply.error?.hint).toContain(conversation.id);
  });

  test.concurrent.each([
    ["something runs in the background", [1, 2, 3, 4, 5, 6, 7]],
    ["what ran there is told to the model", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ["a message that came late began a turn", [1, 2, 5, 6, 7, 11]],
    ["the model says more", [1, 2, 5, 6, 7, 12]],
  ])("by its deadline after a first result, which is no answer yet: %s", async (_name, lines) => {
    await using claude = await replayed("claude-code", "background", {}, lines);
    const { reply } = await claude.worker.agent({ ...task(), timeoutSeconds: 8 });
    expect(reply).toMatchObject({ status: "failed", error: { code: "task.timeout" }, result: { output: "It runs." } });
  });

  test.concurrent("by its deadline after its last result, which is the answer", async () => {
    await using claude = await replayed("claude-code", "background", {}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    const { reply } = await claude.worker.agent({ ...task(), timeoutSeconds: 8 });
    expect(reply).toMatchObject({ status: "succeeded", result: { output: "It runs." } });
  });

  test.concurrent("by its budget of tokens, with what it had", async () => {
    await using claude = await replayed("claude-code", "interrupted");
    const { reply } = await claude.worker.agent(task(), { limits: { maxTokens: 100 } });
    expect(processesWith(`${environmentVariables.taskId}=${claude.worker.taskId}`)).toEqual([]);
    expect(reply).toMatchObject({
      status: "failed",
      error: { code: "task.budget", details: { maxTokens: 100 } },
      result: { output: "I build it first.", usage: { costUsd: 0.000843 } },
    });
  });
});

test("a program that is not installed is named, with how to install it", async () => {
  await using claude = await replayed("claude-code", "done");
  expect((await claude.worker.hello()).frameworks).toContain("claude-code");
  await using worker = await startWorker();
  expect((await worker.hello()).frameworks).not.toContain("claude-code");
  const { reply } = await worker.agent(task());
  expect(reply).toMatchObject({ status: "failed", error: { code: "task.framework_missing" } });
  expect(reply.error?.hint).toContain("npm install -g @anthropic-ai/claude-code");
});

test("a session is one file, which another machine can be given", async () => {
  const { claudeCode } = await import("../../../../worker/frameworks/programs/claude-code/claude-code.ts");
  const { temporaryFolder } = await import("../../start-worker.ts");
  const [here, there] = [temporaryFolder(), temporaryFolder()];
  const run = (home: string) => ({ env: { HOME: home } }) as never;
  const file = join(here, ".claude/projects/-workspace", `${session}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "{}\n");
  const files = await claudeCode.sessionFiles(run(here), session);
  expect(files).toEqual([{ path: file, name: `${session}.jsonl` }]);
  await claudeCode.restore(run(there), session, files);
  expect(readdirSync(join(there, ".claude/projects"), { recursive: true })).toContain(
    `-agentdispatch/${session}.jsonl`,
  );
  expect(await claudeCode.sessionFiles(run(here), "../../x")).toEqual([]);
});

describe("claude that may ask", () => {
  const start = async () => {
    const claude = await replayed("claude-code", "asks");
    const { worker } = claude;
    await worker.start({ taskType: "agent.run", input: task({ questions: "ask" }) });
    const asked = async (key: string) => {
      const { reply } = await worker.pollUntil(({ inputRequests = {} }) => key in inputRequests);
      return reply.inputRequests as InputRequests;
    };
    const answer = (inputResponses: Json) => worker.call("input", { taskId: worker.taskId, inputResponses });
    const heard = () =>
      claude
        .seen()
        .stdin.trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Json);
    return { claude, worker, asked, answer, heard, [Symbol.asyncDispose]: () => claude[Symbol.asyncDispose]() };
  };

  test.concurrent("asks for permission, and what it wants to know, as questions of its task; each is answered once", async () => {
    await using asking = await start();
    const { worker, asked, answer, heard } = asking;
    const { permission } = await asked("permission");
    expect(permission?.params.message).toBe(
      'May claude use Bash with {"command":"echo hello > made.txt","description":"x"}?',
    );
    expect(permission && allowedText(permission)).toBe('one of "allow", "deny"');
    expect(await answer({ permission: "allow" })).toMatchObject({ accepted: true });
    const { question, ...others } = await asked("question");
    expect(question?.params.message).toBe("Which colour?\n- red: as a rose\n- blue\nWhich extras?\n- bow\n- card");
    expect(Object.keys(others)).toEqual(["permission-2"]);
    expect(await answer({ permission: "deny", question: { Colour: "red" } })).toMatchObject({
      error: { code: "input.invalid", message: "responses.question.Extras: is required" },
    });
    expect(await answer({ question: { Colour: "blue", Extras: ["bow", "card"] } })).toMatchObject({ accepted: true });
    const { reply } = await worker.finish();
    expect(reply).toMatchObject({ status: "succeeded", result: { output: "All is made." } });
    const [said, ...told] = heard();
    const prompt = expect.stringMatching(/^do it\n.*reaches whoever dispatched\nyou/s);
    expect(said).toMatchObject({ type: "user", message: { role: "user", content: prompt } });
    const input = expect.objectContaining({ answers: { "Which colour?": "blue", "Which extras?": "bow, card" } });
    expect(told.map(({ response }) => response)).toMatchObject([
      { subtype: "success", request_id: "r1", response: { behavior: "allow", updatedInput: { description: "x" } } },
      { subtype: "success", request_id: "r2", response: { behavior: "allow", updatedInput: input } },
      { subtype: "error", request_id: "r4" },
    ]);
    const { args } = asking.claude.seen();
    expect(args).toContain("--permission-prompt-tool=stdio");
    expect(args).not.toContain("--permission-prompts=none");
  });

  test.concurrent("hears a message within its turn, once, and what is refused as such", async () => {
    await using asking = await start();
    const { worker, asked, answer, heard } = asking;
    await asked("permission");
    const say = () => worker.call("say", { taskId: worker.taskId, id: "1", text: "mind the gap" });
    expect([await say(), await say()]).toEqual([{ heard: "now" }, { heard: "now" }]);
    await answer({ permission: { action: "decline" } });
    await until(() => heard().length > 2);
    expect(heard().slice(1, 3)).toMatchObject([
      { type: "user", message: { content: "mind the gap" } },
      { response: { response: { behavior: "deny", message: "The user does not allow Bash here." } } },
    ]);
  });

  test.concurrent("goes by its defaults where nobody answers in time, and they may stand", async () => {
    await using claude = await replayed("claude-code", "asks");
    const limits = { answerSeconds: 0.2, unanswered: "default" };
    await claude.worker.start({ taskType: "agent.run", input: task({ questions: "ask" }), limits });
    const { reply, text } = await claude.worker.finish();
    expect(reply.status).toBe("succeeded");
    expect(text("stderr") + text("stdout")).toContain("nobody answered within 0.2 s: the default stands");
    expect(claude.seen().stdin).toContain("The user does not allow Bash here.");
  });
});
