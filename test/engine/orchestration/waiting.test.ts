/** Whoever waits for a task that is made of others brings it on, where nobody else does; and it ends, whatever is lost. */

import { expect, it } from "vitest";
import { RefusedError } from "../../../lib/contract/errors.ts";
import { hasEnded, type Json } from "../../../lib/contract/task.ts";
import { randomHex } from "../../../lib/contract/task-id.ts";
import { MAX_OBJECT } from "../../../lib/contract/tools/fields.ts";
import { keepLargeValue, readLargeValue } from "../../../lib/engine/large-values.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { moved, withFields } from "../../contract/make-task.ts";
import { mortalPorts } from "../../fixtures/mortal-ports.ts";
import { nothingLeft, type Plane, plane } from "./plane.ts";
import { items } from "./system.ts";

const newOwner = () => `owner-${randomHex(6)}`;

it("sees the end of the last child before its clean-up has told of it", async () => {
  const own = plane({ owner: newOwner() });
  const { taskId } = await own.service().dispatch(own.call("parallel.run", { items: items(2) }));
  for (const child of await own.children(taskId, 2))
    await own.ports.store.change(child?.id ?? "", (task) =>
      (["starting", "running", "completing", "succeeded"] as const).reduce((now, status) => moved(now, status), task),
    );
  const told: string[] = [];
  const tell = async (_: number, message: string) => void told.push(message);
  const record = await own.service().wait({ task_id: taskId, timeout_seconds: 30 }, { tell });
  expect(record).toMatchObject({
    status: "succeeded",
    result: { individual_results: [{ success: true }, { success: true }] },
  });
  expect(told.at(-1)).toBe("succeeded: 2 of 2 done");
});

it("dispatches what a process had noted as begun, and died", async () => {
  const own = plane({ owner: newOwner() });
  const call = own.call("parallel.run", { items: items(1) });
  for (let dies = 1; dies < 10; dies++) {
    await own
      .service(mortalPorts(own.ports, { dies }))
      .dispatch(call)
      .catch(() => {});
    const whole = (await own.all()).find(({ orchestration }) => orchestration?.begun === 1);
    if (!whole || (await own.children(whole.id, 1))[0]) continue;
    await own.service().wait({ task_id: whole.id, timeout_seconds: 0 });
    expect((await own.children(whole.id, 1))[0]).toMatchObject({ status: "provisioning" });
    return;
  }
  throw new Error("no process died there");
});

it("ends one whose specification is not there any more, with those that were begun", async () => {
  const own = plane({ owner: newOwner() });
  const long = items(40).map((item) => ({ ...item, context: { note: "x".repeat(300) } }));
  const lost: Ports = {
    ...own.ports,
    artifacts: {
      ...own.ports.artifacts,
      get: () => Promise.reject(new RefusedError("artifact.not_found", "it is gone")),
    },
  };
  const { taskId } = await own.service(lost).dispatch(own.call("parallel.run", { items: long }));
  expect(await own.read(taskId)).toMatchObject({
    status: "failed",
    error: { code: "artifact.not_found" },
    calledOff: true,
    obligations: {},
  });
  await own.drain();
  expect(await own.left()).toEqual(nothingLeft);
});

/** Ends what was dispatched of a task, each with this text, before anybody hears of it. */
async function endAll(own: Plane, taskId: string, count: number, output: (position: number) => string): Promise<void> {
  for (const child of await own.children(taskId, count)) {
    if (!child || hasEnded(child)) continue;
    const kept = await keepLargeValue(own.ports, child.id, "result", { output: output(child.position ?? 0) });
    await own.ports.store.change(child.id, (task) =>
      withFields(
        (["starting", "running", "completing", "succeeded"] as const).reduce((now, to) => moved(now, to), task),
        kept,
      ),
    );
  }
}

