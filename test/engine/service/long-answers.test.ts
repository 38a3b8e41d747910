import { Tiktoken } from "js-tiktoken/lite";
import tokens from "js-tiktoken/ranks/o200k_base";
import { describe, expect, test } from "vitest";
import { fitReply } from "../../../lib/contract/replies/fit-reply.ts";
import { MAX_REPLY, replySize } from "../../../lib/contract/replies/reply-size.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { bytes, describeContent, makeTask } from "../../contract/make-task.ts";
import { bareCaller, command } from "../../mcp/clients.ts";
import { openPorts } from "../../mcp/ports.ts";

const encoder = new Tiktoken(tokens);
const open = () => {
  const ports = openPorts();
  return { ports, ...bareCaller({ ports }) };
};

/** What tokenizers take badly, each about `length` characters long, without being the same all over. */
const hostile = {
  "random letters": (length: number) =>
    Buffer.from(Array.from({ length }, (_, i) => (i * 7919 + (i >> 3) * 104_729) % 251))
      .toString("base64")
      .slice(0, length),
  "rare scripts": (length: number) =>
    Array.from({ length: length / 2 }, (_, i) => String.fromCodePoint(0x13000 + ((i * 7919) % 1000))).join(""),
  "rare ideographs": (length: number) =>
    Array.from({ length }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000))).join(""),
  "control characters": (length: number) => '\u001b[31m\u0000"\\\n'.repeat(length / 9),
};

