import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inputRequestsOf } from "../../lib/contract/input-requests.ts";
import { CONTRACT, FIRST_WORKER_SEQUENCE } from "../../lib/contract/worker.ts";
import { fixture, newTaskId, startWorker, until } from "./start-worker.ts";

const command = (command: string) => ({ taskType: "command.run", input: { command, shell: true } });

test.concurrent("hello names the boot, which stays the same", async () => {
  await using worker = await startWorker();
  const first = await worker.hello();
  expect(first).toMatchObject({
    contract: CONTRACT,
    protocols: ["http", "a2a", "mcp", "ag-ui"],
    frameworks: ["echo", "strands"],
  });
  expect(await worker.hello()).toEqual(first);
});

test.concurrent("two workers have different boots, and an operation for another one is refused", async () => {
  await using one = await startWorker();
  await using other = await startWorker();
  one.bootId = (await other.hello()).bootId;
  expect(await one.start(command("true"))).toMatchObject({ error: { code: "worker.replaced", retryable: true } });
  expect(await one.call("poll", { taskId: one.taskId, after: 0 })).toMatchObject({
    error: { code: "worker.replaced" },
  });
});

test.concurrent("a task is started once, however often it is asked for, and alone", async () => {
  await using worker = await startWorker();
  const once = command("echo ran >> runs; cat runs; sleep 60");
  await worker.hello();
  const replies = await Promise.all([1, 2, 3].map(() => worker.start(once)));
  expect(replies).toEqual(replies.map(() => ({ accepted: true, taskId: worker.taskId, status: "running" })));
  expect(await worker.start({ ...once, taskId: newTaskId() })).toMatchObject({ error: { code: "worker.busy" } });
  await worker.poll(0);
  await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 0 });
  const { text } = await worker.finish();
  expect(text("stdout")).toBe("ran\n");
  expect(await worker.start(once)).toEqual(replies[0]);
  expect(await worker.start({ ...once, taskId: newTaskId() })).toMatchObject({ error: { code: "worker.busy" } });
});

test.concurrent("operations on a task that is not there are refused", async () => {
  await using worker = await startWorker();
  await worker.hello();
  for (const [op, fields] of Object.entries({
    poll: { after: 0 },
    cancel: { graceSeconds: 1 },
    input: { inputResponses: {} },
    upload: { targets: [] },
  })) {
    expect(await worker.call(op, { taskId: worker.taskId, ...fields })).toMatchObject({
      error: { code: "worker.unknown_task" },
    });
  }
});

describe("poll", () => {
  test.concurrent("answers a waiting caller as soon as the task ends", async () => {
    await using worker = await startWorker();
    await worker.start(command("sleep 60"));
    const waiting = worker.poll(0, 10);
    const cancelledAt = performance.now();
    await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 0 });
    expect((await waiting).status).toBe("cancelled");
    expect(performance.now() - cancelledAt).toBeLessThan(5000);
  });

  test("a line printed is in a waiting poll within a second", async () => {
    await using worker = await startWorker();
    await worker.start(command("while :; do date +%s%N; sleep 0.2; done"));
    let after = 0;
    for (let seen = 0; seen < 5; seen++) {
      const { events, next } = await worker.poll(after);
      after = next;
      const printed = Number(events[0]?.message?.trim().split("\n")[0]) / 1e6;
      expect(Date.now() - printed).toBeLessThan(1000);
    }
  });

  test.concurrent("gives the same events again until they are acknowledged, page by page", async () => {
    await using worker = await startWorker();
    await worker.start(command("for i in 1 2 3 4; do echo $i; sleep 0.1; done"));
    await until(async () => (await worker.poll(0, 0)).events.length >= 4);
    const all = await worker.poll(0, 0);
    expect(all.events[0]?.sequence).toBe(FIRST_WORKER_SEQUENCE);
    expect((await worker.poll(0, 0)).events).toEqual(all.events);
    const page = await worker.poll(0, 0, { maxBytes: 1 });
    expect(page.events).toEqual(all.events.slice(0, 1));
    const rest = await worker.poll(page.next, 0);
    expect(rest.events).toEqual(all.events.slice(1));
    expect((await worker.poll(0, 0)).events).toEqual(rest.events);
  });

  test.concurrent("tells the end only with the last events", async () => {
    await using worker = await startWorker();
    await worker.start(command("for i in 1 2 3; do echo $i; sleep 0.1; done"));
    await until(async () => (await worker.poll(0, 0)).status === "succeeded");
    const replies = [];
    for (let after = 0, status = "running"; status === "running"; ) {
      const reply = await worker.poll(after, 0, { maxBytes: 1 });
      replies.push(reply);
      after = reply.next;
      status = reply.status;
    }
    expect(replies.length).toBeGreaterThan(2);
    for (const reply of replies.slice(0, -1)) {
      expect(reply).toMatchObject({ status: "running" });
      expect(reply).not.toHaveProperty("result");
    }
    expect(replies.at(-1)).toMatchObject({ status: "succeeded", result: { exitCode: 0 }, artifacts: [] });
    expect(replies.at(-1)?.events).toHaveLength(1);
  });

  test.concurrent("a caller that hangs up leaves the task and the worker as they were", async () => {
    await using worker = await startWorker();
    await worker.start(command("sleep 60"));
    for (let round = 0; round < 20; round++) {
      const hangUp = new AbortController();
      const polling = worker.post(
        { contract: CONTRACT, op: "poll", bootId: worker.bootId, taskId: worker.taskId, after: 0, waitSeconds: 10 },
        {},
        hangUp.signal,
      );
      if (round === 0) await worker.ping();
      hangUp.abort();
      await expect(polling).rejects.toThrow();
    }
    await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 0 });
    expect((await worker.finish()).reply.status).toBe("cancelled");
  });
});

