import { describe, expect, test } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { EventLines } from "../../worker/frameworks/event-lines.ts";
import { fixture, startWorker } from "./start-worker.ts";

const node = (name: string) => `${process.execPath} ${fixture(name)}`;

test.concurrent("echo answers with its prompt", async () => {
  await using worker = await startWorker();
  const { reply, events } = await worker.agent(
    { instruction: "hello", framework: "echo" },
    { prompt: "## Task\nhello" },
  );
  expect(reply).toMatchObject({ status: "succeeded", result: { output: "## Task\nhello" } });
  expect(events).toMatchObject([{ type: "task.progress" }]);
});

test.concurrent("an unknown framework is refused with those there are", async () => {
  await using worker = await startWorker({
    [environmentVariables.frameworkCommands]: JSON.stringify({ mine: ["cat"] }),
  });
  expect((await worker.hello()).frameworks).toEqual(["echo", "strands", "mine"]);
  const { reply } = await worker.agent({ instruction: "x", framework: "theirs" });
  expect(reply.error).toMatchObject({ code: "task.framework_unknown", hint: expect.stringMatching(/: echo, .*mine$/) });
});

test.concurrent("nothing answers for a framework that was not named", async () => {
  await using worker = await startWorker();
  const { reply } = await worker.agent({ instruction: "x" });
  expect(reply).toMatchObject({
    status: "failed",
    error: {
      code: "task.framework_missing",
      message: "no framework is named",
      hint: expect.stringContaining("framework can be: echo"),
    },
  });
});

test.concurrent("an instruction is required", async () => {
  await using worker = await startWorker();
  const { reply } = await worker.agent({ prompt: "x" });
  expect(reply.error).toMatchObject({ code: "input.invalid", message: expect.stringContaining("input.instruction") });
});

