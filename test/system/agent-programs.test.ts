/** What is known of the agent programs that are installed on this machine, and what is chosen among them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import type { FrameworkState } from "../../lib/contract/tools/framework-state.ts";
import { agentPrograms, claude, codex } from "../fixtures/agent-programs.ts";
import { problemOf } from "../mcp/clients.ts";
import { startSystem, temporaryFolder } from "./system.ts";

const agent = (input: Json = {}): Json => ({
  provider: "local",
  account_profile: "local",
  capability: "agent-runtime",
  task_type: "agent.run",
  target: { mode: "session" },
  input: { instruction: "hello", ...input },
});

/** A system on a machine with these programs, and a home that has nothing else. */
async function machine(install: (programs: ReturnType<typeof agentPrograms>) => void, more: Json = {}) {
  const folder = temporaryFolder();
  const home = join(folder, "home");
  mkdirSync(home);
  const programs = agentPrograms(folder);
  install(programs);
  const { env = {}, ...configuration } = more as { env?: Record<string, string> };
  const system = () =>
    startSystem(folder, { configuration, prewarm: false, env: { PATH: programs.PATH, HOME: home, ...env } });
  const { client, kill } = await system();
  const capabilities = async () => {
    const { items } = (await client.must("list_capabilities", { provider: "local" })) as {
      items: { frameworks: FrameworkState[]; defaultFramework?: string }[];
    };
    const [{ frameworks = [], defaultFramework } = {}] = items;
    return { defaultFramework, of: (name: string) => frameworks.find((known) => known.name === name) };
  };
  const check = async (args: Json = {}) => {
    const reply = await client.must("check_cloud_agent_runtime", args);
    return (reply.checks as Json[]).find(({ name }) => name === "framework");
  };
  return { client, programs, capabilities, check, home, restart: () => kill("SIGTERM").then(system) };
}

describe("the default framework", () => {
  test("is the first that is installed, and the record tells it", async () => {
    const { client, capabilities } = await machine(({ install }) => {
      install("opencode", { version: "echo 1.18.33" });
      install("codex", codex());
    });
    expect(await capabilities()).toMatchObject({ defaultFramework: "codex" });
    const handle = await client.must("spawn_cloud_agent", { instruction: "hello" });
    expect(await client.status(String(handle.taskId))).toMatchObject({ framework: "codex" });
    const { items } = (await client.must("list_tasks", {})) as { items: Json[] };
    expect(items).toMatchObject([{ id: handle.taskId, framework: "codex" }]);
    const explicit = await client.must("dispatch_task", agent());
    expect(await client.status(String(explicit.taskId))).toMatchObject({ framework: "codex" });
  });

  test("gives way to the profile's, and that to the call's", async () => {
    const runtimes = { quiet: { backend: "here", framework: "echo" } };
    const backends = { here: { adapter: "local-process", account: "local" } };
    const { client, capabilities } = await machine(({ install }) => install("claude", claude()), {
      backends,
      runtimes,
      defaults: { runtime: "quiet" },
    });
    expect(await capabilities()).toMatchObject({ defaultFramework: "echo" });
    const frameworkOf = async (call: Json) => {
      const { taskId } = await client.must("spawn_cloud_agent", { instruction: "hello", ...call });
      return (await client.status(String(taskId))).framework;
    };
    expect(await frameworkOf({})).toBe("echo");
    expect(await frameworkOf({ framework: "claude-code" })).toBe("claude-code");
    expect(await frameworkOf({ runtime: "local" })).toBe("claude-code");
  });

  test("is asked for where none is installed, with what installs one", async () => {
    const { client, capabilities } = await machine(() => {});
    expect((await capabilities()).defaultFramework).toBeUndefined();
    const asked = await client.must("spawn_cloud_agent", { instruction: "hello" });
    const [question] = asked.questions as { question: string; choices: string[] }[];
    expect(question).toMatchObject({ id: "framework", choices: expect.arrayContaining(["echo"]) });
    expect(question?.choices).not.toContain("claude-code");
    expect(question?.question).toContain("npm install -g @anthropic-ai/claude-code");
    expect(problemOf(await client.call("dispatch_task", agent()))).toMatchObject({ code: "input.invalid" });
  });
});

