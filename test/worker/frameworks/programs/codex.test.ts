import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { fixture } from "../../start-worker.ts";
import { replayed, taskFor } from "./replayed.ts";

const thread = "01a20022-8e81-7b72-b1c3-a61ac0cd86b7";
const threadFile = `.codex/sessions/2026/11/21/rollout-2026-11-21T22-03-14-${thread}.jsonl`;
const conversation = { id: `conv_${"a".repeat(32)}`, session: { framework: "codex", id: thread } };
const task = taskFor("codex");
const settings = (args: readonly string[]) => args.filter((_, index) => args[index - 1] === "-c");

describe("what codex prints", () => {
  test.concurrent("becomes an answer with its usage and its session", async () => {
    await using codex = await replayed("codex", "answer");
    const { reply, events } = await codex.worker.agent(task());
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { output: "hi there", outcome: null, usage: { inputTokens: 100, outputTokens: 20, cachedTokens: 10 } },
      usage: { inputTokens: 100, outputTokens: 20 },
      session: { framework: "codex", id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    expect(events).toContainEqual(expect.objectContaining({ type: "agent.message", message: "hi there" }));
  });

  test.concurrent("names the tools that it used, and how they ended", async () => {
    await using codex = await replayed("codex", "failed-command");
    const { events } = await codex.worker.agent(task());
    const payloads = events.filter(({ type }) => type.startsWith("agent.tool_")).map(({ payload }) => payload);
    expect(payloads).toMatchObject([
      { id: "item_0", name: "exec_command", input: { command: "/bin/bash -lc 'exit 3'" } },
      { id: "item_0", name: "exec_command", isError: true },
    ]);
  });

  test.concurrent("shows files that it changed and servers that it called", async () => {
    await using patching = await replayed("codex", "patch");
    const { events } = await patching.worker.agent(task());
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "agent.tool_call",
        payload: expect.objectContaining({
          name: "apply_patch",
          input: { changes: [{ path: "/workspace/patched.txt", kind: "add" }] },
        }),
      }),
    );
    await using calling = await replayed("codex", "mcp");
    expect((await calling.worker.agent(task())).events).toContainEqual(
      expect.objectContaining({
        type: "agent.tool_result",
        payload: expect.objectContaining({ name: "lab.ping", isError: false, output: "pong" }),
      }),
    );
  });

  test.concurrent.each([
    ["last", "denied"],
    ["before warnings", "denied-early"],
  ])("names what it was not allowed to do, which it says %s", async (_, recording) => {
    await using codex = await replayed("codex", recording);
    const { reply } = await codex.worker.agent(task({ permissionMode: "plan" }));
    expect(reply).toMatchObject({ status: "succeeded", result: { deniedTools: ["apply_patch"] } });
  });

  test.concurrent.each([
    ["auth", "task.auth", { hint: expect.stringContaining("codex login") }],
    ["no-key", "task.auth", { message: expect.stringContaining("STUB_KEY") }],
    ["usage-limit", "task.usage_limit", { details: { resetsAt: "2026-11-30T00:53:00.000Z" } }],
    ["quota", "task.usage_limit", {}],
    ["rate-limit", "task.agent_error", { hint: expect.stringContaining("too many requests at once") }],
    ["model", "task.model_unavailable", { message: expect.stringContaining("gpt-9") }],
    ["server-error", "task.agent_error", { message: expect.stringContaining("high demand") }],
    ["unreachable", "task.agent_error", { message: expect.stringContaining("Connection failed") }],
    ["resume-unknown", "task.agent_error", { message: expect.stringContaining("no rollout found") }],
    ["interrupted", "task.agent_error", {}],
  ])("of a turn that ended as %s is %s", async (recording, code, more) => {
    await using codex = await replayed("codex", recording, { TZ: "UTC" });
    const { reply } = await codex.worker.agent(task());
    expect(reply).toMatchObject({ status: "failed", error: { code, ...more } });
  });
});

