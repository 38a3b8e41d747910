/**
 * What the Python program agent-dispatch 0.16 was found to do badly, or says of itself that it does, each with a stand-in for
 * Claude Code that behaves as the real one does there. What other files prove already is not here.
 */
import { expect, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { processesOf } from "../system.ts";
import { machine, ours } from "./machine.ts";

const open = async () => ours(machine(), "2025-11-25");

test("a turn of a conversation says what it cost itself, though its program says what all of them did", async () => {
  const { call } = await open();
  const first = await call("dispatch_session", { agent: "infra", task: "one" });
  const next = await call("dispatch_session", { agent: "infra", task: "two", session_id: first.session_id });
  expect(next.result).toContain("in turn 2");
  expect([first.cost_usd, next.cost_usd]).toEqual([0.02, 0.02]);
});

test("who asks in a later turn of a conversation is told to its agent", async () => {
  const { call } = await open();
  const task = { agent: "infra", task: "who asks" };
  const first = await call("dispatch_session", { ...task, caller: "backend" });
  expect(first.result).toContain("for backend");
  const next = await call("dispatch_session", { ...task, caller: "shop-web", session_id: first.session_id });
  expect(next.result).toContain("for shop-web");
});

test("how long a later turn of a conversation has is told to its agent, and holds", async () => {
  const { call } = await open();
  const first = await call("dispatch_session", { agent: "infra", task: "how long have you", timeout_seconds: 300 });
  expect(first.result).toContain("about 300 seconds");
  const turn = { agent: "infra", session_id: first.session_id };
  const next = await call("dispatch_session", { ...turn, task: "how long have you", timeout_seconds: 77 });
  expect(next.result).toContain("about 77 seconds");
  const last = await call("dispatch_session", { ...turn, task: "hang", timeout_seconds: 10 });
  expect(last).toMatchObject({ error_type: "timeout", session_id: first.session_id });
});

const emptied = (id: string) => expect.poll(() => processesOf(`task_${id}`), { timeout: 60_000 }).toEqual([]);

test("a timeout leaves nothing of its agent, also what that has put into a session of its own", async () => {
  const { call } = await open();
  const answer = await call("dispatch", { agent: "infra", task: "hang", timeout_seconds: 10 });
  expect(answer).toMatchObject({ success: false, error_type: "timeout", session_id: expect.any(String) });
  await emptied(String(answer.task_id).replace("task_", ""));
});

test("a cancel leaves nothing of a job that runs, also what that has put into a session of its own", async () => {
  const { call } = await open();
  const { job_id } = await call("dispatch_async", { agent: "infra", task: "hang" });
  // The program, and what it left behind it.
  await expect.poll(async () => (await processesOf(`task_${job_id}`)).length, { timeout: 60_000 }).toBeGreaterThan(1);
  expect(await call("dispatch_cancel", { job_id })).toMatchObject({
    outcome: "cancelled_running",
    status: "cancelled",
  });
  await emptied(String(job_id));
});

test("what is not ASCII is answered as it is", async () => {
  const { call, raw } = await open();
  await call("update_agent", { name: "infra", description: "Отвечает за прод" });
  expect(await raw("list_agents", {})).toContain("Отвечает за прод");
});

test("a call that gives up, or is cut short, costs no other its turn", async () => {
  const { call } = await open();
  const waiting = call("dispatch", { agent: "infra", task: "hang", timeout_seconds: 10 });
  const looks: Json[] = await Promise.all(Array.from({ length: 8 }, () => call("dispatch_jobs", {})));
  expect(looks.every(Array.isArray)).toBe(true);
  expect(await waiting).toMatchObject({ error_type: "timeout" });
});