describe.each(Object.entries(hostile))("of %s", (_name, make) => {
  // In words, because the tokenizer takes ever longer for longer ones
  const long = (length: number) => make(length).replaceAll(/.{19}/gsu, "$& ").slice(0, length).toWellFormed();

  test("no reply of any tool is above 20,000 tokens", { timeout: 240_000 }, async () => {
    const { ports, call } = open();
    const createdAt = "2026-11-20T10:00:00.000Z";
    const task = makeTask({
      owner: "me",
      status: "failed",
      taskType: "agent.run",
      goal: long(20_000),
      caller: { name: long(15_000) },
      metadata: { note: long(30_000) },
      input: { instruction: long(60_000) },
      progress: { sequence: 120, message: long(4000), timestamp: createdAt },
      providerRefs: { runtimeArn: long(2000), log: long(9000) },
      envNames: Array.from({ length: 50 }, (_, i) => `NAME_${i}_${"X".repeat(90)}`),
      result: { output: long(50_000), outcome: "done", needs: long(4000) },
      error: { code: "task.agent_error", message: long(20_000), retryable: false, details: { text: long(8000) } },
      artifacts: Array.from({ length: 60 }, (_, i) =>
        describeContent(bytes(`${i}`), { createdAt, id: `a${i}`, name: long(490), state: "lost", reason: long(1900) }),
      ),
      artifactsLeftOut: {
        count: 100,
        limit: 1000,
        files: Array.from({ length: 100 }, () => ({ name: long(490), reason: long(490) })),
      },
      logLength: 64_000,
      workerSequence: 120,
    });
    await ports.store.create(task);
    const chunk = { taskId: task.id, stream: "stdout", timestamp: createdAt };
    const pieces = Array.from({ length: 16 }, (_, i) => ({
      ...chunk,
      offset: i * 4000,
      sequence: 100 + i,
      text: long(4000),
    }));
    await ports.store.appendLog(pieces);
    for (let i = 0; i < 40; i++)
      await call("dispatch_task", command({ input: { command: `true '${long(300).replaceAll("'", "")}'` } }));

    const task_id = task.id;
    const calls: [string, Json][] = [
      ["get_task_status", { task_id }],
      ["get_task_status", { task_id, events_after: 0 }],
      ["wait_for_task", { task_id }],
      ["get_task_result", { task_id }],
      ["get_task_result", { task_id, offset: 0, max_chars: 64_000 }],
      ["get_task_result", { task_id, artifacts_cursor: 7 }],
      ["get_task_logs", { task_id, limit: 64_000 }],
      ["list_tasks", { limit: 100 }],
      ["list_capabilities", {}],
      ["list_account_profiles", {}],
      ["check_cloud_agent_runtime", {}],
      ["spawn_cloud_agent", { runtime: "nobody" }],
      ["dispatch_task", { [long(3000)]: 1 }],
    ];
    for (const [tool, args] of calls) {
      const { text, structured, isError } = await call(tool, args);
      expect(replySize(text), tool).toBeLessThanOrEqual(MAX_REPLY);
      if (!isError) expect(structured, tool).toEqual(Array.isArray(text) ? { items: text } : text);
      expect(encoder.encode(JSON.stringify(text)).length, tool).toBeLessThan(20_000);
    }
    // Those that were dispatched, page by page, none twice
    const ids: unknown[] = [];
    for (let cursor: unknown = null, pages = 0; cursor !== undefined && pages < 50; pages++) {
      const { structured } = await call("list_tasks", { limit: 100, cursor });
      const page = structured as { items: Json[]; cursor?: string };
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    }
    expect(ids.length).toBe(41);
    expect(new Set(ids).size).toBe(41);
  });

  test("a page of the result is as long as asked for, and the pages are the whole text", async () => {
    const { ports, call } = open();
    const output = `begin${long(45_000)}end`;
    const task = makeTask({
      owner: "me",
      status: "succeeded",
      taskType: "agent.run",
      result: { output, outcome: "done" },
    });
    await ports.store.create(task);
    for (const max_chars of [undefined, 1, 7000, 64_000]) {
      let read = "";
      for (let offset: number | undefined = 0, pages = 0; offset !== undefined && pages < 60; pages++) {
        const { structured } = await call("get_task_result", {
          task_id: task.id,
          offset,
          ...(max_chars && { max_chars }),
        });
        const reply = structured as {
          text: string;
          offset: number;
          nextOffset?: number;
          textLength: number;
          result?: Json;
        };
        expect(reply).toMatchObject({ offset, textLength: output.length });
        expect(reply.text.isWellFormed()).toBe(true);
        expect(replySize(reply)).toBeLessThanOrEqual(max_chars === undefined ? 16_000 : MAX_REPLY);
        if (max_chars !== undefined && max_chars > 1) expect(reply.text.length).toBeLessThanOrEqual(max_chars);
        if (offset === 0) expect(reply.result).toEqual({ outcome: "done" });
        read += reply.text;
        offset = reply.nextOffset;
      }
      expect(output.startsWith(read)).toBe(true);
      if (max_chars !== 1) expect(read === output).toBe(true);
    }
  });
});

test("a page begins at a whole character, and past the end there is none", async () => {
  const { ports, call } = open();
  const task = makeTask({ owner: "me", status: "succeeded", result: "a😀b" });
  await ports.store.create(task);
  const page = async (more: Json) => (await call("get_task_result", { task_id: task.id, ...more })).structured;
  expect(await page({ offset: 2, max_chars: 2 })).toMatchObject({ text: "😀", offset: 1, nextOffset: 3 });
  expect(await page({ offset: 1, max_chars: 1 })).toMatchObject({ text: "😀", offset: 1, nextOffset: 3 });
  const past = await page({ offset: 99 });
  expect(past).toMatchObject({ text: "", offset: 4, textLength: 4 });
  expect(past).not.toHaveProperty("nextOffset");
  const json = makeTask({ owner: "me", status: "succeeded", result: { exitCode: 3 } });
  await ports.store.create(json);
  expect((await call("get_task_result", { task_id: json.id, max_chars: 5 })).structured).toMatchObject({
    text: '{"exi',
    nextOffset: 5,
  });
  const running = makeTask({ owner: "me", status: "running" });
  await ports.store.create(running);
  expect((await call("get_task_result", { task_id: running.id, offset: 0 })).structured).toEqual({
    taskId: running.id,
    status: "running",
    artifacts: [],
  });
});

