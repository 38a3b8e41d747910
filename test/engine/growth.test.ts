/** What a task may grow to, on either store: whatever a caller and a job say, it is ended, kept and cleaned up. */
import { randomBytes } from "node:crypto";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Task } from "../../lib/contract/task.ts";
import { newTaskId } from "../../lib/contract/task-id.ts";
import type { PollReply } from "../../lib/contract/worker.ts";
import { cancelTask } from "../../lib/engine/cancellation.ts";
import { readLargeValue } from "../../lib/engine/large-values.ts";
import { taskRecord } from "../../lib/engine/record.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import { slotsKey } from "../../lib/store/dynamodb/keys.ts";
import { openTaskStore } from "../../lib/store/dynamodb/task-store.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import { type TaskFields, withFields } from "../contract/make-task.ts";
import { type Dynalite, startDynalite } from "../emulators/dynalite.ts";
import { keptValues } from "../fixtures/kept-values.ts";
import { answering, type VirtualSystem, virtualSystem } from "../fixtures/virtual-system.ts";

const HOUR_MS = 3_600_000;
const KB = 1024;

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite?.stop());

/** Text that does not compress, of so many bytes as UTF-8. */
function noise(bytes: number, alphabet: "ASCII" | "other characters"): string {
  const hex = randomBytes(Math.ceil(bytes / 2))
    .toString("hex")
    .slice(0, bytes);
  if (alphabet === "ASCII") return hex;
  return Array.from({ length: Math.floor(bytes / 3) }, (_, i) =>
    String.fromCodePoint(0x4e00 + Number.parseInt(hex.slice(i * 3, i * 3 + 3), 16)),
  ).join("");
}

type Options = NonNullable<Parameters<typeof virtualSystem>[0]>;

async function systemOn(store: string, options: Options = {}): Promise<VirtualSystem> {
  if (store === "SQLite") return virtualSystem(options);
  const tableName = await dynalite.makeTable();
  const { client } = dynalite;
  return virtualSystem({ ...options, openStore: ({ now }) => openTaskStore({ tableName, client, now }) });
}

