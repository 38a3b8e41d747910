import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { listen } from "../emulators/requests/listen.ts";
import { guardedFetch, MARK } from "./guarded-fetch.ts";
import { optionsOf } from "./options.ts";
import { MOST_TASKS, mostOf, refusal, TASK_SECONDS, useOf, usualBudget } from "./plan.ts";

const id = `task_${"0".repeat(32)}`;

async function guarded(tasks: number) {
  const seen: { params: { arguments: Record<string, unknown> } }[] = [];
  const server = createServer(async (request, response) => {
    seen.push((await json(request)) as (typeof seen)[0]);
    response.end(JSON.stringify({ result: { structuredContent: { taskId: id } } }));
  });
  const { endpoint, close } = await listen(server);
  onTestFinished(close);
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-live-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const journal = join(folder, "tasks");
  writeFileSync(journal, "");
  const door = { authorize: async () => ({ authorization: "signed" }) };
  const budget = useOf(tasks * mostOf(TASK_SECONDS));
  const send = guardedFetch({ door, mark: "live-1", budget, journal });
  const call = (name: string, args: object) =>
    send(endpoint, {
      method: "POST",
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } }),
    });
  return { call, seen, journal };
}

describe("a request of the live suite", () => {
  it("that dispatches a task carries the mark of the run and a time for the job, and is noted", async () => {
    const { call, seen, journal } = await guarded(3);
    await call("dispatch_task", { metadata: { kept: true }, timeout_seconds: 7200 });
    await call("spawn_cloud_agent", { instruction: "hello", timeout_seconds: 5 });
    expect(seen.map(({ params }) => params.arguments)).toEqual([
      { metadata: { kept: true, [MARK]: "live-1" }, timeout_seconds: TASK_SECONDS },
      { instruction: "hello", metadata: { [MARK]: "live-1" }, timeout_seconds: 5 },
    ]);
    await expect.poll(() => readFileSync(journal, "utf8")).toBe(`${id}\n${id}\n`);
  });

  it("for a task too many is not sent, and any other is", async () => {
    const { call, seen } = await guarded(2);
    for (let task = 0; task < 2; task++) await call("dispatch_task", {});
    await expect(call("dispatch_task", {})).rejects.toThrow(/is not enough for another task/);
    await call("cancel_task", { task_id: id });
    expect(seen).toHaveLength(3);
  });
});

it("a run is refused that may take more than its budget, by time or by price", () => {
  expect(refusal(usualBudget)).toBeUndefined();
  expect(refusal({ ...usualBudget, minutes: 10 })).toMatch(/nothing was begun/);
  expect(refusal({ ...usualBudget, usd: 0.01 })).toMatch(/nothing was begun/);
  expect(refusal(useOf(MOST_TASKS * mostOf(TASK_SECONDS)))).toBeUndefined();
});

it("the stack is named by an option or by the environment", () => {
  const env = { AGENTDISPATCH_LIVE_STACK: "mine", AWS_REGION: "eu-west-1" };
  expect(optionsOf([], env)).toMatchObject({ target: { stack: "mine", region: "eu-west-1" }, budget: usualBudget });
  expect(optionsOf(["--stack", "other", "--max-usd", "2"], env)).toMatchObject({
    target: { stack: "other" },
    budget: { usd: 2 },
  });
  expect(optionsOf(["--clean", "live-1"], env).clean).toEqual({ mark: "live-1" });
  expect(() => optionsOf([], {})).toThrow(/name the stack/);
  expect(() => optionsOf(["--max-usd", "none"], env)).toThrow(/above 0/);
  expect(() => optionsOf(["live-1"], env)).toThrow(/not understood/);
});
