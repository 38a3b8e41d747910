import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Json } from "../../lib/domain/task.ts";
import { connect, problemOf, revisions } from "../mcp/clients.ts";
import { commandCall, contentOfStore, startSystem, systemClient, temporaryFolder } from "./system.ts";

describe.each(revisions)("a client of %s", (revision) => {
  it("drives every tool against the real system", async () => {
    const system = await startSystem(temporaryFolder());
    const client = await connect(system.url, revision, system.token);
    const { call, must, command, ended, log } = systemClient(client);
    const names = (await client.listTools()).map(({ name }) => name as string).sort();
    expect(names).toEqual([
      "cancel_task",
      "check_cloud_agent_runtime",
      "dispatch_task",
      "get_task_logs",
      "get_task_result",
      "get_task_status",
      "list_account_profiles",
      "list_capabilities",
      "list_providers",
      "list_tasks",
      "spawn_cloud_agent",
      "wait_for_task",
    ]);

    expect((await call("list_providers")).text).toEqual(["aws", "local"]);
    expect((await call("list_account_profiles")).text).toMatchObject([{ name: "local", provider: "local" }]);
    expect((await call("list_capabilities")).text).toMatchObject([
      { adapter: "local-process", targetModes: ["session"] },
      { adapter: "aws-agentcore", targetModes: ["runtime", "session"] },
    ]);
    expect(await must("check_cloud_agent_runtime", {})).toMatchObject({ ok: true, adapter: "local-process" });
    expect(await must("spawn_cloud_agent", {})).toMatchObject({ status: "needs_clarification" });

    const spawned = await must("spawn_cloud_agent", {
      instruction: "hello",
      goal: "to greet",
      context: { city: "Oslo" },
    });
    expect(spawned).toMatchObject({ status: "queued", backend: "local-process" });
    const record = await ended(spawned.taskId as string);
    expect(record).toMatchObject({ id: spawned.taskId, status: "succeeded" });
    expect((record.result as Json).output).toContain("## Goal\n\nto greet");

    const id = await command({ command: "echo out; echo err >&2; exit 3", shell: true });
    await ended(id);
    expect(await must("get_task_status", { task_id: id })).toMatchObject({
      status: "failed",
      error: { code: "task.exit_code" },
    });
    expect(await must("get_task_result", { task_id: id })).toMatchObject({
      status: "failed",
      result: { exitCode: 3, timedOut: false },
    });
    expect((await log(id)).split("\n").sort()).toEqual(["", "err", "out"]);
    expect(((await must("list_tasks", {})).items as Json[]).map((task) => task.id)).toEqual([id, spawned.taskId]);
    expect(problemOf(await call("cancel_task", { task_id: id }))).toMatchObject({ code: "task.terminal" });
  });
});

describe("an idempotency key", () => {
  it("sent 20 times at once makes one task that runs once; with another call it conflicts", async () => {
    const folder = temporaryFolder();
    const proof = join(folder, "proof");
    writeFileSync(proof, "");
    const { client } = await startSystem(folder);
    const input = { command: `echo ran >> ${proof}`, shell: true };
    const keyed = { idempotency_key: "the same" };
    const ids = await Promise.all(Array.from({ length: 20 }, () => client.command(input, keyed)));
    expect(new Set(ids).size).toBe(1);
    const [id = ""] = ids;
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(await client.command(input, keyed)).toBe(id);
    expect(readFileSync(proof, "utf8")).toBe("ran\n");
    expect((await client.must("list_tasks", {})).items).toHaveLength(1);
    const other = await client.call("dispatch_task", { ...commandCall({ command: "true" }), ...keyed });
    expect(problemOf(other)).toMatchObject({ code: "idempotency.conflict", retryable: false });
  });

  it("holds over a restart", async () => {
    const folder = temporaryFolder();
    const first = await startSystem(folder);
    const id = await first.client.command("true", { idempotency_key: "k" });
    await first.client.ended(id);
    await first.kill("SIGKILL");
    const { client } = await startSystem(folder);
    expect(await client.command("true", { idempotency_key: "k" })).toBe(id);
  });
});

describe("the queue", () => {
  it("lets tasks begin first in first out under the limit", async () => {
    const folder = temporaryFolder();
    const { client } = await startSystem(folder, { limits: { maxRunning: 1 } });
    const order = join(folder, "order");
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) ids.push(await client.command({ command: `echo ${i} >> ${order}`, shell: true }));
    const waiting = await client.status(ids.at(-1) ?? "");
    expect(waiting.status === "queued" ? waiting.queuePosition : 5).toBeGreaterThan(0);
    for (const id of ids) expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(readFileSync(order, "utf8")).toBe("0\n1\n2\n3\n4\n5\n");
  });
});

describe("artifacts", () => {
  it("come back from the worker, and can be opened", async () => {
    const { client } = await startSystem(temporaryFolder());
    const script = 'cd "$AGENTDISPATCH_ARTIFACTS_DIR"; mkdir sub; echo one > one.txt; printf "\\0\\1" > sub/two.bin';
    const id = await client.command({ command: script, shell: true });
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    const { artifacts } = (await client.must("get_task_result", { task_id: id })) as { artifacts: Json[] };
    expect(artifacts.map(({ sizeBytes }) => sizeBytes).sort()).toEqual([2, 4]);
    const one = artifacts.find(({ sizeBytes }) => sizeBytes === 4) ?? {};
    expect(one).toMatchObject({ taskId: id, kind: "file", contentType: expect.stringContaining("text/plain") });
    expect(readFileSync(new URL(one.uri as string), "utf8")).toBe("one\n");
  });
});

describe("what may be secret", () => {
  it("reaches the job, and neither record nor store", async () => {
    const folder = temporaryFolder();
    const environment = { PROVIDER_KEY: "canary-of-the-worker" };
    const { client } = await startSystem(folder, {
      configuration: {
        accounts: { local: { provider: "local", credentialSource: "none" } },
        backends: { here: { adapter: "local-process", account: "local", details: { environment } } },
      },
    });
    // The lengths prove that the values arrived, without naming them.
    const job = { command: 'test "$(printf %s "$PROVIDER_KEY$MINE" | wc -c)" = 38', shell: true };
    const id = await client.command({ ...job, env: { MINE: "canary-of-the-call" } }, { backend: "here" });
    const record = await client.ended(id);
    expect(record).toMatchObject({ status: "succeeded", envNames: ["MINE"] });
    expect(JSON.stringify([record, await client.must("list_tasks", {})])).not.toContain("canary");
    const kept = await contentOfStore(folder);
    expect(kept).toContain(id);
    expect(kept).not.toContain("canary-of-the-worker");
  });
});