test.concurrent("ping is busy from the start of a task until its last event is acknowledged", async () => {
  await using worker = await startWorker();
  const idle = await worker.ping();
  expect(idle.status).toBe("Healthy");
  await worker.start(command("sleep 0.1; echo last"));
  const busy = await worker.ping();
  expect(busy.status).toBe("HealthyBusy");
  const { next } = await until(async () => {
    const reply = await worker.poll(0, 10);
    return reply.status === "succeeded" ? reply : undefined;
  });
  expect(await worker.ping()).toEqual(busy);
  await worker.poll(next, 0);
  expect((await worker.ping()).status).toBe("Healthy");
});

test.concurrent("the time of a ping moves only with its status", async () => {
  await using worker = await startWorker();
  const first = await worker.ping();
  await until(() => Date.now() / 1000 > first.time_of_last_update + 1.1);
  await worker.hello();
  expect(await worker.ping()).toEqual(first);
});

test.concurrent("a task that asks for input is given the answers, each time", async () => {
  await using worker = await startWorker({
    AGENTDISPATCH_FRAMEWORK_COMMAND_ASKS: `${process.execPath} ${fixture("agent-asks.mjs")}`,
  });
  await worker.start({ taskType: "agent.run", input: { instruction: "ask me", framework: "asks" } });
  for (const [question, answer] of Object.entries({ colour: "red", size: "7" })) {
    const { reply } = await worker.pollUntil(
      ({ status, inputRequests }) => status === "input_required" && question in (inputRequests ?? {}),
    );
    expect(reply.inputRequests).toEqual(inputRequestsOf({ [question]: `Which ${question}?` }));
    const input = { taskId: worker.taskId, inputResponses: { [question]: answer } };
    const replies = await Promise.all([1, 2, 3].map(() => worker.call("input", input)));
    expect(replies.map(({ accepted }) => accepted)).toEqual([true, true, true]);
  }
  const { reply } = await worker.finish();
  expect(reply).toMatchObject({ status: "succeeded", result: { result: [{ colour: "red" }, { size: "7" }] } });
  expect(await worker.call("input", { taskId: worker.taskId, inputResponses: {} })).toEqual({
    accepted: false,
    status: "succeeded",
  });
});

