/** What docs/CONFIGURATION.md shows of a framework that asks, as it stands there, for clients of either revision. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { connect, problemOf, revisions } from "../mcp/clients.ts";
import { startSystem, systemClient, temporaryFolder } from "./system.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/CONFIGURATION.md"), "utf8");
const [, example = ""] = /^### Asking while it works$.*?^```js\n(.*?)^```$/ms.exec(page) ?? [];

describe.concurrent.each(revisions)("a framework that asks, for a client of %s", (revision) => {
  it("shows its questions through wait_for_task, and goes on with what send_task_input says", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const folder = temporaryFolder(atEnd);
    const script = join(folder, "asking-agent.mjs");
    writeFileSync(script, example);
    const environment = { AGENTDISPATCH_FRAMEWORK_COMMANDS: JSON.stringify({ asking: [process.execPath, script] }) };
    const configuration = {
      backends: { local: { adapter: "local-process", account: "local", details: { environment } } },
    };
    const { url, token } = await startSystem(folder, { configuration, atEnd });
    const client = systemClient(await connect(url, revision, token, atEnd), { atEnd });
    const { taskId } = await client.must("spawn_cloud_agent", { instruction: "dress", framework: "asking" });
    const task_id = taskId as string;
    const asking = await client.must("wait_for_task", { task_id, timeout_seconds: 45 });
    expect(asking).toMatchObject({
      status: "input_required",
      inputRequests: {
        colour: { method: "elicitation/create", params: { mode: "form", message: "Which colour?" } },
        details: { params: { requestedSchema: { properties: { size: { enum: ["S", "M", "L"] } } } } },
      },
    });
    const wrong = problemOf(await client.call("send_task_input", { task_id, responses: { details: "XXL" } }));
    expect(wrong).toMatchObject({ code: "input.invalid", message: expect.stringContaining('one of "S", "M", "L"') });
    const first = await client.must("send_task_input", { task_id, responses: { colour: "blue" } });
    expect(first).toMatchObject({ received: true, delivered: true, status: "input_required" });
    expect(Object.keys(first.inputRequests as Json)).toEqual(["details"]);
    const details = { action: "accept", content: { size: "L" } };
    const last = await client.must("send_task_input", { task_id, responses: { details } });
    expect(last).toMatchObject({ received: true, delivered: true });
    const ended = await client.must("wait_for_task", { task_id, timeout_seconds: 45 });
    expect(ended).toMatchObject({ status: "succeeded", result: { output: "blue, L" } });
  });
});
