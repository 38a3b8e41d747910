import { expect, test } from "vitest";
import { readReply } from "../../../lib/client/sdk/reply.ts";
import { problem } from "../../../lib/contract/errors.ts";
import { record, result } from "../replies.ts";

const structured = (value: object) => ({ structuredContent: value, content: [] });

test("a reply keeps what a newer endpoint says besides, at any depth", async () => {
  const newer = { ...record(), mood: "fine", progress: { sequence: 1, timestamp: "now", share: 0.5 } };
  expect(await readReply("get_task_status", structured(newer))).toEqual(newer);
});

test("the text block serves where there is no structured content", async () => {
  const reply = { content: [{ type: "text", text: JSON.stringify(result({ result: 1 })) }] };
  expect(await readReply("get_task_result", reply)).toEqual(result({ result: 1 }));
});

test("an error is told as it is, however long its text", async () => {
  const error = problem("worker.lost", "x".repeat(20_000));
  expect(await readReply("get_task_result", structured(result({ status: "failed", error })))).toMatchObject({ error });
});

test("the error of a task that another version names is read as the nearest that is known", async () => {
  const error = { code: "worker.on_fire", message: "it burns", retryable: false };
  const newer = { ...result({ status: "failed" }), error };
  expect(await readReply("get_task_result", structured(newer))).toMatchObject({
    error: { ...error, code: "worker.other", details: { code: "worker.on_fire" } },
  });
});

test.each([
  ["a status that there is not", { ...record(), status: "resting" }, "status: "],
  ["a record without its id", { ...record(), id: undefined }, "id: is required"],
  ["something else", { tides: "high" }, "id: is required; status: is required"],
])("%s is refused by name, with what is wrong", async (_, reply, issue) => {
  await expect(readReply("get_task_status", structured(reply))).rejects.toThrow(
    `the endpoint answered get_task_status in a way that this version does not know: ${issue}`,
  );
});

test.each([
  [{ isError: true, content: [{ type: "text", text: "it broke" }] }, "it broke"],
  [{ content: [] }, "the endpoint answered without a value"],
  [{ content: [{ type: "text", text: "[1]" }] }, "[1]"],
])("what is neither a result nor an error of ours is told as it is: %j", async (reply, message) => {
  await expect(readReply("list_providers", reply)).rejects.toThrow(message);
});
