import { resolve } from "node:path";
import { expect, test } from "vitest";
import { readContinue } from "../../../lib/client/cli/continuing.ts";
import { toCall } from "../../../lib/client/cli/run-call.ts";

const key = { idempotency_key: expect.stringMatching(/^[0-9a-f-]{36}$/) };

test("a command is dispatched to this machine, with everything it was given", () => {
  const options = { command: "make all", cwd: "sub", env: { A: "1" }, shell: true, timeout: 90 };
  expect(toCall(undefined, options, {}, "text")).toEqual({
    tool: "dispatch_task",
    args: {
      provider: "local",
      account_profile: "local",
      capability: "agent-runtime",
      task_type: "command.run",
      target: { mode: "session", details: { workspace: resolve("sub") } },
      input: { command: "make all", env: { A: "1" }, stdin: "text", shell: true, timeoutSeconds: 90 },
      timeout_seconds: 90,
      ...key,
    },
  });
});

test("both run in the folder that is named, a command else in the current one", () => {
  const here = { target: { mode: "session", details: { workspace: process.cwd() } } };
  expect(toCall(undefined, { command: "ls" }, {}).args).toMatchObject(here);
  expect(toCall("Say hello", { cwd: "/x" }, {}).args).toMatchObject({ target: { details: { workspace: "/x" } } });
});

test("an instruction is spawned as it is; only what was given is sent", () => {
  expect(toCall("Say hello", {}, {})).toEqual({
    tool: "spawn_cloud_agent",
    args: { instruction: "Say hello", ...key },
  });
  const options = { runtime: "r", framework: "f", context: { k: "v" }, env: { A: "1" }, idempotencyKey: "mine" };
  expect(toCall("Say hello", options, { AGENTDISPATCH_TASK_ID: "task_1" }).args).toEqual({
    instruction: "Say hello",
    runtime: "r",
    framework: "f",
    context: { k: "v" },
    environment_variables: { A: "1" },
    metadata: { parentTaskId: "task_1" },
    idempotency_key: "mine",
  });
});

test("all that is said of an agent task is in its call", () => {
  const options = {
    ...({ model: "m", protocol: "a2a", goal: "g", caller: "me", metadata: { k: "v" }, targetMode: "runtime" } as const),
    ...{ runtimeArn: "arn", ecrImageUri: "image", executionRoleArn: "role", cwd: "/x" },
  };
  expect(toCall("Go", options, { AGENTDISPATCH_TASK_ID: "task_1" }).args).toEqual({
    ...{ instruction: "Go", model: "m", protocol: "a2a", goal: "g", caller: "me" },
    ...{ runtime_arn: "arn", ecr_image_uri: "image", execution_role_arn: "role" },
    target: { mode: "runtime", details: { workspace: "/x" } },
    metadata: { k: "v", parentTaskId: "task_1" },
    ...key,
  });
});

test.each([
  ["a model for a command", undefined, { command: "ls", model: "m" }, "--model: goes with an instruction"],
  ["neither", undefined, {}, "instruction: say what"],
  ["both", "text", { command: "ls" }, "not both"],
  ["a runtime for a command", undefined, { command: "ls", runtime: "r" }, "--runtime: goes with an instruction"],
  ["a conversation for a command", undefined, { command: "ls", conversation: "c" }, "--conversation: goes with an"],
  ["two conversations", "text", { continue: true as const, conversation: "c" }, "give it or --continue, not both"],
  [
    "standard input for an agent",
    "text",
    { shell: true, stdin: "y" },
    "--stdin: goes with --command; --shell: goes with --command",
  ],
])("%s is refused", (_, instruction, options, message) => {
  expect(() => toCall(instruction, options, {})).toThrow(message);
});

test.each([
  ["the last task", "Go on", true, { instruction: "Go on", continue: true }],
  ["words behind --continue as the instruction", undefined, "Go on", { instruction: "Go on", continue: true }],
  ["a task beside an instruction", "Go on", "1a2b", { instruction: "Go on", continue: "1a2b" }],
  ["a task without an instruction", undefined, "task_1a2b", { instruction: undefined, continue: "task_1a2b" }],
] as const)("--continue takes %s", (_, given, task, expected) => {
  const { instruction, options } = readContinue(given, { continue: task });
  expect({ instruction, ...options }).toEqual(expected);
});
