import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { quote } from "shlex";
import { expect, onTestFinished, test } from "vitest";
import { agentPrograms, claude } from "../../fixtures/agent-programs.ts";
import { makeFolder, removeFolder } from "./cli.ts";
import { endAllOf, processesOf } from "./left-behind.ts";
import { Terminal } from "./terminal.ts";

const play = (args: string[] = [], env: Record<string, string> = {}): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, [demo, ...args], { env: { ...process.env, ...env } }).catch((error) => error);

const demo = fileURLToPath(new URL("../../../bin/demo.ts", import.meta.url));

test("the demonstration shows what it promises, and leaves no state behind", async () => {
  const { stdout } = await play();
  expect(stdout).toContain("✔ all of it was as it should be");
  expect(stdout).toContain(": 5 tasks on this machine");
  expect(stdout).toContain(
    "No real agent was shown, because none is ready here. Claude Code: claude is not installed; install",
  );
  expect(stdout).toMatch(/npm run demo -- --agent`, it then reads this project's README/);
  expect(stdout).toMatch(/^3 .*failed/m);
  expect(stdout).toMatch(/^4 .*cancelled/m);
  const report = /\S+report\.md$/m.exec(stdout)?.[0] ?? "";
  expect(existsSync(report)).toBe(true);
  expect(stdout).not.toContain("The state is in");
  await rm(dirname(report), { recursive: true });
});

test("a real agent that is ready is not asked unless its person says so, and then works as the others do", async () => {
  const folder = await makeFolder();
  onTestFinished(() => removeFolder(folder));
  const programs = agentPrograms(folder);
  const answer = { type: "result", subtype: "success", is_error: false, num_turns: 1, session_id: "s", usage: {} };
  const line = JSON.stringify({ ...answer, result: "It hands jobs to agents." });
  programs.install("claude", { ...claude(), run: `cat > /dev/null; echo '${line}'` });
  const env = { PATH: programs.PATH, HOME: folder, ANTHROPIC_API_KEY: "sk-of-the-person" };

  const unasked = await play([], env);
  expect(unasked.stdout).toMatch(
    /Claude Code is installed \(2\.1\.330, logged in by ANTHROPIC_API_KEY\), and was not asked/,
  );
  expect(unasked.stdout).toMatch(/a call to its model on your account.* \$0\.50 at most.*npm run demo -- --agent/);
  expect(programs.asked.filter((words) => !/^claude (--version|auth status)/.test(words))).toEqual([]);

  const { stdout } = await play(["--agent"], env);
  expect(stdout).toContain(": 6 tasks on this machine");
  expect(stdout).toMatch(/^6 {2}A real agent, Claude Code, that reads this project$/m);
  expect(stdout).toContain("It hands jobs to agents.");
  expect(stdout).toContain("✔ all of it was as it should be");
  expect(stdout).not.toContain(env.ANTHROPIC_API_KEY);
});

test("on a terminal it asks first, and Ctrl-C at the question ends it", async () => {
  const folder = await makeFolder();
  onTestFinished(() => removeFolder(folder));
  const programs = agentPrograms(folder);
  programs.install("claude", claude());
  const env = { PATH: programs.PATH, HOME: folder, ANTHROPIC_API_KEY: "sk-of-the-person", TMPDIR: folder };
  const line = `${quote(process.execPath)} ${quote(demo)}`;
  const left = new Terminal(line, env);
  await left.shows("Shall it answer one question about this folder? ");
  left.type("\u0003");
  expect(await left.ended).toMatchObject({ code: 130 });
  const unwilling = new Terminal(line, env);
  await unwilling.shows("[y/N] ");
  unwilling.type("\r");
  await unwilling.shows("and was not asked");
  expect((await unwilling.ended).code).toBe(0);
  expect(programs.asked.filter((words) => !/^claude (--version|auth status)/.test(words))).toEqual([]);
  expect(processesOf(folder)).toEqual([]);
});

test("a demonstration that is interrupted leaves no worker behind", async () => {
  const folder = await makeFolder();
  onTestFinished(async () => {
    endAllOf(folder);
    await removeFolder(folder);
  });
  const child = spawn(process.execPath, [demo], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  for await (const chunk of child.stdout) if (String(chunk).includes("step 1")) child.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  expect(processesOf(folder)).toEqual([]);
});