describe("a command as a framework", () => {
  test.concurrent("is given the task as one line of JSON, and may answer with text", async () => {
    await using worker = await startWorker({ AGENTDISPATCH_FRAMEWORK_COMMAND_MY_CAT: "cat" });
    const { reply } = await worker.agent(
      { instruction: "do it", framework: "my-cat", model: "m-1", runtime_tools: { enabled: ["search"] } },
      { context: { a: 1 }, metadata: { b: 2 }, depth: 3 },
    );
    expect(reply.status).toBe("succeeded");
    // Its answer is a JSON object without any of the known parts but one, `input`, so it is the result itself.
    expect(reply.result).toEqual({
      output: "",
      outcome: null,
      result: {
        taskId: worker.taskId,
        taskType: "agent.run",
        prompt: "do it",
        input: { instruction: "do it", framework: "my-cat", model: "m-1", runtime_tools: { enabled: ["search"] } },
        context: { a: 1 },
        metadata: { b: 2 },
        framework: "my-cat",
        model: "m-1",
        runtimeTools: { enabled: ["search"] },
        limits: { timeoutSeconds: 60, graceSeconds: 1 },
        depth: 3,
        protocol: expect.stringContaining("STATUS: done"),
      },
    });
  });

  test.concurrent("may answer with parts, events, artifacts and usage", async () => {
    await using worker = await startWorker({ AGENTDISPATCH_FRAMEWORK_COMMAND_FULL: node("agent-structured.mjs") });
    const { reply, events, text } = await worker.agent({ instruction: "report", framework: "full" });
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { output: "I was asked: report", result: { depth: "0" } },
      usage: { inputTokens: 12, outputTokens: 3 },
    });
    expect(reply.artifacts?.map(({ name, contentType }) => [name, contentType])).toEqual([
      ["left.txt", "text/plain; charset=utf-8"],
      ["notes/report.md", "text/markdown; charset=utf-8"],
    ]);
    expect(events.filter(({ type }) => type !== "task.log")).toMatchObject([
      { type: "task.progress", message: "half way", payload: { percent: 50 } },
      { type: "task.progress", message: "done" },
    ]);
    expect(text("stderr")).toContain("thinking\n@event {not json}\n");
    expect(text("stderr")).toContain("not mine to say");
    expect(text("stderr").match(/its name leads elsewhere/g)).toHaveLength(2);
  });

  test.concurrent.each([
    ["echo 'Half of it.'; echo '**Status:** blocked - the key'", { output: "Half of it.", needs: "the key" }],
    [
      `echo '{"output":"Half of it.","outcome":"needs_input","needs":"the key"}'`,
      { output: "Half of it.", needs: "the key" },
    ],
  ])("says how far it came as all agents do: %s", async (script, said) => {
    await using worker = await startWorker({
      [environmentVariables.frameworkCommands]: JSON.stringify({ half: ["sh", "-c", script] }),
    });
    const conversation = { id: `conv_${"c".repeat(32)}` };
    const { reply } = await worker.agent({ instruction: "x", framework: "half" }, { conversation });
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { ...said, outcome: "needs_input", conversation: conversation.id },
    });
  });

  test.concurrent("that answers with endless brackets has answered with text", async () => {
    const script = `console.log('{"result":' + "[".repeat(20_000) + "]".repeat(20_000) + "}")`;
    await using worker = await startWorker({
      [environmentVariables.frameworkCommands]: JSON.stringify({ deep: [process.execPath, "-e", script] }),
    });
    const { reply } = await worker.agent({ instruction: "x", framework: "deep" });
    expect(reply).toMatchObject({ status: "succeeded", result: { output: expect.stringContaining("[[[") } });
  });

  test.concurrent("that fails says why, and keeps what it answered", async () => {
    await using worker = await startWorker({
      AGENTDISPATCH_FRAMEWORK_COMMAND_BAD: `sh -c 'echo partial; echo "no model" >&2; exit 4'`,
    });
    const { reply } = await worker.agent({ instruction: "x", framework: "bad" });
    expect(reply).toMatchObject({
      status: "failed",
      error: { code: "task.agent_error", message: "sh ended with exit code 4: no model", details: { exitCode: 4 } },
      result: { output: "partial" },
    });
  });

  test.concurrent("that is not there says so", async () => {
    await using worker = await startWorker({ AGENTDISPATCH_FRAMEWORK_COMMAND_GONE: "/no/such/agent" });
    const { reply } = await worker.agent({ instruction: "x", framework: "gone" });
    expect(reply.error).toMatchObject({ code: "task.command_not_found" });
  });

  test.concurrent.each([
    ["text", "yes | head -c 3000000", "result.txt", 2_999_999, "output"],
    [
      "JSON",
      `printf '{"result":"'; yes | tr -d '\\n' | head -c 3000000; printf '"}'`,
      "result.json",
      3_000_040,
      "result",
    ],
    ["text too long to hold", "head -c 50000000 /dev/zero", "result.txt", 50_000_000, "output"],
  ])("may give a long answer, which keeps its shape: %s", async (_name, script, artifact, sizeBytes, field) => {
    await using worker = await startWorker({
      [environmentVariables.frameworkCommands]: JSON.stringify({ long: ["sh", "-c", script] }),
    });
    const { reply } = await worker.agent({ instruction: "x", framework: "long" });
    expect(reply).toMatchObject({
      status: "succeeded",
      result: { truncated: true, [field]: expect.stringMatching(/characters left out/), artifact },
      artifacts: [{ name: artifact, sizeBytes }],
    });
  });

  test.concurrent("may not publish events without end", async () => {
    const script = `yes '@event {"message":"again"}' | head -n 20000 >&2`;
    await using worker = await startWorker({
      [environmentVariables.frameworkCommands]: JSON.stringify({ loud: ["sh", "-c", script] }),
    });
    const { events, reply, text } = await worker.agent({ instruction: "x", framework: "loud" });
    expect(reply.status).toBe("succeeded");
    expect(events.filter(({ type }) => type === "task.progress")).toHaveLength(10_000);
    expect(text()).toContain("the rest is dropped");
  });
});

test("lines are told from events wherever the text is cut", () => {
  const text = 'a\n@event {"n":1}\n @event {"n":2}\nb@event {"n":3}\n@event no\n@eve\n@event {"n":4}';
  for (let size = 1; size <= text.length; size++) {
    let plain = "";
    const events: string[] = [];
    const lines = new EventLines(
      (more) => {
        plain += more;
      },
      (json) => json.startsWith("{") && events.push(json.trim()) > 0,
    );
    for (let at = 0; at < text.length; at += size) lines.write(text.slice(at, at + size));
    lines.end();
    expect(events).toEqual(['{"n":1}', '{"n":4}']);
    expect(plain).toBe('a\n @event {"n":2}\nb@event {"n":3}\n@event no\n@eve\n');
  }
});
