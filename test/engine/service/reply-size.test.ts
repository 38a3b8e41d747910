import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstFitting, fittingLength, MAX_REPLY, replySize } from "../../../lib/contract/replies/reply-size.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { taskRecord } from "../../../lib/engine/record.ts";
import { fitRecord } from "../../../lib/engine/service/fit-record.ts";
import { makeTask, withFields } from "../../contract/make-task.ts";
import { bareCaller } from "../../mcp/clients.ts";
import { openPorts } from "../../mcp/ports.ts";

const open = () => {
  const ports = openPorts();
  return { ports, ...bareCaller({ ports }) };
};
const timestamp = "2026-11-20T10:00:00.000Z";

test("a beginning that fits never splits a pair and always gets on", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1 }), fc.integer({ min: 1, max: 50 }), (text, room) => {
      const length = fittingLength(text, room);
      const part = text.slice(0, length);
      expect(length).toBeGreaterThan(0);
      expect(part.isWellFormed()).toBe(true);
      if (replySize(text) <= room) expect(length).toBe(text.length);
    }),
  );
});

test("the beginning of a text that fits is well-formed, however little room there is", () => {
  expect(firstFitting("😀😀😀 hello", 0)).toBe("😀…");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: -5, max: 50 }), (text, room) => {
      expect(firstFitting(text, room).isWellFormed()).toBe(true);
    }),
  );
});

test("a record that is too long names the parts that are previews", () => {
  const long = { instruction: "i".repeat(90_000) };
  const record = taskRecord(makeTask({ status: "succeeded", input: long, result: "short" }));
  const fitted = fitRecord(record);
  expect(replySize(fitted)).toBeLessThan(MAX_REPLY);
  expect(fitted).toMatchObject({ previews: ["input"], result: "short" });
  const short = taskRecord(makeTask());
  expect(fitRecord(short)).toEqual(short);
});

describe("a long output", () => {
  const outputs = [
    ["plain", "abcdefghi\n", 20_000],
    ["escaped", "\u001b[31m\u0000", 10_000],
    ["wide", "日本語😀", 10_000],
  ] as const;
  const limits = [{ most: 16_000 }, { limit: 64_000, most: MAX_REPLY }, { limit: 1000, most: 16_000 }];
  const cases = outputs.flatMap(([what, piece, times]) => limits.map((more) => ({ what, piece, times, ...more })));

  test.each(cases)("$what comes in replies of $most at most with limit $limit, and whole", async (one) => {
    const { piece, times, limit, most } = one;
    const { ports, call } = open();
    const text = piece.repeat(times);
    const task = makeTask({ owner: "me", status: "succeeded", logLength: text.length });
    await ports.store.create(task);
    const size = piece.length * 1000;
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => ({
      taskId: task.id,
      offset: i * size,
      sequence: 100 + i,
      stream: "stdout",
      timestamp,
      text: text.slice(i * size, (i + 1) * size),
    }));
    await ports.store.appendLog(chunks);
    let read = "";
    for (let cursor = 0, replies = 0; cursor < text.length && replies < 300; replies++) {
      const { structured, text: said } = await call("get_task_logs", { task_id: task.id, cursor, limit });
      const reply = structured as { cursor: number; nextCursor: number; data: string };
      expect(said).toEqual(reply);
      // All of the text that a client shows to its model, escapes included
      expect(JSON.stringify(said).length).toBeLessThanOrEqual(most);
      expect(replySize(reply)).toBeLessThanOrEqual(most);
      if (limit !== undefined) expect(reply.data.length).toBeLessThanOrEqual(limit);
      else if (reply.nextCursor < text.length) expect(replySize(reply)).toBeGreaterThan(most * 0.9);
      expect(reply.nextCursor).toBe(reply.cursor + reply.data.length);
      read += reply.data;
      cursor = reply.nextCursor;
    }
    expect(read === text).toBe(true);
  });
});

test("a long result is a preview, and the whole is where it says", async () => {
  const { ports, call } = open();
  const result = { report: `begin${"x".repeat(80_000)}end` };
  const task = makeTask({ owner: "me", status: "succeeded", result });
  await ports.store.create(task);
  const { structured } = await call("get_task_result", { task_id: task.id });
  type Reply = { result: Json; resultRef: { uri: string; sizeBytes: number; sha256: string } };
  const reply = structured as Reply;
  expect(replySize(reply)).toBeLessThan(MAX_REPLY);
  expect(reply).toMatchObject({
    result: { report: expect.stringMatching(/^beginx+\n\[\.\.\. \d+ characters left out \.\.\.\]\nx+end$/) },
    previews: ["result"],
  });
  const whole = new TextDecoder().decode(await ports.artifacts.get(reply.resultRef));
  expect(JSON.parse(whole)).toEqual(result);
});

test("a result that is kept elsewhere is previewed from there", async () => {
  const { ports, call } = open();
  const task = makeTask({ owner: "me", status: "succeeded" });
  const content = new TextEncoder().encode(JSON.stringify("y".repeat(200_000)));
  const resultRef = await ports.artifacts.put(task.id, "result.json", content, "application/json");
  await ports.store.create(withFields(task, { resultRef }));
  const { structured } = await call("get_task_result", { task_id: task.id });
  expect(structured).toMatchObject({ result: expect.stringMatching(/^y+\n\[\.\.\. /), resultRef });
});

test("events stop where the reply is full, and the reader gets on", async () => {
  const { ports, call } = open();
  const task = makeTask({ owner: "me", status: "succeeded", logLength: 40 * 8000, workerSequence: 139 });
  await ports.store.create(task);
  await ports.store.appendLog(
    Array.from({ length: 40 }, (_, i) => ({
      taskId: task.id,
      offset: i * 8000,
      sequence: 100 + i,
      stream: "stdout",
      timestamp,
      text: "z".repeat(8000),
    })),
  );
  const seen: number[] = [];
  for (let after = 0, more = true; more; ) {
    const { structured } = await call("get_task_status", { task_id: task.id, events_after: after });
    expect(replySize(structured)).toBeLessThanOrEqual(MAX_REPLY);
    const { events, eventsNext } = structured as { events: Json[]; eventsNext: number };
    seen.push(...events.map(({ sequence }) => sequence as number));
    more = eventsNext > after;
    after = eventsNext;
  }
  // Those of its beginning and its end stand in the task.
  expect(seen).toEqual([1, ...Array.from({ length: 40 }, (_, i) => 100 + i), 1_000_000_001, 1_000_000_002]);
});

test("an event that others may still come before waits for them", async () => {
  const { ports, call } = open();
  const task = makeTask({ owner: "me", status: "running", workerSequence: 100 });
  await ports.store.create(task);
  const event = (sequence: number) => ({ taskId: task.id, sequence, type: "task.progress", timestamp });
  await ports.store.appendEvents([event(100), event(102), { ...event(1_000_000_000), type: "task.cancelling" }]);
  const sequencesOf = async () => {
    const { structured } = await call("get_task_status", { task_id: task.id, events_after: 0 });
    return (structured as { events: Json[] }).events.map(({ sequence }) => sequence);
  };
  expect(await sequencesOf()).toEqual([100]);
  await ports.store.appendEvents([event(101)]);
  await ports.store.change(task.id, (current) => ({ ...current, workerSequence: 102 }));
  expect(await sequencesOf()).toEqual([100, 101, 102, 1_000_000_000]);
});
