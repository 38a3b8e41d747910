import { expect, test } from "vitest";
import { findTaskId } from "../../../lib/client/cli/task-id.ts";
import { callerOf, record, shortRecord } from "../replies.ts";

const ids = ["abcd".padEnd(32, "0"), "abcd".padEnd(32, "1"), "abce".padEnd(32, "0")].map((digits) => `task_${digits}`);

/** An endpoint that lists a task per page. */
const endpoint = callerOf((tool, { cursor = "0", task_id }) => {
  const index = ids.indexOf(String(task_id));
  if (tool === "get_task_status")
    return record({ id: task_id as string, status: "failed", input: { command: `make ${index}` } });
  expect(tool).toBe("list_tasks");
  const at = Number(cursor);
  const item = shortRecord({ id: ids[at] ?? "", status: "failed", summary: `make ${at}` });
  return { items: [item], ...(at + 1 < ids.length && { cursor: String(at + 1) }) };
});

test("the beginning of one id is that id, wherever it stands in the list", async () => {
  expect(await findTaskId(endpoint, "abce")).toBe(ids[2]);
  expect(await findTaskId(endpoint, "task_ABCD1")).toBe(ids[1]);
});

test("a whole id is not looked for", async () => {
  const whole = `task_${"f".repeat(32)}`;
  expect(await findTaskId(endpoint, whole)).toBe(whole);
});

test("the beginning of several ids is refused with what they are", async () => {
  await expect(findTaskId(endpoint, "abcd")).rejects.toMatchObject({
    code: "task.ambiguous",
    message: `2 tasks begin with abcd:\n  ${ids[0]}  failed  $ make 0\n  ${ids[1]}  failed  $ make 1`,
    details: { candidates: ids.slice(0, 2) },
  });
});

test("where more tasks are than are looked through, the refusal says so", async () => {
  const endless = callerOf(() => ({ items: [shortRecord({ id: ids[0] ?? "" })], cursor: "more" }));
  await expect(findTaskId(endless, "ffff")).rejects.toMatchObject({
    code: "task.not_found",
    message: "no task begins with ffff among the 10000 newest",
    hint: "give the whole id of an older one",
  });
});

test("where older tasks may begin so too, as many digits as a list shows name the one that was found", async () => {
  let calls = 0;
  const many = callerOf((tool) => {
    if (tool === "get_task_status") return record({ id: ids[0] ?? "", status: "failed" });
    calls += 1;
    return { items: calls === 1 ? [shortRecord({ id: ids[0] ?? "" })] : [], cursor: "more" };
  });
  await expect(findTaskId(many, "abcd")).rejects.toMatchObject({
    code: "task.ambiguous",
    message: expect.stringContaining("older ones may"),
  });
  calls = 0;
  expect(await findTaskId(many, "abcd0000")).toBe(ids[0]);
});

test("what is known is not looked for, and what is not known is", async () => {
  const known = (found: string[]) => async () => found;
  expect(await findTaskId(endpoint, "abce", known([ids[1] ?? ""]))).toBe(ids[1]);
  expect(await findTaskId(endpoint, "abce", known([]))).toBe(ids[2]);
  await expect(findTaskId(endpoint, "abcd", known(ids.slice(0, 2)))).rejects.toMatchObject({ code: "task.ambiguous" });
});

test.each([
  ["ffff", "task.not_found"],
  ["abc", "input.invalid"],
  ["task_", "input.invalid"],
  ["", "input.invalid"],
  ["../x", "input.invalid"],
  ["f".repeat(33), "input.invalid"],
])("%j is refused as %s", async (text, code) => {
  await expect(findTaskId(endpoint, text)).rejects.toMatchObject({ code });
});
