import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownEvent, type TaskEvent } from "../../lib/contract/events.ts";
import { newTaskId, randomHex } from "../../lib/contract/task-id.ts";
import type { LogChunk } from "../../lib/store/port.ts";
import { hostileStrings, sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const timestamp = "2026-01-02T03:04:05.678Z";

/** The text cut before each of `cuts`, as chunks with consecutive numbers from 100. */
function chunksOf(taskId: string, text: string, cuts: number[]): LogChunk[] {
  const bounds = [...new Set([0, ...cuts.map((cut) => Math.min(cut, text.length)), text.length])].sort((a, b) => a - b);
  return bounds.slice(0, -1).map((offset, i) => ({
    taskId,
    offset,
    sequence: 100 + i,
    stream: i % 2 ? "stderr" : "stdout",
    timestamp,
    text: text.slice(offset, bounds[i + 1]),
  }));
}

const insidePair = (text: string, index: number) =>
  index > 0 && index < text.length && /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(index - 1, index + 1));

/** What reading has to give, on a plain string. */
function readModel(text: string, cursor: number, limit: number) {
  let start = Math.min(cursor, text.length);
  if (insidePair(text, start)) start -= 1;
  let end = Math.min(start + limit, text.length);
  if (insidePair(text, end)) end = end - 1 > start ? end - 1 : end + 1;
  return { data: text.slice(start, end), cursor: start, nextCursor: end };
}

