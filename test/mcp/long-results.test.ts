/** Answers of agents that are longer than a reply: nothing is left out in silence, and what is can be read. */
import { describe, expect, test } from "vitest";
import { notBegun } from "../../lib/contract/orchestration/state.ts";
import { MAX_REPLY, replySize } from "../../lib/contract/replies/reply-size.ts";
import type { Json } from "../../lib/contract/task.ts";
import { jobIdOf } from "../../lib/contract/tools/jobs/fields.ts";
import { queueEntry } from "../../lib/engine/cancellation.ts";
import { makeTask } from "../contract/make-task.ts";
import { OWNER, systemsOn } from "../engine/orchestration/system.ts";
import { bareCaller, connect, openEndpoint, type Revision } from "./clients.ts";
import { exampleConfiguration, openPorts } from "./ports.ts";

const open = systemsOn("SQLite");

const texts = {
  ascii: (length: number) => "plain words ".repeat(length).slice(0, length),
  german: (length: number) => "Über die Größe müßte man sprechen. ".repeat(length).slice(0, length),
  quoted: (length: number) => '"a"\n\t\\ '.repeat(length).slice(0, length),
  chinese: (length: number) => "长答案不应丢失".repeat(length).slice(0, length),
};

/** A client of a system whose agents say what their instruction numbers: `{"text": …}` of `said`. */
async function talking(said: (at: number) => string, revision: Revision = "2026-07-28") {
  let begun = 0;
  const system = await open({
    durationMs: () => 0,
    limits: { maxRunning: 100 },
    endOf: ({ position }) => ({ result: { output: said(position ?? begun++) }, usage: { costUsd: 0.01, turns: 1 } }),
  });
  const url = await openEndpoint({ ports: system.ports, owner: OWNER, toolset: "agents" });
  const client = await connect(url, revision);
  /** Calls again until the job is over: the same key is the same job. */
  const call = async (tool: string, args: Json) => {
    for (let key = { ...(tool === "dispatch_parallel" && { idempotency_key: "one" }) }; ; ) {
      const reply = await client.call(tool, { ...args, ...key });
      if (reply.isError) throw new Error(JSON.stringify(reply.text));
      const { timed_out_waiting: isEarly, job_id } = reply.structured as Json;
      expect(replySize(reply.structured)).toBeLessThanOrEqual(MAX_REPLY);
      expect(reply.structured).not.toHaveProperty("previews");
      if (!isEarly) return reply;
      await client.call("dispatch_wait", { job_id, timeout_seconds: 300 });
    }
  };
  /** All of a text that is read page by page. */
  const whole = async (ref: unknown): Promise<string> => {
    let text = "";
    for (let offset: unknown = 0; offset !== undefined; ) {
      const { structured = {} } = await call("fetch_result", { ref, offset });
      text += structured.result;
      offset = structured.next_offset;
    }
    return text;
  };
  return { system, call, whole, [Symbol.asyncDispose]: () => system[Symbol.asyncDispose]() };
}

const dispatches = (count: number): Json[] =>
  Array.from({ length: count }, (_, at) => ({ agent: "local", task: `job ${at}`, cache: false }));
const hex = expect.stringMatching(/^[0-9a-f]{32}$/);

describe.each([
  ["34 of 1,600 characters", 34, texts.ascii(1600)],
  ["12 of 2,000 German ones", 12, texts.german(2000)],
  ["12 of 2,300 with quotes and newlines", 12, texts.quoted(2300)],
  ["6 of 4,500 Chinese ones", 6, texts.chinese(4500)],
])("of several answers, %s", (_what, count, text) => {
  test.each(["2026-07-28", "2025-11-25"] as const)("each is in its place, on %s", async (revision) => {
    await using talk = await talking((at) => `${at} ${text}`, revision);
    const reply = await talk.call("dispatch_parallel", { dispatches: dispatches(count) });
    const list = reply.text as Json[];
    expect(reply.structured).toEqual({ items: list, job_id: hex, truncated: true, hint: expect.any(String) });
    expect(list).toHaveLength(count);
    for (const [at, item] of list.entries()) {
      expect(item).toMatchObject({ agent: "local", success: true, truncated: true, ref: hex });
      expect(item.full_size).toBe(`${at} ${text}`.length);
      expect(String(item.result).startsWith(`${at} `)).toBe(true);
      expect(`${at} ${text}`.startsWith(String(item.result).slice(0, -1))).toBe(true);
    }
    // What there is room for is used.
    expect(replySize(reply.structured)).toBeGreaterThan(MAX_REPLY * 0.9);
    expect(await talk.whole(list.at(-1)?.ref)).toBe(`${count - 1} ${text}`);
    // The same of the job itself.
    const { structured } = await talk.call("dispatch_wait", { job_id: reply.structured?.job_id });
    const { result } = structured as { result: { individual_results: Json[] } };
    const { individual_results } = result;
    expect(individual_results.map(({ ref }) => ref)).toEqual(list.map(({ ref }) => ref));
  });
});

