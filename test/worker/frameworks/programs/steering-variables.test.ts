import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startWorker, temporaryFolder } from "../../start-worker.ts";
import { replayed } from "./replayed.ts";

const anywhere = ["PATH", "HOME", "LD_PRELOAD", "NODE_OPTIONS", "XDG_CONFIG_HOME", "GIT_SSH_COMMAND", "https_proxy"];

test.concurrent.each([
  ["claude-code", "done", ["ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_USE_BEDROCK", "AWS_REGION"]],
  ["codex", "answer", ["OPENAI_BASE_URL", "CODEX_HOME"]],
  ["gemini", "answer", ["GOOGLE_GEMINI_BASE_URL", "GEMINI_CLI_HOME", "CODE_ASSIST_ENDPOINT"]],
  ["opencode", "answer", ["ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "OPENCODE_CONFIG_CONTENT", "AWS_PROFILE"]],
] as const)("a call sets no variable that steers %s, and is told which", async (framework, recording, names) => {
  await using program = await replayed(framework, recording);
  const env = Object.fromEntries([...anywhere, ...names].map((name) => [name, "/x"]));
  const { reply } = await program.worker.agent(
    { instruction: "x", framework },
    { env: { ...env, GIT_AUTHOR_NAME: "me" } },
  );
  expect(reply).toMatchObject({ status: "failed", error: { code: "input.invalid" } });
  const issues = (reply.error?.details?.issues ?? []) as { path: string }[];
  expect(issues.map(({ path }) => path).sort()).toEqual(
    [...anywhere, ...names].map((name) => `environment_variables.${name}`).sort(),
  );
  expect(existsSync(join(program.home, "saw.json"))).toBe(false);
});

test.concurrent("a call may set any other, and all of them for a command of the configuration's", async () => {
  await using codex = await replayed("codex", "answer");
  await codex.worker.agent({ instruction: "x", framework: "codex" }, { env: { GIT_AUTHOR_NAME: "me", DEBUG: "1" } });
  expect(codex.seen().env).toMatchObject({ GIT_AUTHOR_NAME: "me", DEBUG: "1" });

  await using worker = await startWorker({ AGENTDISPATCH_FRAMEWORK_COMMAND_CODEX: "printenv OPENAI_BASE_URL" });
  const { reply } = await worker.agent(
    { instruction: "x", framework: "codex" },
    { env: { OPENAI_BASE_URL: "theirs" } },
  );
  expect(reply).toMatchObject({ status: "succeeded", result: { output: expect.stringContaining("theirs") } });
});

/** A workspace with programs of its own, which leave a file when they are started. */
function checkoutWith(...programs: string[]): { workspace: string; isStarted: () => boolean } {
  const workspace = join(temporaryFolder(), "checkout");
  mkdirSync(workspace);
  for (const program of programs) {
    writeFileSync(join(workspace, program), `#!/bin/sh\ntouch '${workspace}/started'\n`);
    chmodSync(join(workspace, program), 0o755);
  }
  return { workspace, isStarted: () => existsSync(join(workspace, "started")) };
}

test.concurrent.each([".", "", "./"])("a program of the workspace is none that a PATH with %j names", async (entry) => {
  const { workspace, isStarted } = checkoutWith("claude");
  const PATH = `${entry}:${process.env.PATH}`;
  await using worker = await startWorker({ PATH, AGENTDISPATCH_WORKSPACE: workspace });
  expect((await worker.hello()).frameworks).not.toContain("claude-code");
  const { reply } = await worker.agent({ instruction: "x", framework: "claude-code" });
  expect(reply).toMatchObject({ status: "failed", error: { code: "task.framework_missing" } });
  expect(isStarted()).toBe(false);
});

test.concurrent("nor is the interpreter of a program that is installed", async () => {
  const { workspace, isStarted } = checkoutWith("codex", "node");
  await using codex = await replayed("codex", "answer", (home) => {
    const installed = join(home, "installed");
    mkdirSync(installed);
    writeFileSync(join(installed, "codex"), `#!/bin/sh\nnode --version > /dev/null\nexec '${home}/bin/codex' "$@"\n`);
    chmodSync(join(installed, "codex"), 0o755);
    return { PATH: `.:${installed}:${process.env.PATH}`, AGENTDISPATCH_WORKSPACE: workspace };
  });
  const { reply } = await codex.worker.agent({ instruction: "x", framework: "codex" });
  expect(reply).toMatchObject({ status: "succeeded" });
  expect(isStarted()).toBe(false);
});
