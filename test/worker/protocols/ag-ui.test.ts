import { type BaseEvent, HttpAgent, type RunAgentParameters } from "@ag-ui/client";
import { describe, expect, test } from "vitest";
import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import { startWorker, type TestWorker, until } from "../start-worker.ts";
import { scripted } from "./scripted.ts";

const env = { ...scripted, [environmentVariables.workerProtocol]: "ag-ui" };
type Event = BaseEvent & Record<string, unknown>;

function connect(worker: TestWorker) {
  const agent = new HttpAgent({ url: `${worker.url}/invocations`, threadId: "thread-1" });
  const run = async (text: string, more: RunAgentParameters = {}) => {
    const events: Event[] = [];
    agent.setMessages([{ id: crypto.randomUUID(), role: "user", content: text }]);
    const { result, newMessages } = await agent.runAgent(more, {
      onEvent: ({ event }) => void events.push(event as Event),
      onRunErrorEvent: () => {},
    });
    return { events, result, newMessages, end: events.at(-1) };
  };
  return { agent, run };
}

describe("a worker that speaks AG-UI", () => {
  test("tells what the agent says and does, its files, and its answer", async () => {
    await using worker = await startWorker(env);
    const { run } = connect(worker);
    const { events, newMessages, end } = await run("say I look; call grep; log a line; hello; leave notes.txt", {
      context: [{ description: "colour", value: "red" }],
    } as RunAgentParameters);
    const custom = (name: string) => events.filter((event) => event.type === "CUSTOM" && event.name === name);
    expect(events[0]).toMatchObject({ type: "RUN_STARTED", threadId: "thread-1" });
    expect(newMessages.filter(({ role }) => role === "assistant").map(({ content }) => content)).toEqual(
      expect.arrayContaining(["I look", "done: hello"]),
    );
    expect(events).toContainEqual(expect.objectContaining({ type: "TOOL_CALL_START", toolCallName: "grep" }));
    expect(events).toContainEqual(expect.objectContaining({ type: "TOOL_CALL_RESULT", content: "found" }));
    expect(custom("task.log")).toMatchObject([{ value: { message: "a line\n", stream: "stderr" } }]);
    expect(custom("artifact")).toMatchObject([{ value: { name: "notes.txt", base64: btoa("this is notes.txt") } }]);
    expect(end).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "success" } });
    await until(async () => (await worker.ping()).status === "Healthy");
  });

  test("asks by an interrupt, and goes on with the run that resolves it", async () => {
    await using worker = await startWorker(env);
    const { run } = connect(worker);
    const { end } = await run("ask Which colour?");
    expect(end).toMatchObject({
      type: "RUN_FINISHED",
      outcome: { type: "interrupt", interrupts: [{ message: "Which colour?", reason: "input_required" }] },
    });
    const { interrupts = [] } = (end?.outcome ?? {}) as { interrupts?: { id: string }[] };
    const resume = [{ interruptId: interrupts[0]?.id ?? "", status: "resolved" as const, payload: "green" }];
    const { end: done } = await run("", { resume });
    expect(done).toMatchObject({ type: "RUN_FINISHED", result: "done: green", outcome: { type: "success" } });
  });

  test("says why an agent failed, and refuses what is no run", async () => {
    await using worker = await startWorker(env);
    const { run } = connect(worker);
    expect((await run("fail out of paper")).end).toMatchObject({
      type: "RUN_ERROR",
      code: expect.stringMatching(/^task\./),
    });
    const post = async (body: object) => {
      const response = await fetch(`${worker.url}/invocations`, { method: "POST", body: JSON.stringify(body) });
      return { status: response.status, ...((await response.json()) as object) };
    };
    expect(await post({ threadId: "t" })).toMatchObject({ status: 400, error: { code: "input.invalid" } });
    expect(await post({ threadId: "t", runId: "r", messages: [] })).toMatchObject({ status: 400, type: "RUN_ERROR" });
    const resume = [{ interruptId: "nobody", status: "resolved" }];
    expect(await post({ threadId: "t", runId: "r", messages: [], resume })).toMatchObject({ status: 400 });
  });

  test("ends the run of a client that leaves", async () => {
    await using worker = await startWorker(env);
    const { agent, run } = connect(worker);
    const left = run("say begun; sleep 600000");
    await until(() => agent.messages.some(({ content }) => content === "begun"));
    agent.abortRun();
    await left;
    await until(async () => (await worker.ping()).status === "Healthy");
    expect((await run("hello")).end).toMatchObject({ type: "RUN_FINISHED" });
  });

  test("understands the worker contract and the plain envelope at the same path", async () => {
    await using worker = await startWorker(env);
    const { reply } = await worker.agent({ instruction: "hello", framework: "scripted" });
    expect(reply).toMatchObject({ status: "succeeded" });
    await using plain = await startWorker(env);
    const answer = await plain.post({ prompt: "hello", input: { framework: "scripted" } });
    expect(await answer.json()).toMatchObject({ ok: true, output: { output: "done: hello" } });
  });
});
