import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { restoreDatabase } from "../../../../worker/frameworks/programs/opencode/database.ts";
import { fixture, temporaryFolder } from "../../start-worker.ts";
import { replayed, taskFor } from "./replayed.ts";

const database = `task_${"b".repeat(32)}.db`;
const session = `ses_dffaab1d6ffe13RAOtImd51cbd@${database}`;
const conversation = { id: `conv_${"a".repeat(32)}`, session: { framework: "opencode", id: session } };
const task = taskFor("opencode");
const started = async (runtimeTools: Record<string, unknown> = {}, fields = {}, env = {}) => {
  await using opencode = await replayed("opencode", "answer", env);
  const { reply } = await opencode.worker.agent({ ...task(runtimeTools), model: "anthropic/--weird" }, fields);
  const seen = opencode.seen();
  return { reply, ...seen, settings: JSON.parse(seen.env.OPENCODE_CONFIG_CONTENT ?? "") as Record<string, unknown> };
};

describe("what opencode prints", () => {
  test.concurrent("becomes an answer with its usage, its cost and its session", async () => {
    await using opencode = await replayed("opencode", "tools");
    const { reply, events } = await opencode.worker.agent(task());
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { output: "done", outcome: null },
      // Three steps of 100 fresh tokens and 10 from the cache.
      usage: { inputTokens: 330, outputTokens: 60, cachedTokens: 30, costUsd: expect.closeTo(0.001809, 9), turns: 3 },
      session: { framework: "opencode", id: `ses_dffaab1d6ffe13RAOtImd51cbd@${opencode.worker.taskId}.db` },
    });
    const steps = events.filter(({ type }) => /^agent\.(message|tool)/.test(type));
    expect(steps).toMatchObject([
      { type: "agent.message", message: "let me" },
      { type: "agent.tool_call", payload: { name: "bash" } },
      { type: "agent.tool_result", payload: { name: "bash", isError: false, output: "hi\n" } },
      { type: "agent.tool_call", payload: { name: "write" } },
      { type: "agent.tool_result", payload: { name: "write", isError: false } },
      { type: "agent.message", message: "done" },
    ]);
  });

  test.concurrent("has no cost where opencode knows no price, and a budget in dollars goes by the list price", async () => {
    const limited = async (model: string) => {
      await using opencode = await replayed("opencode", "unpriced");
      const { reply, text } = await opencode.worker.agent({ ...task(), model }, { limits: { maxBudgetUsd: 0.0001 } });
      return { reply, text: text() };
    };
    const priced = await limited("mine/claude-haiku-4-5");
    expect(priced.reply).toMatchObject({ status: "failed", error: { code: "task.budget" } });
    expect(priced.reply.usage).toMatchObject({ inputTokens: 110, model: "mine/claude-haiku-4-5" });
    expect(priced.reply.usage).not.toHaveProperty("costUsd");
    const unknown = await limited("mine/llama");
    expect(unknown.reply).toMatchObject({ status: "succeeded" });
    expect(unknown.text).toContain("the price of mine/llama is not known");
  });

  test.concurrent("names what it was not allowed, and what was hidden from it", async () => {
    await using opencode = await replayed("opencode", "denied");
    const { reply } = await opencode.worker.agent(task());
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { output: "done", deniedTools: ["bash", "webfetch"], hint: expect.stringContaining("permissionMode") },
    });
  });

  test.concurrent.each([
    ["auth", "task.auth", { message: expect.stringContaining("invalid x-api-key") }],
    ["no-key", "task.auth", { hint: expect.stringContaining("opencode auth login") }],
    ["model", "task.model_unavailable", { message: expect.stringContaining("claude-sonnet-9") }],
    ["rate-limit", "task.usage_limit", { details: { resetsAt: expect.stringMatching(/^2026-11-2/) } }],
    ["busy", "task.agent_error", { hint: expect.stringContaining("too many requests at once") }],
    ["server-error", "task.agent_error", { message: expect.stringContaining("boom") }],
    // A question that nobody answers ends it, with exit code 0 and without a word.
    ["rejected", "task.permission", { message: expect.stringContaining("bash") }],
    ["resume-unknown", "task.agent_error", { message: expect.stringContaining("Session not found") }],
  ])("of a turn that ended as %s is %s", async (recording, code, more) => {
    await using opencode = await replayed("opencode", recording);
    const { reply } = await opencode.worker.agent(task());
    expect(reply).toMatchObject({ status: "failed", error: { code, ...more } });
  });
});