test("an answer that is too long loses halves of what is longest, and says where", () => {
  const many = Array.from({ length: 3000 }, (_, i) => ({ name: `n${i}`, text: "t".repeat(20) }));
  const fitted = fitReply({ short: "kept", items: many, long: "x".repeat(60_000) });
  expect(replySize(fitted)).toBeLessThanOrEqual(MAX_REPLY);
  expect(fitted).toMatchObject({ short: "kept", previews: ["long"], more: 3000 - fitted.items.length });
  expect(fitted.items[0]).toEqual(many[0]);
  // A list alone loses no more than it has to, and what it did not have before counts as well.
  const list = fitReply({ items: many, more: 7 });
  expect(list).toEqual({ items: many.slice(0, list.items.length), more: 3007 - list.items.length });
  expect(replySize(list)).toBeGreaterThan(MAX_REPLY * 0.95);
  const names = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`name ${i}`, i]));
  expect(replySize(fitReply({ names }))).toBeLessThanOrEqual(MAX_REPLY);
  const short = { a: [1, 2, { b: "c" }] };
  expect(fitReply(short)).toBe(short);
});

describe("a dispatch that asks for a reference", () => {
  test.each([
    [{ return_ref: true }, 1000],
    [{ summary_chars: 20 }, 20],
    [{ return_ref: true, summary_chars: 8000 }, 8000],
  ])("%j has a summary of %d characters in the wait and in the result", async (asked, length) => {
    const { ports, call } = open();
    const given = { runtime: "local", instruction: "write", ...asked };
    const { structured: handle } = await call("spawn_cloud_agent", given);
    const dispatched = await ports.store.get(handle?.taskId as string);
    expect(dispatched).toMatchObject({ summaryChars: length });
    const output = `${"é".repeat(9000)}.`;
    const task = makeTask({
      owner: "me",
      status: "succeeded",
      taskType: "agent.run",
      summaryChars: length,
      result: { output, outcome: "done" },
    });
    await ports.store.create(task);
    const task_id = task.id;
    for (const [tool, args] of [
      ["wait_for_task", {}],
      ["get_task_status", {}],
      ["get_task_result", {}],
    ] as const) {
      const { structured } = await call(tool, { task_id, ...args });
      expect(structured).toMatchObject({
        status: "succeeded",
        result: { outcome: "done", output: `${"é".repeat(length - 1)}…` },
        previews: ["result"],
        resource: `task://${task_id}/result`,
        resultRef: { uri: expect.stringMatching(/^file:/), sizeBytes: expect.any(Number) },
      });
    }
    const { structured } = await call("get_task_result", { task_id, offset: 0 });
    expect(output.startsWith(structured?.text as string)).toBe(true);
  });

  test("shows a short result whole", async () => {
    const { ports, call } = open();
    const task = makeTask({
      owner: "me",
      status: "succeeded",
      summaryChars: 100,
      result: { output: "short", outcome: "done" },
    });
    await ports.store.create(task);
    const { structured } = await call("wait_for_task", { task_id: task.id });
    expect(structured).toMatchObject({ result: { output: "short" } });
    expect(structured).not.toHaveProperty("previews");
  });

  test("may ask for one in dispatch_task too, and return_ref: false asks for none", async () => {
    const { ports, call } = open();
    const dispatched = async (more: Json) =>
      ports.store.get((await call("dispatch_task", command(more))).structured?.taskId as string);
    expect(await dispatched({ summary_chars: 50 })).toMatchObject({ summaryChars: 50 });
    expect(await dispatched({ return_ref: false, summary_chars: 50 })).not.toHaveProperty("summaryChars");
    expect(await dispatched({})).not.toHaveProperty("summaryChars");
  });
});
