import { expect, test } from "vitest";
import { readReply } from "../../../lib/client/sdk/reply.ts";
import { record, result } from "../replies.ts";

const structured = (value: object) => ({ structuredContent: value, content: [] });

test("a reply keeps what a newer endpoint says besides, at any depth", () => {
  const newer = { ...record(), mood: "fine", progress: { sequence: 1, timestamp: "now", share: 0.5 } };
  expect(readReply("get_task_status", structured(newer))).toEqual(newer);
});

test("the text block serves where there is no structured content", () => {
  const reply = { content: [{ type: "text", text: JSON.stringify(result({ result: 1 })) }] };
  expect(readReply("get_task_result", reply)).toEqual(result({ result: 1 }));
});

test("an error is told as it is, however long its text", () => {
  const error = { code: "worker.lost", message: "x".repeat(20_000), retryable: false };
  expect(readReply("get_task_result", structured(result({ status: "failed", error })))).toMatchObject({ error });
});

test.each([
  ["a status that there is not", { ...record(), status: "resting" }, "status: "],
  ["a record without its id", { ...record(), id: undefined }, "id: is required"],
  ["something else", { tides: "high" }, "id: is required; status: is required"],
])("%s is refused by name, with what is wrong", (_, reply, issue) => {
  expect(() => readReply("get_task_status", structured(reply))).toThrow(
    `the endpoint answered get_task_status in a way that this version does not know: ${issue}`,
  );
});

test.each([
  [{ isError: true, content: [{ type: "text", text: "it broke" }] }, "it broke"],
  [{ content: [] }, "the endpoint answered without a value"],
  [{ content: [{ type: "text", text: "[1]" }] }, "[1]"],
])("what is neither a result nor an error of ours is told as it is: %j", (reply, message) => {
  expect(() => readReply("list_providers", reply)).toThrow(message);
});
