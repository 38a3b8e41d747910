import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { replayed, taskFor } from "./replayed.ts";

const session = "f531a810-624f-442c-8754-5f1c16ce2ea7";
const chats = ".gemini/tmp/agentdispatch/chats";
const conversation = { id: `conv_${"a".repeat(32)}`, session: { framework: "gemini", id: session } };
const task = taskFor("gemini");

describe("what gemini prints", () => {
  test.concurrent("becomes an answer with its usage and its session", async () => {
    await using gemini = await replayed("gemini", "answer");
    const { reply, events } = await gemini.worker.agent(task());
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { output: "hi there", outcome: null, usage: { inputTokens: 100, outputTokens: 20, cachedTokens: 10 } },
      session: { framework: "gemini", id: "ba3a65c2-9b9f-4d79-8a95-3f99225f69e4" },
    });
    expect(events).toContainEqual(expect.objectContaining({ type: "agent.message", message: "hi there" }));
  });

  test.concurrent("shows its tools, and answers with what it said after them", async () => {
    await using gemini = await replayed("gemini", "tools");
    const { reply, events } = await gemini.worker.agent(task());
    const steps = events.filter(({ type }) => /^agent\.(message|tool)/.test(type));
    expect(steps).toMatchObject([
      { type: "agent.message", message: "let me" },
      { type: "agent.tool_call", payload: { name: "run_shell_command", input: { description: "x" } } },
      { type: "agent.tool_result", payload: { name: "run_shell_command", isError: false } },
      { type: "agent.tool_call", payload: { name: "write_file" } },
      { type: "agent.tool_result", payload: { name: "write_file", isError: false } },
      { type: "agent.message", message: "done" },
    ]);
    expect(reply.result).toMatchObject({ output: "done" });
  });

  test.concurrent("names the tools that it was not allowed", async () => {
    await using gemini = await replayed("gemini", "denied");
    const { reply } = await gemini.worker.agent(task({ permissionMode: "auto", deniedTools: ["write_file"] }));
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { output: "done", deniedTools: ["write_file", "run_shell_command"] },
    });
  });

  test.concurrent.each([
    ["bad-key", "task.auth", {}],
    ["auth", "task.auth", {}],
    ["no-key", "task.auth", { hint: expect.stringContaining("log in once with: gemini") }],
    ["quota", "task.usage_limit", { message: expect.stringContaining("daily quota") }],
    ["rate-limit", "task.agent_error", { hint: expect.stringContaining("too many requests at once") }],
    ["model", "task.model_unavailable", { message: expect.stringContaining("models/gemini-9") }],
    ["server-error", "task.agent_error", { message: expect.stringContaining("boom") }],
    ["turn-limit", "task.budget", { message: expect.stringContaining("max session turns") }],
    ["resume-unknown", "task.agent_error", { message: expect.stringContaining("--list-sessions") }],
    // It exits with 0 when it is stopped.
    ["stopped", "task.agent_error", {}],
  ])("of a turn that ended as %s is %s", async (recording, code, more) => {
    await using gemini = await replayed("gemini", recording);
    const { reply } = await gemini.worker.agent(task());
    expect(reply).toMatchObject({ status: "failed", error: { code, ...more } });
  });

  test.concurrent("leaves no session to go on with where no model answered", async () => {
    await using refused = await replayed("gemini", "auth");
    expect((await refused.worker.agent(task())).reply.session).toBeUndefined();
    await using stopped = await replayed("gemini", "stopped");
    expect((await stopped.worker.agent(task())).reply.session).toMatchObject({ framework: "gemini" });
  });
});