describe("a framework that is named and not installed", () => {
  test("is refused before a task is made, with what installs it", async () => {
    const { client, check, capabilities } = await machine(({ install }) => install("claude", claude()), {
      runtimes: { review: { backend: "here", framework: "gemini" } },
      backends: { here: { adapter: "local-process", account: "local" } },
    });
    const refusal = {
      code: "task.framework_missing",
      hint: expect.stringContaining("npm install -g @openai/codex"),
      details: { framework: "codex", available: expect.arrayContaining(["claude-code", "echo"]) },
    };
    const spawn = { instruction: "hello", framework: "codex" };
    expect(problemOf(await client.call("spawn_cloud_agent", spawn))).toMatchObject(refusal);
    expect(problemOf(await client.call("dispatch_task", agent({ framework: "codex" })))).toMatchObject(refusal);
    const profile = { instruction: "hello", runtime: "review" };
    expect(problemOf(await client.call("spawn_cloud_agent", profile))).toMatchObject({
      code: "task.framework_missing",
    });
    expect(await check({ runtime: "review" })).toMatchObject({
      status: "fail",
      message: expect.stringContaining("npm install -g @google/gemini-cli"),
    });
    expect((await capabilities()).of("gemini")).toMatchObject({
      status: "not_installed",
      hint: "install it with `npm install -g @google/gemini-cli`",
    });
    expect(await client.must("list_tasks", {})).toMatchObject({ items: [] });
  });
});

describe("a version that does not work", () => {
  test("is said, with how to update, and refused once it is known", async () => {
    const { client, programs, check, capabilities } = await machine(({ install }) =>
      install("claude", claude("1.0.3")),
    );
    const outdated = "claude 1.0.3 is installed, and claude-code needs ";
    const spawn = { instruction: "hello", framework: "claude-code" };
    const first = await client.must("spawn_cloud_agent", spawn);
    expect(await client.ended(String(first.taskId))).toMatchObject({
      status: "failed",
      error: {
        code: "task.framework_missing",
        message: expect.stringContaining(outdated),
        hint: "update it with `claude update`",
      },
    });
    expect(problemOf(await client.call("spawn_cloud_agent", spawn))).toMatchObject({
      code: "task.framework_missing",
      message: expect.stringContaining(outdated),
    });
    expect(await check()).toMatchObject({ status: "fail", message: expect.stringContaining("claude update") });
    // It might take a question that it does not know for an instruction.
    expect(programs.asked.every((words) => words === "claude --version")).toBe(true);

    programs.install("claude", claude());
    expect((await capabilities()).of("claude-code")).toMatchObject({ version: "2.1.330", status: "not_logged_in" });
    expect(await client.must("spawn_cloud_agent", spawn)).toMatchObject({ status: expect.any(String) });
  });

  test("is asked for once, and not again at the next start", async () => {
    const { client, programs, restart } = await machine(({ install }) => install("claude", claude()));
    const spawn = async (on = client) => {
      const { taskId } = await on.must("spawn_cloud_agent", { instruction: "hello" });
      await on.ended(String(taskId));
    };
    await spawn();
    await spawn();
    const again = await restart();
    await spawn(again.client);
    expect(programs.asked.filter((words) => words === "claude --version")).toHaveLength(1);
  });

  test("of a program that says none, or hangs on, holds up nobody", async () => {
    const { capabilities } = await machine(({ install }) => {
      install("claude", { version: "sleep 600 & echo nonsense" });
      install("codex", { version: "exit 3" });
    });
    const { of } = await capabilities();
    for (const name of ["claude-code", "codex"])
      expect(of(name)).toMatchObject({
        status: "unsure",
        message: expect.stringContaining("does not say its version"),
      });
  });
});