test("with an answer that is made of all, each is in its place too", async () => {
  await using talk = await talking((at) => `${at} ${texts.chinese(9000)}`);
  const asked = { dispatches: dispatches(8), aggregate: "local" };
  const { structured } = await talk.call("dispatch_parallel", asked);
  const { individual_results, aggregated } = structured as { individual_results: Json[]; aggregated: Json };
  expect(structured).toMatchObject({ job_id: hex, truncated: true, hint: expect.any(String) });
  expect(individual_results).toHaveLength(8);
  for (const one of [...individual_results, aggregated])
    expect(one).toMatchObject({ success: true, truncated: true, full_size: 9002, ref: hex });
  expect(String(aggregated.result).length).toBeGreaterThan(3000);
});

test("short answers are whole beside long ones", async () => {
  await using talk = await talking((at) => (at === 3 ? texts.german(50_000) : `short ${at}`));
  const { text } = await talk.call("dispatch_parallel", { dispatches: dispatches(8) });
  const list = text as Json[];
  expect(list.map(({ truncated }) => truncated)).toEqual(list.map((_, at) => at === 3 || undefined));
  expect(list[7]).toMatchObject({ result: "short 7", session_id: expect.any(String), cost_usd: 0.01 });
  expect(String(list[3]?.result).length).toBeGreaterThan(15_000);
});

test("of very many answers each is in its place, and the job has all of them", async () => {
  await using talk = await talking((at) => `did ${at}`);
  const asked = { dispatches: dispatches(160), max_parallel: 100 };
  const { text, structured } = await talk.call("dispatch_parallel", asked);
  const list = text as Json[];
  expect(list.map(({ agent, success }) => [agent, success])).toEqual(list.map(() => ["local", true]));
  expect(list).toHaveLength(160);
  const hint = expect.stringContaining(`with ref ${structured?.job_id} all`);
  expect(structured).toMatchObject({ job_id: hex, truncated: true, hint });
  // Who reads the list alone is told as well.
  expect(list.some((one) => one.ref !== undefined || one.hint !== undefined)).toBe(true);
  const all = JSON.parse(await talk.whole(structured?.job_id)) as { individual_results: Json[] };
  expect(all.individual_results.map(({ result }) => result)).toEqual(list.map((_, at) => `did ${at}`));
});

test("of a thousand answers it is said of each whether it succeeded", async () => {
  await using talk = await talking(() => "");
  const answer = (at: number) => ({
    agent: `agent-${at}`,
    success: at % 2 === 0,
    result: `${at} ${texts.ascii(900)}`,
    task_id: `task_${String(at).padStart(32, "0")}`,
    status: at % 2 === 0 ? "succeeded" : "failed",
    ...(at % 2 === 1 && { error: texts.german(500), error_type: "cli_error" }),
  });
  const individual_results = Array.from({ length: 1000 }, (_, at) => answer(at));
  const result = { individual_results, aggregated: { ...answer(0), result: texts.ascii(50_000) } };
  const task = makeTask({
    owner: OWNER,
    taskType: "parallel.run",
    status: "succeeded",
    orchestration: notBegun,
    result,
  });
  await talk.system.ports.store.create(task);
  const { structured } = await talk.call("dispatch_wait", { job_id: task.id });
  const { result: shown } = structured as { result: { individual_results: Json[]; aggregated: Json } };
  expect(shown.individual_results.map(({ success }) => success)).toEqual(
    individual_results.map(({ success }) => success),
  );
  expect(shown.individual_results[0]).toMatchObject({ hint: expect.stringContaining("fetch_result") });
  expect(shown.aggregated).toMatchObject({ truncated: true, full_size: 50_000, ref: hex });
  expect(String(shown.aggregated.result).length).toBeGreaterThan(2000);
  expect(shown).toMatchObject({ job_id: jobIdOf(task.id), truncated: true });
});

test("a dialogue has each of its turns", async () => {
  await using talk = await talking((at) => `${at} ${texts.chinese(6000)}`);
  const asked = { requester: "local", responder: "local", topic: "why", max_rounds: 3 };
  const { structured } = await talk.call("dispatch_dialogue", asked);
  const { conversation } = structured as { conversation: Json[] };
  expect(structured).toMatchObject({ rounds: 3, job_id: hex, truncated: true, hint: expect.any(String) });
  expect(conversation.map(({ message }) => String(message)[0])).toEqual(["0", "1", "2", "3", "4", "5"]);
  for (const turn of conversation) expect(turn).toMatchObject({ truncated: true, full_size: 6002, ref: hex });
  expect(await talk.whole(conversation[4]?.ref)).toBe(`4 ${texts.chinese(6000)}`);
});

