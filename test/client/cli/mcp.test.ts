/** `agentdispatch-mcp`, as the blocks of existing setups start it. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { expect, onTestFinished, test } from "vitest";
import { packageFolder } from "../../../lib/client/cli/command-name.ts";
import { cleanEnv, cli } from "./cli.ts";
import { eachInFolder } from "./in-folder.ts";

let folder = "";
eachInFolder((made) => {
  folder = made;
});

const program = join(packageFolder, "bin", "agentdispatch-mcp.js");
const env = () => ({ ...(cleanEnv() as Record<string, string>), HOME: folder, TAKEN_FROM_THE_BLOCK: "yes" });

test("a block of mcpServers reaches the local system with its configuration, which sees the block's environment", async () => {
  const config = join(folder, "mine.json");
  const details = { environment: { FROM_THE_FILE: "yes" } };
  writeFileSync(
    config,
    `// mine\n${JSON.stringify({
      stateDir: "state",
      accounts: { mine: { provider: "local" } },
      backends: { mine: { adapter: "local-process", account: "mine", details } },
    })}`,
  );
  const block = { command: process.execPath, args: [program, "--config", config], env: env(), cwd: folder };
  const client = new Client({ name: "somebody", version: "1" });
  await client.connect(new StdioClientTransport(block));
  onTestFinished(async () => void (await cli(["local", "stop", "--config", config], { env: env() })));
  onTestFinished(() => client.close());
  const call = async (name: string, args: Record<string, unknown>) =>
    (await client.callTool({ name, arguments: args })).structuredContent as Record<string, unknown>;
  const { taskId } = await call("dispatch_task", {
    provider: "local",
    account_profile: "mine",
    capability: "agent-runtime",
    task_type: "command.run",
    target: { mode: "session" },
    input: { command: "printenv FROM_THE_FILE" },
  });
  await call("wait_for_task", { task_id: taskId });
  expect(await call("get_task_result", { task_id: taskId })).toMatchObject({ status: "succeeded" });
  const { pid } = JSON.parse(readFileSync(join(folder, "state", "endpoint.json"), "utf8"));
  expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toContain("TAKEN_FROM_THE_BLOCK=yes");
});

test("--check says whether the configuration can be used, and starts nothing", async () => {
  const config = join(folder, "c.json");
  const check = (...more: string[]) =>
    promisify(execFile)(process.execPath, [program, "--config", config, "--check", ...more], {
      env: env(),
      cwd: folder,
    }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );
  writeFileSync(config, "{}");
  expect(await check()).toMatchObject({ code: 0, stdout: expect.stringContaining(config) });
  writeFileSync(config, JSON.stringify({ runtimes: { a: { backend: "gone" } } }));
  expect(await check()).toMatchObject({ code: 1, stdout: expect.stringMatching(/runtimes\.a\.backend: no backend/) });
  expect(await check("--nonsense")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^agentdispatch-mcp: Unknown option '--nonsense'.*\n$/),
  });
});