describe("opencode is started", () => {
  test.concurrent("with the prompt on stdin, and a database of its conversation's own", async () => {
    const { args, stdin, env } = await started();
    expect(stdin).toMatch(/^do it\n/);
    expect(args).toEqual(["run", "--format=json", "--title=agent-dispatch", "--model=anthropic/--weird"]);
    expect(env.OPENCODE_DB).toMatch(/\/\.local\/share\/opencode\/agentdispatch\/task_[0-9a-f]{32}\.db$/);
  });

  test.concurrent("with an untrusted workspace's own files off", async () => {
    expect((await started()).env).toMatchObject({
      OPENCODE_DISABLE_PROJECT_CONFIG: "true",
      OPENCODE_DISABLE_EXTERNAL_SKILLS: "true",
      OPENCODE_DISABLE_CLAUDE_CODE: "true",
    });
    expect((await started({}, { trusted: true })).env).not.toHaveProperty("OPENCODE_DISABLE_PROJECT_CONFIG");
  });

  test.concurrent("with nothing left to be asked for", async () => {
    const { settings } = await started({ deniedTools: ["bash(rm *)", "webfetch"], permissionMode: "auto" });
    expect(settings.permission).toMatchObject({
      external_directory: { "*": "deny" },
      bash: { "*": "allow", "rm *": "deny" },
      edit: "allow",
      webfetch: "deny",
    });
    const none = await started({ allowedTools: [] });
    expect(none.settings.permission).toMatchObject({ edit: "deny", bash: "deny" });
    const unset = await started();
    expect(unset.settings.permission).toMatchObject({ edit: "allow" });
    expect(unset.settings.permission).not.toHaveProperty("bash");
    const list = await started({ allowedTools: ["bash(npm *)"] });
    expect(list.settings.permission).toMatchObject({ edit: "deny", bash: { "*": "deny", "npm *": "allow" } });
    expect((await started({ permissionMode: "bypassPermissions" })).args).toContain("--auto");
  });

  test.concurrent("with servers and instructions beside what the configuration gives", async () => {
    const far = { type: "remote", url: "https://example.com/mcp", oauth: false, headers: { Authorization: "theirs" } };
    const given = JSON.stringify({ model: "theirs", mcp: { other: { type: "local", command: ["x"] }, far } });
    const { settings } = await started(
      {
        systemPrompt: "Be brief.",
        mcpServers: {
          lab: { command: "lab", args: ["a b"], env: { T: "s" } },
          far: { url: "https://example.org/mcp" },
        },
      },
      {},
      { OPENCODE_CONFIG_CONTENT: given },
    );
    expect(settings).toMatchObject({
      model: "theirs",
      mcp: {
        other: { command: ["x"] },
        lab: { type: "local", command: ["lab", "a b"], environment: { T: "s" }, enabled: true },
        far: { type: "remote", url: "https://example.org/mcp", enabled: true },
      },
      instructions: [expect.stringMatching(/instructions\.md$/)],
      plugin: [expect.stringMatching(/^file:.*retry-watch\.js$/), expect.stringMatching(/^file:.*own-servers\.js$/)],
    });
    // Nothing that is sent to their server of that name is sent to the task's.
    expect((settings.mcp as Record<string, unknown>).far).toEqual({
      type: "remote",
      url: "https://example.org/mcp",
      headers: {},
      enabled: true,
    });
  });

  test.concurrent("with servers that stand whole, although opencode merges them with the person's of the same name", async () => {
    const { files } = await started(
      { mcpServers: { far: { url: "https://example.org/mcp" }, lab: { command: "lab", env: { T: "s" } } } },
      { trusted: true },
    );
    const file = join(mkdtempSync(join(temporaryFolder(), "plugin-")), "own-servers.mjs");
    writeFileSync(file, files["own-servers.js"] ?? "");
    const hooks = await (await import(file)).OwnServers();
    // As opencode has merged them before it asks its plugins.
    const config = {
      mcp: {
        far: { type: "remote", url: "https://example.org/mcp", headers: { Authorization: "theirs" }, oauth: false },
        lab: { type: "local", command: ["lab"], environment: { T: "s", SECRET: "theirs" }, timeout: 1 },
        mine: { type: "local", command: ["mine"] },
      },
    };
    await hooks.config(config);
    expect(config.mcp).toEqual({
      far: { type: "remote", url: "https://example.org/mcp", headers: {}, enabled: true },
      lab: { type: "local", command: ["lab"], environment: { T: "s" }, enabled: true },
      mine: { type: "local", command: ["mine"] },
    });
  });

  test.concurrent("on a session that was moved to its workspace, where opencode would wait for ever otherwise", async () => {
    await using opencode = await replayed("opencode", "answer");
    const folder = join(opencode.home, ".local/share/opencode/agentdispatch");
    mkdirSync(folder, { recursive: true });
    const made = new DatabaseSync(join(folder, database));
    made.exec("CREATE TABLE session (id TEXT, directory TEXT); INSERT INTO session VALUES ('ses_1', '/elsewhere')");
    made.close();
    await opencode.worker.agent(task(), { conversation });
    const read = new DatabaseSync(join(folder, database));
    expect(read.prepare("SELECT directory FROM session").all()).toEqual([{ directory: opencode.seen().cwd }]);
    read.close();
  });

  test.concurrent("on the session and in the database of the last turn", async () => {
    await using kept = await replayed("opencode", "answer");
    const folder = join(kept.home, ".local/share/opencode/agentdispatch");
    mkdirSync(folder, { recursive: true });
    const last = new DatabaseSync(join(folder, database));
    last.exec("CREATE TABLE session (directory TEXT)");
    last.close();
    const { reply } = await kept.worker.agent(task(), { conversation });
    const { args, env } = kept.seen();
    expect(args.at(-1)).toBe("--session=ses_dffaab1d6ffe13RAOtImd51cbd");
    expect(env.OPENCODE_DB).toMatch(new RegExp(`/${database}$`));
    expect(reply.session?.id).toMatch(new RegExp(`@${database}$`));
    await using opencode = await replayed("opencode", "answer");
    const other = { ...conversation, session: { framework: "opencode", id: "ses_1@../../x.db" } };
    const refused = await opencode.worker.agent(task(), { conversation: other });
    expect(refused.reply.error).toMatchObject({ code: "input.invalid" });
  });
});