const shuffled = <T>(items: T[], seed: number) =>
  items
    .map((item, i) => ({ item, key: (i * 7919 + seed) % 104_729 }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);

const text = fc.array(
  fc.constantFrom("a", "007", "1e5", "é", "漢", "😀", "👩‍👧", "\0", "\n", "\ufeff", "z".repeat(40)),
  {
    maxLength: 60,
  },
);
const numbers = fc.array(fc.nat(300), { maxLength: 12 });

export function logSuite(open: OpenStoreFunction): void {
  describe("events", () => {
    const store = sharedStore(open);

    it("keeps the first of two with one number, in order whatever the order of writing", async () => {
      const taskId = newTaskId();
      const events: TaskEvent[] = Array.from({ length: 40 }, (_, i) => ({
        taskId,
        sequence: 100 + i,
        type: "task.progress",
        timestamp,
        message: `${i}`,
        payload: { i },
      }));
      const created = ownEvent(taskId, "task.created", 0);
      const succeeded = ownEvent(taskId, "task.succeeded", 0);
      await Promise.all(shuffled(events, 3).map((event) => store().appendEvents([event])));
      await store().appendEvents([succeeded, ...events.map((event) => ({ ...event, message: "again" })), created]);
      await store().appendEvents([]);
      const all = [created, ...events, succeeded];
      expect(await store().listEvents(taskId, 0, 1000)).toEqual(all);
      expect(await store().listEvents(taskId, 100, 5)).toEqual(all.slice(2, 7));
      expect(await store().listEvents(taskId, succeeded.sequence, 5)).toEqual([]);
      expect(await store().listEvents(newTaskId(), 0, 5)).toEqual([]);
    });

    it("shows log chunks among them", async () => {
      const taskId = newTaskId();
      const progress = { taskId, sequence: 102, type: "task.progress", timestamp };
      const chunk = { taskId, stream: "stdout", timestamp };
      await store().appendLog([
        { ...chunk, offset: 0, sequence: 100, text: "ab" },
        { ...chunk, offset: 2, sequence: 101, text: "c\0" },
      ]);
      await store().appendEvents([progress]);
      await store().appendLog([{ ...chunk, stream: "stderr", offset: 4, sequence: 103, text: "😀" }]);
      const log = (sequence: number, offset: number, message: string, stream = "stdout") => ({
        taskId,
        sequence,
        type: "task.log",
        timestamp,
        message,
        payload: { stream, offset },
      });
      const all = [log(100, 0, "ab"), log(101, 2, "c\0"), progress, log(103, 4, "😀", "stderr")];
      expect(await store().listEvents(taskId, 0, 100)).toEqual(all);
      for (const after of [99, 100, 101, 102, 103])
        expect(await store().listEvents(taskId, after, 2)).toEqual(all.filter((e) => e.sequence > after).slice(0, 2));
    });

    it("finds the place of any number in a long log", async () => {
      const taskId = newTaskId();
      const lines = Array.from({ length: 150 }, (_, i) => `line ${i} ${"-".repeat(i % 7)}\n`);
      let offset = 0;
      const chunks = lines.map((text, i): LogChunk => {
        offset += text.length;
        // Events of other kinds have taken every third number.
        const sequence = 100 + i + Math.floor(i / 2);
        return { taskId, offset: offset - text.length, sequence, stream: "stdout", timestamp, text };
      });
      const others = Array.from({ length: 75 }, (_, i) => ({
        taskId,
        sequence: 102 + 3 * i,
        type: "task.progress",
        timestamp,
      }));
      await Promise.all([store().appendLog(shuffled(chunks, 5)), store().appendEvents(others)]);
      const sequences = [...chunks, ...others].map(({ sequence }) => sequence).sort((a, b) => a - b);
      for (let after = 98; after < 330; after += 11) {
        const events = await store().listEvents(taskId, after, 9);
        const expected = sequences.filter((sequence) => sequence > after).slice(0, 9);
        expect(events.map(({ sequence }) => sequence)).toEqual(expected);
      }
    });

    it.each(hostileStrings)("keeps hostile strings: %j", async (text) => {
      const taskId = newTaskId();
      const payload = JSON.parse(`{"__proto__": ${JSON.stringify(text)}}`);
      const event = { taskId, sequence: 100, type: "task.progress", timestamp, message: text, payload };
      await store().appendEvents([event]);
      expect(JSON.stringify(await store().listEvents(taskId, 0, 10))).toBe(JSON.stringify([event]));
    });
  });

  describe("log", () => {
    const store = sharedStore(open);

    it("is empty before anything was written", async () => {
      const empty = { data: "", cursor: 0, nextCursor: 0 };
      expect(await store().readLog(newTaskId(), 0, 100)).toEqual(empty);
      expect(await store().readLog(newTaskId(), 12, 100)).toEqual(empty);
    });

    it("reads as the plain string reads, at any cursor and limit", async () => {
      const reads = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 120 })), { minLength: 1, maxLength: 12 });
      const property = fc.asyncProperty(text, numbers, reads, fc.nat(), async (parts, cuts, reads, seed) => {
        const whole = parts.join("");
        const taskId = newTaskId();
        const chunks = chunksOf(
          taskId,
          whole,
          cuts.filter((cut) => !insidePair(whole, cut)),
        );
        await store().appendLog(shuffled(chunks, seed));
        await store().appendLog(
          chunks.map((chunk) => ({ ...chunk, text: chunk.text.replace(/./gsu, "#"), sequence: 1 })),
        );
        for (const [cursor, limit] of reads)
          expect(await store().readLog(taskId, cursor, limit)).toEqual(readModel(whole, cursor, limit));
      });
      await fc.assert(property, { numRuns: 60 });
    });

    it("is whole for a reader that follows it, also where a pair was split over two chunks", async () => {
      const property = fc.asyncProperty(text, numbers, fc.integer({ min: 1, max: 50 }), async (parts, cuts, limit) => {
        const whole = parts.join("");
        const taskId = newTaskId();
        await store().appendLog(chunksOf(taskId, whole, cuts));
        let read = "";
        for (let cursor = 0; cursor < whole.length; ) {
          const reply = await store().readLog(taskId, cursor, limit);
          expect(reply).toEqual(readModel(whole, cursor, limit));
          read += reply.data;
          cursor = reply.nextCursor;
        }
        expect(read).toBe(whole);
      });
      await fc.assert(property, { numRuns: 40 });
    });

    it("returns a pair whole for a limit of 1 and for a cursor inside it", async () => {
      const taskId = newTaskId();
      await store().appendLog(chunksOf(taskId, "a😀b", []));
      expect(await store().readLog(taskId, 1, 1)).toEqual({ data: "😀", cursor: 1, nextCursor: 3 });
      expect(await store().readLog(taskId, 2, 1)).toEqual({ data: "😀", cursor: 1, nextCursor: 3 });
      expect(await store().readLog(taskId, 0, 2)).toEqual({ data: "a", cursor: 0, nextCursor: 1 });
      expect(await store().readLog(taskId, 99, 10)).toEqual({ data: "", cursor: 4, nextCursor: 4 });
    });

    it("waits at a gap, so that a follower misses nothing", async () => {
      const taskId = newTaskId();
      const [first, second, third] = chunksOf(taskId, "abcdefghi", [3, 6]) as [LogChunk, LogChunk, LogChunk];
      await store().appendLog([third]);
      await store().appendLog([first]);
      expect(await store().readLog(taskId, 0, 100)).toEqual({ data: "abc", cursor: 0, nextCursor: 3 });
      await store().appendLog([second, first, third]);
      expect(await store().readLog(taskId, 3, 100)).toEqual({ data: "defghi", cursor: 3, nextCursor: 9 });
    });

    it("passes over chunks without text", async () => {
      const taskId = newTaskId();
      const chunk = { taskId, stream: "stdout", timestamp };
      await store().appendLog([
        { ...chunk, offset: 0, sequence: 100, text: "" },
        { ...chunk, offset: 0, sequence: 101, text: "kept" },
      ]);
      expect(await store().readLog(taskId, 0, 100)).toMatchObject({ data: "kept" });
    });

    it("is read at any cursor when it is long", async () => {
      const taskId = newTaskId();
      const length = 16_000;
      const texts = Array.from({ length: 200 }, () => randomHex(length / 2));
      const whole = texts.join("");
      const chunk = { taskId, stream: "stdout", timestamp };
      await store().appendLog(texts.map((text, i) => ({ ...chunk, offset: i * length, sequence: 100 + i, text })));
      for (const cursor of [0, 1, length, 1_234_567, whole.length - 10, whole.length + 1])
        expect(await store().readLog(taskId, cursor, 64_000)).toEqual(readModel(whole, cursor, 64_000));
      expect(await store().readLog(taskId, 5, whole.length)).toEqual(readModel(whole, 5, whole.length));
      expect(await store().listEvents(taskId, 150, 1000)).toHaveLength(149);
    });

    it("takes a chunk from twenty writers at once", async () => {
      const taskId = newTaskId();
      const chunks = chunksOf(taskId, "0123456789".repeat(400), [1000, 2000, 3000]);
      await Promise.all(Array.from({ length: 20 }, () => store().appendLog(chunks)));
      expect((await store().readLog(taskId, 0, 64_000)).data).toBe("0123456789".repeat(400));
      expect(await store().listEvents(taskId, 0, 100)).toHaveLength(4);
    });
  });
}