it("ends although what one of its children said is lost, and names that in its place", async () => {
  const own = plane({ owner: newOwner() });
  const { taskId } = await own
    .service()
    .dispatch(own.call("parallel.run", { items: items(2), aggregate: "local", max_parallel: 2 }));
  await endAll(own, taskId, 2, (position) => (position === 0 ? "x".repeat(200_000) : "short"));
  const gone = () => Promise.reject(new RefusedError("artifact.not_found", "it is gone"));
  const by: Ports = { ...own.ports, artifacts: { ...own.ports.artifacts, get: gone } };
  await own.service(by).wait({ task_id: taskId, timeout_seconds: 0 });
  const last = (await own.children(taskId, 3))[2];
  expect(last?.input.context).toMatchObject({
    results: [{ success: false, error: "it is gone" }, { result: "short" }],
  });
  await endAll(own, taskId, 3, () => "all");
  await own.service(by).wait({ task_id: taskId, timeout_seconds: 0 });
  expect(await own.read(taskId)).toMatchObject({
    status: "succeeded",
    result: {
      individual_results: [
        { success: false, result: "", status: "succeeded", error: "it is gone", error_code: "artifact.not_found" },
        { success: true, result: "short" },
      ],
    },
  });
});

it("ends a dialogue whose last turn nobody can read any more, with the reason", async () => {
  const own = plane({ owner: newOwner() });
  const input = { requester: "local", responder: "local", topic: "why" };
  const { taskId } = await own.service().dispatch(own.call("dialogue.run", input));
  await endAll(own, taskId, 1, () => "x".repeat(200_000));
  const gone = () => Promise.reject(new RefusedError("artifact.not_found", "it is gone"));
  const by: Ports = { ...own.ports, artifacts: { ...own.ports.artifacts, get: gone } };
  await own.service(by).wait({ task_id: taskId, timeout_seconds: 0 });
  expect(await own.read(taskId)).toMatchObject({
    status: "failed",
    error: { code: "task.child_failed", details: { code: "artifact.not_found" } },
    result: { conversation: [{ message: "", error: "it is gone" }, {}] },
  });
});

it("is no timeout where all had ended, and nobody came to hear of it before the deadline", async () => {
  const own = plane({ owner: newOwner() });
  const call = own.call("parallel.run", { items: items(3), max_parallel: 3 }, { timeout_seconds: 3600 });
  const { taskId } = await own.service().dispatch(call);
  await endAll(own, taskId, 3, () => "done");
  own.advance(2 * 3_600_000);
  // The clean-up of the first tells the whole, before those of the others.
  for (const child of await own.children(taskId, 3)) if (child) await own.work(child, own.ports, () => "succeeded");
  expect(await own.read(taskId)).toMatchObject({
    status: "succeeded",
    result: { individual_results: [{ result: "done" }, { result: "done" }, { result: "done" }] },
  });
});

it("hands all results to one agent, however long they are as JSON and whatever is beside them", async () => {
  const own = plane({ owner: newOwner() });
  const aggregate = { agent: "local", context: { facts: "y".repeat(350_000) } };
  const { taskId } = await own.service().dispatch(own.call("parallel.run", { items: items(4), aggregate }));
  // Six characters of JSON each.
  await endAll(own, taskId, 4, () => "\u0001".repeat(50_000));
  await own.service().wait({ task_id: taskId, timeout_seconds: 0 });
  const last = (await own.children(taskId, 5))[4];
  expect(last).toMatchObject({ status: "provisioning" });
  if (!last?.inputRef) throw new Error("it was not kept elsewhere");
  const { context } = (await readLargeValue(own.ports, last.inputRef)) as Json;
  expect(JSON.stringify(context).length).toBeLessThanOrEqual(MAX_OBJECT);
  expect(context).toMatchObject({
    facts: aggregate.context.facts,
    results: [{ success: true, size: 50_000, summary: expect.stringContaining("\u0001".repeat(1000)) }, {}, {}, {}],
  });
});

it("is refused before anything runs where no room is left for the results beside a context", async () => {
  const own = plane({ owner: newOwner() });
  const aggregate = { agent: "local", context: { facts: "y".repeat(MAX_OBJECT - 1000) } };
  await expect(own.service().dispatch(own.call("parallel.run", { items: items(4), aggregate }))).rejects.toMatchObject({
    code: "input.invalid",
    message: expect.stringContaining("input.aggregate.context"),
  });
  expect(await own.all()).toEqual([]);
});