test.concurrent("several questions are answered one by one, each as its form wants it, and no other", async () => {
  const form = { type: "object", properties: { count: { type: "integer", minimum: 1 } }, required: ["count"] };
  const asked = { how: { message: "How many?", requestedSchema: form }, why: { message: "Why?" } };
  const script = `
    const { existsSync, readFileSync } = require("node:fs");
    const event = (payload) => process.stderr.write("@event " + JSON.stringify({ type: "task.input_required", payload }) + "\\n");
    event({ forgotten: "Never answered?" });
    event(${JSON.stringify(asked)});
    const file = process.env.AGENTDISPATCH_INPUT_FILE;
    setInterval(() => { if (existsSync(file)) { console.log(readFileSync(file, "utf8")); process.exit(); } }, 10);`;
  await using worker = await startWorker({
    AGENTDISPATCH_FRAMEWORK_COMMANDS: JSON.stringify({ asks: [process.execPath, "-e", script] }),
  });
  await worker.start({ taskType: "agent.run", input: { instruction: "ask me", framework: "asks" } });
  const isAsking = ({ inputRequests }: { inputRequests?: object | undefined }) => "how" in (inputRequests ?? {});
  expect((await worker.pollUntil(isAsking)).reply.inputRequests).toEqual(inputRequestsOf(asked));
  const answer = (inputResponses: object) => worker.call("input", { taskId: worker.taskId, inputResponses });
  expect(await answer({ how: { count: 0 } })).toMatchObject({
    error: { code: "input.invalid", message: "responses.how.count: must be a whole number, 1 at least" },
  });
  expect(await answer({ how: { count: 3 } })).toEqual({ accepted: true, status: "input_required" });
  expect(await answer({ forgotten: "x" })).toEqual({ accepted: false, status: "input_required" });
  expect(await answer({ why: { action: "decline" }, how: { count: 3 } })).toEqual({
    accepted: true,
    status: "running",
  });
  const { reply } = await worker.finish();
  expect(reply.result).toMatchObject({ result: { how: { action: "accept", content: { count: 3 } }, why: null } });
});

/** A program that asks all of that at once, says what it finds in its file, and ends. */
const asksOnce = (event: object, before = "", after = "") => ({
  AGENTDISPATCH_FRAMEWORK_COMMANDS: JSON.stringify({
    asks: [
      process.execPath,
      "-e",
      `const { existsSync, mkdirSync, readFileSync, writeSync } = require("node:fs");
      const file = process.env.AGENTDISPATCH_INPUT_FILE;
      ${before}
      writeSync(2, "@event " + ${JSON.stringify(JSON.stringify({ type: "task.input_required", ...event }))} + "\\n");
      ${after}
      setInterval(() => { if (existsSync(file)) { writeSync(1, readFileSync(file, "utf8")); process.exit(); } }, 10);`,
    ],
  }),
});
const asks = { taskType: "agent.run", input: { instruction: "ask me", framework: "asks" } };
const isAsking = ({ status }: { status: string }) => status === "input_required";

test.concurrent("questions with odd names are answered each by its own", async () => {
  const long = "Which of all the colours that there are in the whole of the world should it be ".repeat(2);
  const names = [`${long}today`, `${long}tomorrow`, "constructor", "", "\u0001", "toString"];
  const payload = Object.fromEntries(names.map((name) => [name, "Which?"]));
  await using worker = await startWorker(asksOnce({ payload }));
  await worker.start(asks);
  const { inputRequests = {} } = (await worker.pollUntil(isAsking)).reply;
  const keys = Object.keys(inputRequests);
  expect(keys).toHaveLength(names.length);
  for (const [index, key] of keys.entries()) {
    const open = Object.fromEntries(Object.entries(inputRequests).slice(index));
    // Whoever reads them again, with less of them open, reads the same keys.
    expect(Object.keys(inputRequestsOf(open))).toEqual(keys.slice(index));
    const input = { taskId: worker.taskId, inputResponses: { [key]: `number ${index}` } };
    expect(await worker.call("input", input)).toMatchObject({ accepted: true });
  }
  const { reply } = await worker.finish();
  const told = Object.fromEntries(names.map((name, index) => [name, `number ${index}`]));
  expect(reply.result).toMatchObject({ result: told });
});