test("a database of opencode is put in place as a whole, with nothing of another beside it", async () => {
  const home = mkdtempSync(join(temporaryFolder(), "home-"));
  const folder = join(home, ".local/share/opencode/agentdispatch");
  const kept = join(home, "kept");
  for (const each of [folder, kept]) mkdirSync(each, { recursive: true });
  const write = (path: string, values: string[]) => {
    const made = new DatabaseSync(path);
    made.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE said (text TEXT)");
    for (const value of values) made.prepare("INSERT INTO said VALUES (?)").run(value);
    return made;
  };
  const rows = () => {
    const read = new DatabaseSync(join(folder, database));
    const texts = read.prepare("SELECT text FROM said").all();
    read.close();
    return texts;
  };
  // Each is copied while it is open, as one that was killed leaves it.
  const theirs = write(join(kept, "theirs"), ["theirs"]);
  const long = write(
    join(kept, "long"),
    Array.from({ length: 500 }, (_, index) => `here ${index} ${"x".repeat(200)}`),
  );
  for (const end of ["", "-wal", "-shm"]) copyFileSync(join(kept, `long${end}`), join(folder, database + end));
  long.close();
  const files = ["", "-wal"].map((end) => ({ path: join(kept, `theirs${end}`), name: database + end }));
  await restoreDatabase({ HOME: home }, session, files);
  expect(readdirSync(folder).sort()).toEqual([database, `${database}-wal`]);
  expect(rows()).toEqual([{ text: "theirs" }]);
  theirs.close();
  writeFileSync(join(folder, `${database}-wal`), "left here");
  await restoreDatabase({ HOME: home }, session, files.slice(0, 1));
  expect(readdirSync(folder)).toEqual([database]);
  expect(rows()).toEqual([{ text: "theirs" }]);
});

test("the recordings name no place of the machine they were made on", () => {
  const folder = fixture("agents/opencode");
  for (const name of readdirSync(folder))
    expect(readFileSync(join(folder, name), "utf8"), name).not.toMatch(/\/(work|tmp|root|home)\//);
});
