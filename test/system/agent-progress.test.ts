/** What somebody who waits is told of an agent that works, through the MCP endpoint of a whole system on this machine. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startLocal } from "../../lib/system/local.ts";
import { connect, revisions } from "../mcp/clients.ts";
import { fixture } from "../worker/start-worker.ts";

test.each(revisions)("a client of %s hears an agent's last message, and the tool that it uses", async (revision) => {
  const home = await mkdtemp(join(tmpdir(), "agent-dispatch-progress-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const environment = { AGENTDISPATCH_FRAMEWORK_COMMAND_SPEAKS: `${process.execPath} ${fixture("agent-speaks.mjs")}` };
  const configFile = join(home, "config.json");
  const configuration = {
    accounts: { local: { provider: "local" } },
    backends: { here: { adapter: "local-process", account: "local", details: { environment } } },
    runtimes: { speaking: { backend: "here", framework: "speaks" } },
  };
  await writeFile(configFile, JSON.stringify(configuration));
  const system = await startLocal({ configFile, stateDir: join(home, "state") });
  onTestFinished(() => system.close());
  const { call } = await connect(system.url, revision, system.token);
  const { structured } = await call("spawn_cloud_agent", { runtime: "speaking", instruction: `speak in ${home}` });

  const task_id = structured?.taskId;
  const told: string[] = [];
  // The agent goes on only once what it did was heard of
  const goesOn: Record<string, string> = { "running: I read the plan.": "message", "running: Read": "tool" };
  const hear = ({ message }: { message?: unknown }) => {
    told.push(String(message));
    const name = goesOn[String(message)];
    if (name !== undefined) void writeFile(join(home, name), "");
  };
  const record = await call("wait_for_task", { task_id, timeout_seconds: 45 }, hear);
  expect(record.structured).toMatchObject({ status: "succeeded", result: { output: "done" } });
  expect(told).toEqual(expect.arrayContaining(Object.keys(goesOn)));
  expect(told.at(-1)).toMatch(/^succeeded/);
});
