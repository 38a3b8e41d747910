/** What `fetch_result` has of a job: nothing of it is lost that `dispatch` shows, or says to be there. */
import { expect, test } from "vitest";
import { MAX_REPLY, replySize } from "../../../lib/contract/replies/reply-size.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { makeTask, type TaskFields } from "../../contract/make-task.ts";
import { bareCaller } from "../../mcp/clients.ts";
import { openPorts } from "../../mcp/ports.ts";

/** The pages of a job that ended like that, and its `dispatch_status`. */
async function pagesOf(fields: TaskFields): Promise<{ pages: Json[]; text: string; shown: Json }> {
  const ports = openPorts();
  const { call } = bareCaller({ ports, toolset: "agents" });
  const task = makeTask({ owner: "me", taskType: "agent.run", status: "succeeded", ...fields });
  await ports.store.create(task);
  const pages: Json[] = [];
  for (let offset: unknown = 0; offset !== undefined; offset = pages.at(-1)?.next_offset) {
    const { structured = {} } = await call("fetch_result", { ref: task.id, offset });
    expect(replySize(structured)).toBeLessThanOrEqual(MAX_REPLY);
    expect(structured).not.toHaveProperty("previews");
    pages.push(structured);
  }
  const { structured } = await call("dispatch_status", { job_id: task.id });
  return { pages, text: pages.map(({ result }) => result).join(""), shown: structured?.result as Json };
}

const json = (size: number) => ({
  words: Array.from({ length: size / 10 }, (_, at) => `w${String(at).padStart(6, "0")}`),
});
const asked = (output: string, value: unknown): TaskFields => ({
  responseFormat: {},
  result: { output, result: value },
});

test.each([
  ["beside a short text", "done", json(15_500)],
  ["beside a text that is the same", JSON.stringify(json(7700)), json(7700)],
  ["beside a text that is longer than a reply", "long ".repeat(10_000), json(15_500)],
])("a parsed value %s is there", async (_what, output, value) => {
  const { pages, text, shown } = await pagesOf(asked(output, value));
  expect(pages[0]?.parsed_result).toEqual(value);
  expect(text).toBe(output);
  if (shown.truncated === undefined) expect(shown.parsed_result).toEqual(value);
});

test.each([
  ["beside a short text", "done", json(26_000)],
  ["that is far larger", "done", json(100_000)],
])("a parsed value that a reply has no room for, %s, is read in pages, which say so", async (_what, output, value) => {
  const { pages, text } = await pagesOf(asked(output, value));
  expect(pages.length).toBeGreaterThan(1);
  for (const page of pages) expect(page).toMatchObject({ truncated: true, hint: expect.stringContaining("JSON") });
  expect(JSON.parse(text)).toEqual(value);
});

test("an error and its hint are there as they were, however long the text beside them is", async () => {
  const [message, hint] = ["It broke. ".repeat(90), "Mend it. ".repeat(90)];
  const error = { code: "task.exit_code", message, hint, retryable: false } as const;
  const output = "words ".repeat(2500);
  const { pages, text } = await pagesOf({ status: "failed", error, result: { output } });
  expect(pages[0]).toMatchObject({ success: false, error: message, hint });
  expect(text).toBe(output);
});
