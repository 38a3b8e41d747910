/** What is refused of several agents at once says where it stands in the call, and what there is instead. */
import { expect, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { TaskService } from "../../../lib/engine/service.ts";
import { openPorts } from "../../mcp/ports.ts";

function open() {
  const ports = openPorts({
    configuration: {
      accounts: { local: { provider: "local" } },
      backends: { here: { adapter: "local-process", account: "local" } },
      runtimes: { api: { backend: "here", framework: "echo" }, web: { backend: "here", framework: "echo" } },
    },
  });
  const tasks = new TaskService(ports, "me");
  const explicit = (task_type: string, input: Json) =>
    tasks.dispatch({
      ...{ provider: "local", account_profile: "local", capability: "agent-runtime" },
      ...{ task_type, target: { mode: "session" }, input },
    });
  return { tasks, explicit };
}
const known = 'No runtime profile is named "nope". Which one should run it? There are: api, web';

test.each([
  ["agent", { agent: "nope" }],
  ["runtime", { runtime: "nope" }],
])("an item of a parallel.run whose %s is not there", async (field, named) => {
  const items = [
    { agent: "api", instruction: "x" },
    { ...named, instruction: "x" },
  ];
  await expect(open().explicit("parallel.run", { items })).rejects.toMatchObject({
    issues: [{ path: `input.items.1.${field}`, message: known }],
  });
});

test.each([
  ["input.aggregate", "nope"],
  ["input.aggregate.agent", { agent: "nope" }],
])("who is to make one answer of all, at %s", async (path, aggregate) => {
  const items = [{ agent: "api", instruction: "x" }];
  await expect(open().explicit("parallel.run", { items, aggregate })).rejects.toMatchObject({
    issues: [{ path, message: known }],
  });
});

test("one of two that talk", async () => {
  const input = { requester: "api", responder: "nope", topic: "x" };
  await expect(open().explicit("dialogue.run", input)).rejects.toMatchObject({
    issues: [{ path: "input.responder", message: known }],
  });
});

test("what is not said at all is missing", async () => {
  await expect(open().explicit("parallel.run", { items: [{ agent: "api", instruction: " " }] })).rejects.toMatchObject({
    issues: [{ path: "input.items.0.instruction", message: expect.stringMatching(/^is missing: /) }],
  });
});

test("the tools for several agents name the item, the one who aggregates, or the one who talks", async () => {
  const { jobs } = open().tasks;
  const refusal = (path: string) => ({
    code: "runtime_profile.not_found",
    message: `${path}: no runtime profile is named "nope"`,
    hint: "there are: api, web",
  });
  const [api, nope] = ["api", "nope"].map((agent) => ({ agent, task: "x" }));
  await expect(jobs.dispatchParallel({ dispatches: [api, nope] })).rejects.toMatchObject(refusal("dispatches.1.agent"));
  await expect(jobs.dispatchParallel({ dispatches: [api], aggregate: "nope" })).rejects.toMatchObject(
    refusal("aggregate"),
  );
  await expect(jobs.dispatchDialogue({ requester: "nope", responder: "api", topic: "x" })).rejects.toMatchObject(
    refusal("requester"),
  );
});