describe("whether it is logged in", () => {
  test("is what the programs say themselves, without a call to a model", async () => {
    const { capabilities, check, programs, home } = await machine(({ install }) => {
      install("claude", claude());
      install("codex", codex());
    });
    expect((await capabilities()).of("claude-code")).toEqual({
      name: "claude-code",
      status: "not_logged_in",
      version: "2.1.330",
      path: join(programs.bin, "claude"),
      message: "2.1.330, not logged in",
      hint: "log in with `claude auth login`",
    });
    expect((await capabilities()).of("codex")).toMatchObject({ status: "not_logged_in" });
    expect(await check()).toMatchObject({
      status: "fail",
      message: expect.stringMatching(
        /^claude-code: 2\.1\.330, not logged in; log in with `claude auth login`; there are also: codex/,
      ),
    });
    mkdirSync(join(home, ".codex"));
    writeFileSync(join(home, ".codex", "auth.json"), '{"tokens": "not to be read"}');
    expect((await capabilities()).of("codex")).toMatchObject({ status: "ready", message: "0.169.0, logged in" });
    expect(new Set(programs.asked)).toEqual(
      new Set(["claude --version", "claude auth status --json", "codex --version", "codex login status"]),
    );
  });

  test("is told by the name of a variable, never by its value", async () => {
    const secret = "sk-of-the-person";
    const { client, capabilities, check } = await machine(
      ({ install }) => {
        install("claude", claude());
        install("codex", codex());
        install("gemini", { version: "echo 0.61.0" });
        install("opencode", { version: "echo 1.18.33" });
      },
      { env: { ANTHROPIC_API_KEY: secret, CODEX_API_KEY: secret, GEMINI_API_KEY: secret } },
    );
    const { of } = await capabilities();
    expect(of("claude-code")).toMatchObject({ status: "ready", message: "2.1.330, logged in by ANTHROPIC_API_KEY" });
    expect(of("codex")).toMatchObject({ status: "ready", message: "0.169.0, logged in by CODEX_API_KEY" });
    expect(of("gemini")).toMatchObject({ status: "ready", message: "0.61.0, logged in by GEMINI_API_KEY" });
    expect(of("opencode")).toMatchObject({ status: "ready", message: "1.18.33, logged in by ANTHROPIC_API_KEY" });
    expect(await check()).toMatchObject({ status: "pass" });
    expect(JSON.stringify(await client.must("list_capabilities", {}))).not.toContain(secret);
  });

  test("is read from the settings of those that do not say it", async () => {
    const { capabilities, home } = await machine(({ install }) => {
      install("gemini", { version: "echo 0.61.0" });
      install("opencode", { version: "echo 1.18.33" });
    });
    const before = await capabilities();
    expect(before.of("gemini")).toMatchObject({ status: "not_logged_in", hint: "log in with `gemini`" });
    expect(before.of("opencode")).toMatchObject({ status: "unsure", hint: "log in with `opencode auth login`" });
    const write = (path: string, text: string) => {
      mkdirSync(join(home, path, ".."), { recursive: true });
      writeFileSync(join(home, path), text);
    };
    write(".gemini/settings.json", '{"security": {"auth": {"selectedType": "oauth-personal"}}}');
    expect((await capabilities()).of("gemini")).toMatchObject({ status: "unsure" });
    write(".gemini/oauth_creds.json", '{"refresh_token": "not to be read"}');
    write(".local/share/opencode/auth.json", '{"anthropic": {"key": "not to be read"}}');
    const after = await capabilities();
    expect(after.of("gemini")).toMatchObject({ status: "ready", message: "0.61.0, logged in with Google" });
    expect(after.of("opencode")).toMatchObject({ status: "ready", message: "1.18.33, logged in" });
  });
});
