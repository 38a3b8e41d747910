/**
 * Weaknesses of the Python program agent-dispatch, as its changelog and its documents name them, in how it runs the program of an
 * agent: each with a stand-in for Claude Code that does what that stumbled over.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { processesOf } from "../system.ts";
import { machine, ours, type Program } from "./machine.ts";

const ends: (() => void | Promise<void>)[] = [];
let program: Program;
beforeAll(async () => {
  const atEnd = (work: () => void | Promise<void>) => void ends.unshift(work);
  const { env, ...here } = machine({ stub: "claude-in-trouble.mjs", atEnd });
  program = await ours({ ...here, env: { ...env, SHOP_DATABASE_URL: "postgres://secret" } }, "2025-11-25", atEnd);
});
afterAll(async () => {
  for (const end of ends) await end();
});

const dispatch = (task: string, more: Json = {}): Promise<Json> =>
  program.call("dispatch", { agent: "infra", task, cache: false, ...more });

test("megabytes on stderr are read while it works, and its answer is there", async () => {
  expect(await dispatch("writes megabytes to stderr")).toMatchObject({ success: true, result: "paid for" });
});

test("lines that are not what they should be cost nobody the answer", async () => {
  expect(await dispatch("prints lines that are none")).toMatchObject({ success: true, result: "paid for" });
});

test("bytes that are no text, and half a character, are replaced in the answer", async () => {
  const answer = await dispatch("prints bytes that are no text");
  expect(answer).toMatchObject({ success: true, result: "paid \ufffd for \ufffd." });
  const job_id = String(answer.task_id).replace("task_", "");
  expect(await program.call("dispatch_status", { job_id })).toMatchObject({ status: "done" });
});

test("figures that are none cost nobody the answer, and are in no sum", async () => {
  const answer = await dispatch("counts nonsense");
  expect(answer).toMatchObject({ success: true, result: "paid for" });
  for (const field of ["cost_usd", "denied_tools"]) expect(answer).not.toHaveProperty(field);
  const { items } = await program.call("get_usage", { by: "task" });
  const sums = { succeeded: 1, costTold: 0, costUsd: 0, inputTokens: 0, outputTokens: 0 };
  expect(items).toContainEqual(expect.objectContaining({ key: answer.task_id, ...sums }));
});

test("who has answered and does not end is ended in time, and has answered", async () => {
  const answer = await dispatch("does not end after its answer", { timeout_seconds: 10 });
  expect(answer).toMatchObject({ success: true, result: "paid for" });
});

test("who is left with its output open keeps no answer waiting, and is ended", async () => {
  const answer = await dispatch("leaves somebody on its pipes");
  expect(answer).toMatchObject({ success: true, result: "paid for" });
  await expect.poll(() => processesOf(String(answer.task_id)), { timeout: 60_000 }).toEqual([]);
});

test("JSON that was asked for is read, whatever it says after that of how it went", async () => {
  const answer = await dispatch("says how it went after its JSON", { response_format: "json" });
  expect(answer).toMatchObject({ success: true, parsed_result: { errors: 3 } });
});

test("an exit code of 0 without an answer is a failure", async () => {
  expect(await dispatch("answers with nothing")).toMatchObject({ success: false, error_type: "cli_error" });
});

test("why it failed is told wherever it says so", async () => {
  expect(await dispatch("says elsewhere why it failed")).toMatchObject({
    success: false,
    error: expect.stringContaining("the disk of the model is full"),
  });
});

test("too many requests in a minute are no limit of the account, and that one is told with its end", async () => {
  expect(await dispatch("is asked too often in a minute")).toMatchObject({
    error_type: "cli_error",
    hint: expect.stringContaining("too many requests at once"),
  });
  expect(await dispatch("reaches the limit of its account")).toMatchObject({
    error_type: "usage_limit",
    hint: expect.stringContaining("2026-11-30T"),
  });
});

test("of the environment it sees what it needs, and nothing else of who started the server", async () => {
  const seen = String((await dispatch("tells what it sees")).result).split(" ");
  expect(seen).toEqual(expect.arrayContaining(["PATH", "HOME", "ANTHROPIC_API_KEY"]));
  expect(seen).not.toContain("SHOP_DATABASE_URL");
});

test.each(["--output-format", "--session-id", "--permission-mode bypassPermissions"])(
  "a task that reads %s is a task",
  async (task) => {
    const { result } = await dispatch(task);
    expect(result).toMatch(new RegExp(`^asked for ${task} with -p --output-format=stream-json `));
    expect(result).not.toContain("bypassPermissions --");
  },
);
