/** What could only be read of so far: how long AgentCore takes. Nothing is expected of a time but that there is one. */
import { appendFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { onAws } from "../system/cloud-under-test.ts";
import { liveUnderTest } from "./live-under-test.ts";
import { runOf } from "./run.ts";
import { watchRuntime } from "./watch-runtime.ts";

const run = runOf(process.env);
const system = await liveUnderTest(run);
const say = (name: string, seconds: number | string) =>
  appendFileSync(run.timings, `${JSON.stringify({ name, seconds })}\n`);

/** Seconds between two phases of a record. */
function between({ phases, createdAt }: Json, from: string, to: string): number {
  const at = (phase: string) =>
    Date.parse(String(phase === "created" ? createdAt : (phases as Record<string, string>)[phase]));
  return (at(to) - at(from)) / 1000;
}

it("a session on the runtime that is there: to the first answer, and to its stop", async ({
  onTestFinished: atEnd,
}) => {
  const { client } = await system.open({ atEnd });
  const id = await client.command("sleep 600");
  const running = await client.until(id, ({ status }) => status === "running");
  say("session: dispatch to the worker's first answer", between(running, "created", "starting"));
  say("session: dispatch to the job's start", between(running, "created", "running"));
  const cancelledAtMs = performance.now();
  await client.must("cancel_task", { task_id: id });
  expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
  say("session: cancel to stopped", (performance.now() - cancelledAtMs) / 1000);
});

it("a runtime of its own: to its endpoint, to the first answer, and to its deletion", async ({
  onTestFinished: atEnd,
}) => {
  const { client } = await system.open({ atEnd });
  const details = { target: { mode: "runtime", details: { reuse: false } } };
  const id = await client.command("true", onAws("runtime", details));
  const named = await client.until(
    id,
    ({ status, providerRefs }) => status !== "queued" && "runtimeArn" in (providerRefs as Json),
  );
  const watch = watchRuntime(String((named.providerRefs as Json).runtimeArn));
  const record = await client.ended(id);
  expect(record).toMatchObject({ status: "succeeded" });
  say("own runtime: dispatch to the worker's first answer", between(record, "created", "starting"));
  say("own runtime: dispatch to the job's start", between(record, "created", "running"));
  for (const [name, seconds] of Object.entries(await watch)) say(`own runtime: ${name}`, seconds);
});