test.concurrent("a question is told of with the output before it, however long that is", async () => {
  const print =
    'process.stdout.write("x".repeat(300_000)); writeSync(2, "@event {\\"type\\":\\"task.progress\\"}\\n");';
  await using worker = await startWorker(asksOnce({ message: "Which?" }, print));
  await worker.start(asks);
  const seen: string[] = [];
  for (let after = 0, isOver = false; !isOver; ) {
    const { status, events, next } = await worker.poll(after, 10, { maxBytes: 70_000 });
    seen.push(...events.map(({ type }) => type));
    isOver = status === "input_required";
    expect(isOver).toBe(seen.includes("task.input_required"));
    after = next;
  }
  await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 0 });
  await worker.finish();
});

test.concurrent("an answer is not taken once another, or the default, has taken its place", async () => {
  await using worker = await startWorker(asksOnce({ payload: { which: { message: "Which?", default: "red" } } }));
  await worker.start({ ...asks, limits: { answerSeconds: 0.2, unanswered: "default" } });
  expect((await worker.finish()).reply.result).toMatchObject({ result: { which: "red" } });
  const late = (which: string) => worker.call("input", { taskId: worker.taskId, inputResponses: { which } });
  expect(await late("blue")).toMatchObject({ accepted: false });
  expect(await late("red")).toMatchObject({ accepted: true });
});

test.concurrent("an agent hears what is said to it after its turn, once, and a program nothing", async () => {
  await using worker = await startWorker({
    AGENTDISPATCH_FRAMEWORK_COMMAND_SCRIPTED: `${process.execPath} ${fixture("scripted-agent.mjs")}`,
  });
  const go = join(worker.folder, "go");
  await worker.start({ taskType: "agent.run", input: { instruction: `await ${go}; first`, framework: "scripted" } });
  const say = (id: string, text: string) => worker.call("say", { taskId: worker.taskId, id, text });
  expect([await say("1", "second"), await say("1", "second")]).toEqual([
    { heard: "next_turn" },
    { heard: "next_turn" },
  ]);
  writeFileSync(go, "");
  const { reply, text } = await worker.finish();
  expect(reply).toMatchObject({ status: "succeeded", result: { output: "done: first" } });
  expect(text("stdout")).toBe("done: second\n");
  expect(await say("2", "third")).toMatchObject({ error: { code: "task.terminal" } });

  await using program = await startWorker();
  await program.start(command("sleep 60"));
  const deaf = await program.call("say", { taskId: program.taskId, id: "1", text: "hello" });
  expect(deaf).toMatchObject({ error: { code: "adapter.unsupported" } });
});

describe("a question that nobody answers", () => {
  const asking = (payload: object) => {
    const script = `
      const { existsSync, readFileSync } = require("node:fs");
      process.stderr.write("@event " + JSON.stringify({ type: "task.input_required", payload: ${JSON.stringify(payload)} }) + "\\n");
      const file = process.env.AGENTDISPATCH_INPUT_FILE;
      setInterval(() => { if (existsSync(file)) { console.log(readFileSync(file, "utf8")); process.exit(); } }, 10);`;
    return { AGENTDISPATCH_FRAMEWORK_COMMANDS: JSON.stringify({ asks: [process.execPath, "-e", script] }) };
  };
  const ended = async (payload: object, limits: object) => {
    await using worker = await startWorker(asking(payload));
    await worker.start({ taskType: "agent.run", input: { instruction: "ask me", framework: "asks" }, limits });
    return await worker.finish();
  };
  const withDefault = { colour: { message: "Which colour?", default: "red" } };

  test.concurrent.each([
    ["fails the job in time, though nobody polls", withDefault, {}],
    ["fails it too where it has no default", { colour: "Which colour?" }, { unanswered: "default" }],
  ])("%s", async (_name, payload, more) => {
    const { reply } = await ended(payload, { answerSeconds: 0.1, ...more });
    expect(reply).toMatchObject({
      status: "failed",
      error: { code: "task.input_timeout", message: "nobody answered within 0.1 s: Which colour?" },
    });
    expect(reply.error?.hint).toContain("limits.answerSeconds");
  });

  test.concurrent("is answered by its default where the limits say so, and the log tells", async () => {
    const { reply, text } = await ended(withDefault, { answerSeconds: 0.1, unanswered: "default" });
    expect(reply).toMatchObject({ status: "succeeded", result: { result: { colour: "red" } } });
    expect(text("stderr") + text("stdout")).toContain("nobody answered within 0.1 s: the default stands");
  });
});
