import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll, expect, test } from "vitest";
import { packageFolder } from "../../lib/client/cli/command-name.ts";
import type { Json } from "../../lib/contract/task.ts";
import { type ToolName, toolSchemas } from "../../lib/contract/tools/index.ts";
import { install } from "../agents/installed.ts";
import { command } from "../mcp/clients.ts";
import { startSystem, temporaryFolder } from "../system/system.ts";

const program = { program: "inspector", name: "@modelcontextprotocol/inspector", version: "2.12.0" };
const launcher = join(packageFolder, "bin/agent-dispatch.js");

let inspector: string;
beforeAll(async () => {
  inspector = join(await install(program), "mcp-inspector");
});

/** One command of the Inspector, with the bridge as its server. */
async function inspect(stateDir: string, words: string[]): Promise<Json> {
  const server = [process.execPath, launcher, "bridge", "--state-dir", stateDir];
  const child = spawn(inspector, ["--cli", "--format", "json", ...words, "--", ...server], {
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (out.trim() === "") throw new Error(`nothing came of ${words.join(" ")}: ${err}`);
  return JSON.parse(out) as Json;
}

/** What each tool is called with, once there is a task; what is not here is called with nothing. */
const argumentsFor = (taskId: string): Partial<Record<ToolName, Json>> => ({
  dispatch_task: command(),
  send_task_input: { task_id: taskId, message: "hello" },
  a2a_send: { task_id: taskId, text: "hello" },
  ...Object.fromEntries(
    ["wait_for_task", "get_task_status", "get_task_logs", "get_task_result", "cancel_task"].map((name) => [
      name,
      { task_id: taskId },
    ]),
  ),
});

test.each(["legacy", "modern"])("the Inspector drives every tool through the bridge in the %s era", async (era) => {
  const folder = temporaryFolder();
  const { client } = await startSystem(folder);
  const taskId = await client.command("true");
  await client.ended(taskId);
  const listed = (await inspect(folder, ["--protocol-era", era, "--method", "tools/list"])) as {
    result: { tools: { name: string }[] };
  };
  // Those of the toolset core
  const names = (Object.keys(toolSchemas) as ToolName[]).filter((name) => name !== "a2a_send");
  expect(listed.result.tools.map(({ name }) => name).sort()).toEqual([...names].sort());
  const given = argumentsFor(taskId);
  for (const name of names) {
    const args = ["--tool-name", name, "--tool-args-json", JSON.stringify(given[name] ?? {})];
    const { result } = (await inspect(folder, ["--protocol-era", era, "--method", "tools/call", ...args])) as {
      result?: { isError?: boolean; structuredContent?: Json; content?: { text: string }[] };
    };
    // A result of the tool, or the error of ours that says why there is none.
    const answer = result?.isError ? JSON.parse(result.content?.[0]?.text ?? "{}") : result?.structuredContent;
    expect(answer, `${name}: ${JSON.stringify(result)}`).toBeTypeOf("object");
    if (result?.isError) expect(answer).toMatchObject({ error: { code: expect.stringMatching(/^[a-z_]+\.[a-z_]+$/) } });
  }
});

test.each([
  // It declares tasks with each request of this era, and follows the one that it is answered with.
  ["modern", "succeeded"],
  // In this one it asks for a task only of tools that work as nothing else.
  ["legacy", expect.stringMatching(/^(queued|provisioning|starting|running)$/)],
])("the Inspector follows a task to its end in the %s era, if it asks for one", async (era, status) => {
  const folder = temporaryFolder();
  await startSystem(folder);
  const args = JSON.stringify(command({ input: { command: "sleep 2", shell: true } }));
  const words = ["--method", "tools/call", "--tool-name", "dispatch_task", "--tool-args-json", args];
  const { result } = await inspect(folder, ["--protocol-era", era, ...words]);
  expect(result).toMatchObject({ structuredContent: { taskId: expect.stringMatching(/^task_/), status } });
});