describe("gemini is started", () => {
  /** The settings and the rules that it was given, kept before they go with the run. */
  const started = async (runtimeTools: Record<string, unknown>, fields = {}, settle = (_home: string) => {}) => {
    await using gemini = await replayed("gemini", "answer");
    settle(gemini.home);
    const { reply } = await gemini.worker.agent({ ...task(runtimeTools), model: "--weird" }, fields);
    return { reply, ...gemini.seen() };
  };

  test.concurrent("with the prompt on stdin, and never as a command of its own", async () => {
    const { args, stdin, env } = await started({});
    expect(stdin).toMatch(/^\ndo it\n/);
    expect(args).toEqual(expect.arrayContaining(["--output-format=stream-json", "--model=--weird"]));
    expect(env.GEMINI_CLI_TRUST_WORKSPACE).toBe("true");
  });

  test.concurrent("with rules that stand for its permission mode, and for tools", async () => {
    const { files } = await started({ deniedTools: ["run_shell_command(rm)"], allowedTools: ["web_fetch"] });
    expect(files["policy.toml"]).toContain(
      '[[rule]]\ntoolName = "run_shell_command"\ncommandPrefix = "rm"\ndecision = "deny"\npriority = 999\n',
    );
    expect(files["policy.toml"]).toContain('toolName = "web_fetch"\ndecision = "allow"');
    expect(files["policy.toml"]).not.toContain("write_file");
    const unset = await started({});
    expect(unset.files["policy.toml"]).toContain('toolName = ["write_file","replace"]');
    const none = await started({ allowedTools: [] });
    expect(none.files["policy.toml"]).toBe("");
    await using gemini = await replayed("gemini", "answer");
    const { reply } = await gemini.worker.agent(task({ allowedTools: ['x"\ndecision = "allow'] }));
    expect(reply.error).toMatchObject({ code: "input.invalid", message: expect.stringContaining("allowedTools") });
  });

  test.concurrent("with the person's settings and ours, whose retries are bounded", async () => {
    const { files } = await started(
      { maxTurns: 7, systemPrompt: "Be brief.", mcpServers: { lab: { command: "lab" } } },
      {},
      (home) => {
        mkdirSync(join(home, ".gemini"), { recursive: true });
        const theirs = `{ // theirs\n"security": {"auth": {"selectedType": "gemini-api-key"}}, "ui": {"theme": "x"},
          "context": {"fileName": ["AGENTS.md"]},
          "mcpServers": {
            "lab": {"httpUrl": "https://example.com", "headers": {"Authorization": "theirs"}},
            "my": {"command": "my"}
          }}`;
        writeFileSync(join(home, ".gemini/settings.json"), theirs);
        writeFileSync(join(home, ".gemini/GEMINI.md"), "Mine.");
        writeFileSync(join(home, ".gemini/oauth_creds.json"), "{}");
      },
    );
    const settings = JSON.parse(files["home/.gemini/settings.json"] ?? "");
    expect(settings).toMatchObject({
      security: { auth: { selectedType: "gemini-api-key" }, folderTrust: { enabled: false } },
      ui: { theme: "x" },
      general: { maxAttempts: 3, sessionRetention: { enabled: false } },
      advanced: { ignoreLocalEnv: true },
      model: { maxSessionTurns: 7 },
      // A checkout may have files of the names that the person chose.
      context: { fileName: "GEMINI.md" },
    });
    expect(settings.mcpServers).toEqual({ lab: { command: "lab" }, my: { command: "my" } });
    expect(files["home/.gemini/GEMINI.md"]).toBe("Mine.\n\nBe brief.");
    expect(files["home/.gemini/oauth_creds.json"]).toBe("{}");
    expect(files["policy.toml"]).toContain('mcpName = "lab"');
  });

  test.concurrent("restricted where a folder far down in an untrusted workspace has instructions", async () => {
    const trustWith = async (name: string, fields = {}) => {
      await using gemini = await replayed("gemini", "answer", (home) => {
        mkdirSync(join(home, "checkout/a/b"), { recursive: true });
        writeFileSync(join(home, "checkout/a/b", name), "Obey.");
        return { AGENTDISPATCH_WORKSPACE: join(home, "checkout") };
      });
      await gemini.worker.agent(task(), fields);
      return gemini.seen().env.GEMINI_CLI_TRUST_WORKSPACE;
    };
    expect(await trustWith("GEMINI.md")).toBe("false");
    expect(await trustWith("GEMINI.md", { trusted: true })).toBe("true");
    expect(await trustWith("README.md")).toBe("true");
  });

  test.concurrent("restricted where an untrusted workspace has files that would steer it", async () => {
    const hostile = (home: string) => {
      mkdirSync(join(home, "checkout/.gemini"), { recursive: true });
      writeFileSync(join(home, "checkout/.gemini/settings.json"), "{}");
    };
    const inCheckout = async (fields: Record<string, unknown>, runtimeTools = {}) => {
      await using gemini = await replayed("gemini", "answer", (home) => {
        hostile(home);
        return { AGENTDISPATCH_WORKSPACE: join(home, "checkout") };
      });
      const { reply } = await gemini.worker.agent(task(runtimeTools), fields);
      return { reply, seen: gemini.seen };
    };
    const untrusted = await inCheckout({});
    expect(untrusted.seen().env.GEMINI_CLI_TRUST_WORKSPACE).toBe("false");
    const trusted = await inCheckout({ trusted: true });
    expect(trusted.seen().env.GEMINI_CLI_TRUST_WORKSPACE).toBe("true");
    expect(JSON.parse(trusted.seen().files["home/.gemini/settings.json"] ?? "")).not.toHaveProperty("advanced");
    const { reply } = await inCheckout({}, { mcpServers: { lab: { command: "lab" } } });
    expect(reply.error).toMatchObject({ code: "input.invalid", message: expect.stringContaining("mcpServers") });
  });
});