describe("codex is started", () => {
  test.concurrent("with the prompt on stdin, in a sandbox, and never asking", async () => {
    await using codex = await replayed("codex", "answer");
    await codex.worker.agent({ ...task(), model: "--weird" });
    const { args, stdin } = codex.seen();
    expect(stdin).toMatch(/^do it\n/);
    expect(args.slice(0, 5)).toEqual(["exec", "--json", "--skip-git-repo-check", "--sandbox", "workspace-write"]);
    expect(args.at(-1)).toBe("-");
    expect(settings(args)).toContain('model="--weird"');
    expect(settings(args)).toContain("features.unbounded_connection_retries=false");
  });

  test.concurrent("with an untrusted workspace's own files off, and a trusted one's on", async () => {
    await using codex = await replayed("codex", "answer");
    await codex.worker.agent(task());
    const { args, cwd } = codex.seen();
    expect(settings(args)).toEqual(
      expect.arrayContaining([
        `projects={${JSON.stringify(cwd)}={trust_level="untrusted"}}`,
        "project_root_markers=[]",
        "project_doc_max_bytes=0",
        "skills.include_instructions=false",
      ]),
    );
    await using agent = await replayed("codex", "answer");
    await agent.worker.agent(task(), { trusted: true });
    const trusted = agent.seen();
    expect(settings(trusted.args)).toContain(`projects={${JSON.stringify(trusted.cwd)}={trust_level="trusted"}}`);
    expect(settings(trusted.args)).not.toContain("project_doc_max_bytes=0");
  });

  test.concurrent("with the permission mode as a sandbox", async () => {
    await using reading = await replayed("codex", "answer");
    await reading.worker.agent(task({ permissionMode: "plan" }));
    expect(reading.seen().args).toEqual(expect.arrayContaining(["--sandbox", "read-only"]));
    expect(reading.seen().args).not.toContain("--add-dir");
    await using free = await replayed("codex", "answer");
    await free.worker.agent(task({ permissionMode: "bypassPermissions" }));
    expect(free.seen().args).toEqual(expect.arrayContaining(["--sandbox", "danger-full-access"]));
  });

  test.concurrent("with the server by which it may dispatch, approved and marked as its task's", async () => {
    await using codex = await replayed("codex", "answer");
    const dispatching = { command: "bridge", args: ["--x"], env: { AGENTDISPATCH_TASK_TOKEN: "adt_secret" } };
    await codex.worker.agent(task(), { dispatching });
    const { args, env } = codex.seen();
    const [server = ""] = settings(args).filter((setting) => setting.startsWith("mcp_servers.agent-dispatch="));
    expect(server).toContain(
      'command="bridge",args=["--x"],env_vars=["AGENTDISPATCH_TASK_TOKEN","AGENTDISPATCH_TASK_ID"',
    );
    expect(server).toContain('default_tools_approval_mode="approve"');
    expect(args.join(" ")).not.toContain("adt_secret");
    expect(env).toMatchObject({ AGENTDISPATCH_TASK_TOKEN: "adt_secret" });
  });

  test.concurrent("with MCP servers whose secrets stand in no argument", async () => {
    await using codex = await replayed("codex", "answer");
    const mcpServers = {
      lab: { command: "lab", args: ["a b"], env: { LAB_TOKEN: "s3cret" } },
      far: { url: "https://example.org/mcp", headers: { Authorization: "Bearer t0ken" } },
    };
    await codex.worker.agent(task({ mcpServers }));
    const { args, env } = codex.seen();
    expect(settings(args)).toContain(
      'mcp_servers.lab={command="lab",args=["a b"],env_vars=["LAB_TOKEN"],default_tools_approval_mode="approve"}',
    );
    expect(settings(args)).toContain(
      'mcp_servers.far={url="https://example.org/mcp",env_http_headers={"Authorization"="MCP_HEADER_1_0"},default_tools_approval_mode="approve"}',
    );
    expect(args.join(" ")).not.toMatch(/s3cret|t0ken/);
    expect(env).toMatchObject({ LAB_TOKEN: "s3cret", MCP_HEADER_1_0: "Bearer t0ken" });
  });

  test.concurrent("never with an environment that would change another server's, or its own", async () => {
    const refused = async (mcpServers: Record<string, unknown>) => {
      await using codex = await replayed("codex", "answer");
      const { error } = (await codex.worker.agent(task({ mcpServers }))).reply;
      const issues = (error?.details?.issues ?? []) as { path: string }[];
      return { code: error?.code, paths: issues.map(({ path }) => path) };
    };
    const lab = (env: Record<string, string>) => ({ lab: { command: "lab", env } });
    expect(await refused(lab({ HOME: "/", OPENAI_BASE_URL: "x", HTTPS_PROXY: "x", LD_PRELOAD: "x", A: "1" }))).toEqual({
      code: "input.invalid",
      paths: ["HOME", "OPENAI_BASE_URL", "HTTPS_PROXY", "LD_PRELOAD"].map(
        (name) => `runtime_tools.mcpServers.lab.env.${name}`,
      ),
    });
    expect(await refused({ ...lab({ A: "1" }), other: { command: "lab", env: { A: "2" } } })).toEqual({
      code: "input.invalid",
      paths: ["runtime_tools.mcpServers.other.env.A"],
    });
  });
});