describe.each(["SQLite", "DynamoDB"])("on %s", (kind) => {
  describe.each(["ASCII", "other characters"] as const)("in %s", (alphabet) => {
    it("a task that is as large as may be, and whose job says all that it can, ends with its result", {
      timeout: 180_000,
    }, async () => {
      await using system = await systemOn(kind, { artifacts: keptValues(), durationMs: () => 5000 });
      const text = (bytes: number) => noise(bytes, alphabet);
      const [message, payload, inputRequests] = [text(30 * KB), { t: text(30 * KB) }, { question: text(1000 * KB) }];
      const timestamp = "2026-01-02T03:04:05.678Z";
      const leftOut = Array.from({ length: 100 }, () => ({ name: text(1500), reason: text(1500) }));
      const result = { text: text(100 * KB - 20) };
      answering(system, async (operation, answer) => {
        const reply = (await answer()) as PollReply;
        if (operation.op !== "poll") return reply;
        const sequence = operation.after + 1;
        const progress = { sequence, type: "task.progress", timestamp, message, payload };
        const more = { ...reply, next: sequence, events: [progress] };
        if (reply.status === "running") return { ...more, status: "input_required", inputRequests };
        const error = {
          code: "task.failed",
          message: text(24_000).slice(0, 8000),
          hint: text(6000).slice(0, 2000),
          retryable: false,
        };
        const files = Array.from({ length: 1000 }, (_, i) => ({
          id: String(i).padEnd(100, "x"),
          name: `${i}${text(1500)}`.slice(0, 500),
          sizeBytes: 1,
          sha256: "0".repeat(64),
          contentType: "x".repeat(200),
        }));
        const artifactsLeftOut = { count: 5000, limit: 1000, files: leftOut };
        const details = { t: text(100 * KB) };
        return { ...more, status: "failed", error: { ...error, details }, result, artifacts: files, artifactsLeftOut };
      });
      const id = await system.dispatch("local", { command: text(60 * KB) }, { metadata: { note: text(60 * KB) } });
      const asks = await until(system.ports.store, id, ({ status }) => status === "input_required");
      expect(JSON.stringify(asks.inputRequests).length).toBeLessThan(16 * KB);
      const task = await system.settled(id);
      expect(task).toMatchObject({ status: "failed", result, artifactCount: 1000, artifactsLeftOut: { count: 5000 } });
      expect(task.error?.message.length).toBeGreaterThan(2000);
      expect(task).not.toHaveProperty("shortened");
    });

    it("a dispatch that is too large is refused with the sizes, and nothing of it is kept", async () => {
      await using system = await systemOn(kind, { artifacts: keptValues() });
      const large = noise(200 * KB, alphabet);
      await expect(system.dispatch("local", { command: "true" }, { metadata: { large } })).rejects.toMatchObject({
        code: "input.invalid",
        message: expect.stringMatching(/^metadata: takes 20\d{4} bytes$/),
        hint: expect.stringContaining("131072 bytes in all"),
      });
      expect((await system.ports.store.list("local", { limit: 10 })).items).toEqual([]);
    });

    it("an input that is small enough gives way to metadata that is not", async () => {
      await using system = await systemOn(kind, { artifacts: keptValues() });
      const command = noise(90 * KB, alphabet);
      const id = await system.dispatch("local", { command }, { metadata: { note: noise(70 * KB, alphabet) } });
      const { inputRef } = await system.settled(id);
      expect(inputRef && (await readLargeValue({ artifacts: system.ports.artifacts }, inputRef))).toEqual({ command });
    });
  });

  it.each([
    [
      "is cancelled",
      async ({ ports }: VirtualSystem, id: string) => void (await cancelTask(ports, { id })),
      "cancelled",
    ],
    ["ends at its deadline", async ({ advance }: VirtualSystem) => advance(HOUR_MS), "failed"],
  ])("a task that an older version let grow %s", async (_, act, status) => {
    await using system = await systemOn(kind, { durationMs: () => 9 * HOUR_MS, limits: { timeoutSeconds: 60 } });
    const id = await system.dispatch();
    await until(system.ports.store, id, (task) => task.status === "running");
    // It compresses well, which is how it could be stored.
    const grown = { metadata: { note: "x".repeat(2000 * KB) }, result: { kept: true } };
    await rewrite(system, id, grown);
    await act(system, id);
    const task = await system.settled(id);
    expect(task).toMatchObject({ status, result: { kept: true } });
    expect(taskRecord(task)).toMatchObject({ shortened: ["metadata"] });
    expect(system.backend.sessions.size).toBe(0);
  });

  it("news that the store refuses for good keep no job from its deadline", async () => {
    await using system = await systemOn(kind, { durationMs: () => 9 * HOUR_MS, limits: { timeoutSeconds: 60 } });
    const { store } = system.ports;
    store.appendLog = () => Promise.reject(Object.assign(new Error("too large"), { name: "ValidationException" }));
    const id = await system.dispatch();
    await until(store, id, (task) => task.status === "running");
    for (let hour = 0; hour < 3; hour++) {
      system.advance(HOUR_MS);
      await recoverDue(system.ports);
    }
    expect(await system.settled(id)).toMatchObject({ status: "failed", error: { code: "task.timeout" } });
    expect(system.backend.sessions.size).toBe(0);
  });
});

/** Puts into a task what an older version could have. */
async function rewrite({ ports }: VirtualSystem, id: string, fields: TaskFields): Promise<void> {
  await ports.store.change(id, (task) => withFields(task, fields));
}

async function until(store: TaskStore, id: string, wanted: (task: Task) => boolean): Promise<Task> {
  for (;;) {
    const task = await store.get(id);
    if (task && wanted(task)) return task;
    await store.waitForChange(id, task?.revision ?? 0, 1000);
  }
}

it("the slots of an owner hold as many tasks and profiles as a configuration may name", async () => {
  const tableName = await dynalite.makeTable();
  const store = openTaskStore({ tableName, client: dynalite.client });
  const owner = "local";
  const limits = { maxRunning: 4000, maxRunningPerProfile: 4000 };
  const ids = Array.from({ length: 3999 }, () => newTaskId());
  const profiles = Array.from({ length: 900 }, (_, i) => String(i).padEnd(100, "x"));
  const held = profiles.map((profile, i) => [`running_${profile}`, new Set(ids.filter((_, k) => k % 900 === i))]);
  const Item = { ...slotsKey(owner), running: new Set(ids), ...Object.fromEntries(held) };
  await dynalite.client.send(new PutCommand({ TableName: tableName, Item }));
  const [profile = ""] = profiles;
  const last = { owner, taskId: newTaskId(), profile, queuedAtMs: 0 };
  expect(await store.takeSlot(last, limits)).toBe("taken");
  expect(await store.takeSlot({ ...last, taskId: newTaskId() }, limits)).toBe("full");
  await store.releaseSlot(owner, last);
  expect((await store.listSlots(owner)).running).toHaveLength(3999);
  store.close();
});