describe.each(Object.entries(texts))("an answer that is larger than a reply, in %s", (_name, make) => {
  test("says how long it is and where it is whole, also where one waits for it", async () => {
    const text = make(40_000);
    await using talk = await talking(() => text);
    const { structured = {} } = await talk.call("dispatch", { agent: "local", task: "tell", cache: false });
    const cut = { truncated: true, full_size: text.length, ref: hex, hint: expect.stringContaining("fetch_result") };
    expect(structured).toMatchObject(cut);
    expect(text.startsWith(String(structured.result).slice(0, -1))).toBe(true);
    expect(replySize(structured)).toBeGreaterThan(MAX_REPLY * 0.9);
    const job = await talk.call("dispatch_wait", { job_id: structured.ref });
    expect(job.structured?.result).toMatchObject(cut);
    expect(replySize(job.structured)).toBeGreaterThan(MAX_REPLY * 0.9);
    expect(await talk.whole(structured.ref)).toBe(text);
  });
});

test("a job whose task, goal and caller are long leaves its result the room", async () => {
  await using talk = await talking(() => texts.chinese(20_000));
  const words = texts.chinese(15_000);
  const asked = { agent: "local", task: words, goal: words, caller: words.slice(0, 2000) };
  const { structured } = await talk.call("dispatch_async", asked);
  const job = await talk.call("dispatch_wait", { job_id: structured?.job_id, timeout_seconds: 300 });
  expect(job.structured?.result).toMatchObject({ truncated: true, full_size: 20_000, ref: hex });
  expect(replySize(job.structured?.result)).toBeGreaterThan(MAX_REPLY / 2);
});

test("jobs are listed page by page, as many as fit, none twice", async () => {
  await using talk = await talking(() => "");
  const at = (second: number) => new Date(Date.UTC(2026, 10, 21) + second * 1000).toISOString();
  const tasks = Array.from({ length: 250 }, (_, second) => {
    const input = { instruction: texts.german(second % 2 === 0 ? 500 : 20) };
    const createdAt = at(second);
    return makeTask({ owner: OWNER, taskType: second % 5 ? "agent.run" : "command.run", input, createdAt });
  });
  await Promise.all(tasks.map((task) => talk.system.ports.store.create(task)));
  const jobs = tasks.filter(({ taskType }) => taskType === "agent.run").map(({ id }) => jobIdOf(id));
  for (const limit of [10, 60, 100]) {
    const seen: unknown[] = [];
    for (let cursor: unknown; ; ) {
      const { structured, text } = await talk.call("dispatch_jobs", { limit, ...(cursor ? { cursor } : {}) });
      const page = structured as { items: Json[]; cursor?: string };
      expect(text).toEqual(page.items);
      expect(page.items.length).toBeLessThanOrEqual(limit);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
      if (cursor === undefined) break;
      expect(page.items.length === limit || replySize(page) > MAX_REPLY * 0.8).toBe(true);
    }
    expect(seen).toEqual(jobs.toReversed());
  }
  // Who reads texts alone is told of what follows in one of its own, behind the bare list.
  const { post } = bareCaller({ ports: talk.system.ports, owner: OWNER, toolset: "agents" });
  const params = { name: "dispatch_jobs", arguments: { limit: 3 } };
  const response = await post(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }));
  const { result } = (await response.json()) as { result: { content: { text: string }[] } };
  const [list, besides] = result.content.map(({ text }) => JSON.parse(text) as Json);
  expect(list).toHaveLength(3);
  expect(besides).toEqual({ cursor: expect.any(String) });
});

test("a list that has no pages counts what it leaves out", async () => {
  const names = Array.from({ length: 60 }, (_, at) => `group-${at}`);
  const group = { description: texts.german(900), members: [{ agent: "local" }] };
  const groups = Object.fromEntries(names.map((name) => [name, group]));
  const ports = openPorts({ configuration: { ...exampleConfiguration, groups } });
  const input = { command: texts.german(400) };
  for (let at = 0; at < 90; at++) {
    const task = makeTask({ owner: OWNER, input });
    await ports.store.create(task);
    await ports.store.enqueue(queueEntry(task));
  }
  const { call } = bareCaller({ ports, owner: OWNER, toolset: "all" });
  for (const [tool, count] of [
    ["list_groups", 60],
    ["list_sessions", 90],
  ] as const) {
    const { structured, text } = await call(tool, {});
    const { items, more = 0 } = structured as { items: Json[]; more?: number };
    expect(replySize(structured), tool).toBeLessThanOrEqual(MAX_REPLY);
    expect(more, tool).toBeGreaterThan(0);
    expect(items.length + more, tool).toBe(count);
    expect(text, tool).toEqual(tool === "list_groups" ? items : structured);
  }
});