describe("a turn of codex that goes on", () => {
  test.concurrent("counts what it consumed itself, not what the thread did before", async () => {
    await using codex = await replayed("codex", "resume");
    mkdirSync(dirname(join(codex.home, threadFile)), { recursive: true });
    cpSync(fixture("agents/codex/thread.jsonl"), join(codex.home, threadFile));
    const { reply, events } = await codex.worker.agent(task({ systemPrompt: "Be brief." }), { conversation });
    expect(codex.seen().args.slice(-3)).toEqual(["resume", thread, "-"]);
    expect(codex.seen().stdin).toMatch(/^## Standing instructions\n\nBe brief\./);
    expect(reply).toMatchObject({
      session: conversation.session,
      usage: { inputTokens: 200, outputTokens: 40, cachedTokens: 20, turns: 2, model: "gpt-5.5" },
    });
    expect(events).toContainEqual(expect.objectContaining({ type: "agent.usage" }));
  });

  test.concurrent("is never given an id that is none of codex", async () => {
    await using codex = await replayed("codex", "resume");
    const session = { framework: "codex", id: "--last" };
    const { text } = await codex.worker.agent(task(), { conversation: { ...conversation, session } });
    expect(codex.seen().args).not.toContain("resume");
    expect(text()).toContain("the agent begins afresh");
  });
});

describe("an answer of codex in JSON", () => {
  const jsonSchema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };

  test.concurrent("is the result where it fits its schema", async () => {
    await using codex = await replayed("codex", "json");
    const { reply } = await codex.worker.agent(task({ jsonSchema }));
    expect(reply).toMatchObject({ status: "succeeded", result: { result: { n: 3 } } });
    expect(codex.seen().args).toContain("--output-schema");
  });

  test.concurrent("is a failure where it does not, since codex itself does not look", async () => {
    await using codex = await replayed("codex", "answer");
    const { reply } = await codex.worker.agent(task({ jsonSchema }));
    expect(reply).toMatchObject({
      status: "failed",
      result: { output: "hi there" },
      error: { code: "task.agent_error", message: expect.stringContaining("no JSON") },
    });
  });

  test.concurrent("is refused before anything runs where the schema cannot be checked", async () => {
    await using codex = await replayed("codex", "json");
    const { reply } = await codex.worker.agent(task({ jsonSchema: { $ref: "#/nowhere" } }));
    expect(reply.error).toMatchObject({ code: "input.invalid", message: expect.stringContaining("jsonSchema") });
    expect(() => codex.seen()).toThrow();
  });
});

test("the recordings name no place of the machine they were made on", () => {
  expect(readFileSync(fixture("agents/codex/command.txt"), "utf8")).not.toMatch(/\/(work|tmp|root|home)\//);
});
