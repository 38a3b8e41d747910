/** What a job asks, end to end, where something goes wrong between the answer and its job. */
import { rmdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import type { AtEnd } from "../mcp/clients.ts";
import { startSystem, temporaryFolder } from "./system.ts";
import { workerOf } from "./workers.ts";

/** Asks what its message names, where no file can be written until that is cleared away, and goes on meanwhile. */
const blocked = `
  const { existsSync, mkdirSync, readFileSync, writeSync } = require("node:fs");
  const file = process.env.AGENTDISPATCH_INPUT_FILE;
  const event = (value) => writeSync(2, "@event " + JSON.stringify(value) + "\\n");
  mkdirSync(file + ".new");
  event({ type: "task.input_required", payload: { which: { message: file + ".new" } } });
  let count = 0;
  setInterval(() => event({ type: "task.progress", message: "step " + ++count }), 100);
  setInterval(() => { if (existsSync(file)) { writeSync(1, readFileSync(file, "utf8")); process.exit(); } }, 10);`;

const frameworks = {
  [environmentVariables.frameworkCommands]: JSON.stringify({
    twice: [process.execPath, join(import.meta.dirname, "../fixtures/agent-asks.mjs")],
    blocked: [process.execPath, "-e", blocked],
  }),
};
const backends = { local: { adapter: "local-process", account: "local", details: { environment: frameworks } } };

const open = (folder: string, atEnd: AtEnd) =>
  startSystem(folder, { atEnd, configuration: { backends }, limits: { graceSeconds: 1, timeoutSeconds: 60 } });

const asksFor = (key: string) => (record: Record<string, unknown>) =>
  record.status === "input_required" && key in (record.inputRequests as object);

describe.concurrent("an answer", () => {
  it("that its worker cannot bring to the job is asked for again, and the job's result comes all the same", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client } = await open(temporaryFolder(atEnd), atEnd);
    const id = (await client.must("spawn_cloud_agent", { instruction: "ask", framework: "blocked" })).taskId as string;
    const { inputRequests } = await client.until(id, asksFor("which"));
    const answer = { task_id: id, responses: { which: "red" } };
    expect(await client.must("send_task_input", answer)).toMatchObject({
      received: true,
      delivered: false,
      reason: expect.stringContaining("refused"),
    });
    const before = JSON.stringify((await client.status(id)).progress);
    const asksAgain = asksFor("which");
    await client.until(id, (record) => asksAgain(record) && JSON.stringify(record.progress) !== before);
    rmdirSync((inputRequests as { which: { params: { message: string } } }).which.params.message);
    expect(await client.must("send_task_input", answer)).toMatchObject({ delivered: true });
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    const { result } = await client.must("get_task_result", { task_id: id });
    expect(JSON.stringify(result)).toContain('{"which":"red"}');
  });

  it("that was kept reaches a job that could not be reached, once, also when the control plane dies meanwhile", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const folder = temporaryFolder(atEnd);
    const first = await open(folder, atEnd);
    const spawned = await first.client.must("spawn_cloud_agent", { instruction: "ask", framework: "twice" });
    const id = spawned.taskId as string;
    const record = await first.client.until(id, asksFor("colour"));
    const { pid } = workerOf(folder, record);
    process.kill(pid, "SIGSTOP");
    let isStopped = true;
    atEnd(() => void (isStopped && process.kill(pid, "SIGCONT")));
    const answer = { task_id: id, responses: { colour: "red" } };
    expect(await first.client.must("send_task_input", answer)).toMatchObject({ received: true, delivered: false });
    await first.kill("SIGKILL");
    process.kill(pid, "SIGCONT");
    isStopped = false;
    const { client } = await open(folder, atEnd);
    expect(await client.must("send_task_input", answer)).toMatchObject({ received: true });
    const other = await client.call("send_task_input", { task_id: id, responses: { colour: "blue" } });
    expect(other).toMatchObject({ isError: true, text: { error: { code: "input.not_asked" } } });
    await client.until(id, asksFor("size"));
    await client.must("send_task_input", { task_id: id, responses: { size: "7" } });
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    const result = await client.must("get_task_result", { task_id: id });
    expect(JSON.stringify(result)).toContain('[{"colour":"red"},{"size":"7"}]');
  });
});