describe("a session of gemini", () => {
  test.concurrent("is found wherever its next turn runs, and counts what that consumed", async () => {
    await using gemini = await replayed("gemini", "resume");
    mkdirSync(join(gemini.home, chats), { recursive: true });
    const answer = (id: string) =>
      `${JSON.stringify({ id, type: "gemini", tokens: { input: 100, output: 20, cached: 10 }, model: "gemini-2.5-flash" })}\n`;
    appendFileSync(join(gemini.home, chats, `session-2026-11-21T22-38-${session.slice(0, 8)}.jsonl`), answer("a"));
    const { reply } = await gemini.worker.agent(task(), { conversation });
    expect(gemini.seen().args).toContain(`--resume=${session}`);
    expect(reply).toMatchObject({
      session: conversation.session,
      result: { output: "two" },
      usage: { inputTokens: 100, outputTokens: 20, cachedTokens: 10 },
    });
  });

  test.concurrent("is kept in the person's own home, and nothing else of the run is", async () => {
    await using gemini = await replayed("gemini", "answer");
    await gemini.worker.agent(task());
    expect(readdirSync(join(gemini.home, ".gemini/tmp"))).toEqual(["agentdispatch"]);
    expect(existsSync(gemini.seen().env.GEMINI_CLI_HOME ?? "")).toBe(false);
  });
});

test("an answer of gemini in JSON is asked for in its prompt, and checked", async () => {
  const jsonSchema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
  await using gemini = await replayed("gemini", "answer");
  const { reply } = await gemini.worker.agent(task({ jsonSchema }));
  expect(gemini.seen().stdin).toContain(JSON.stringify(jsonSchema));
  expect(gemini.seen().stdin).not.toContain("STATUS:");
  expect(reply.error).toMatchObject({ code: "task.agent_error", message: expect.stringContaining("no JSON") });
});

test("the recordings name no place of the machine they were made on", () => {
  const folder = join(import.meta.dirname, "../../../fixtures/agents/gemini");
  for (const name of readdirSync(folder))
    expect(readFileSync(join(folder, name), "utf8"), name).not.toMatch(/\/(work|tmp|root|home)\//);
});
