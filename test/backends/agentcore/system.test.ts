import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recoverDue } from "../../../lib/engine/recovery.ts";
import { openTaskStore as openTable } from "../../../lib/store/dynamodb/task-store.ts";
import { openTaskStore } from "../../../lib/store/sqlite/task-store.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";
import { startSystem } from "./system.ts";

let dynalite: Dynalite;
let tableName: string;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-dispatch-test-"));
  dynalite = await startDynalite();
  tableName = await dynalite.makeTable();
});
afterAll(async () => {
  await dynalite?.stop();
  rmSync(folder, { recursive: true });
});

describe.each([
  ["SQLite", (options: { now: () => number }) => openTaskStore(folder, options)],
  ["DynamoDB", (options: { now: () => number }) => openTable({ tableName, endpoint: dynalite.endpoint, ...options })],
])("a task on Step Functions and S3, with its facts in %s", (_, openStore) => {
  /** The store is closed after the system on it. */
  async function start() {
    const stack = new AsyncDisposableStack();
    let store: ReturnType<typeof openStore> | undefined;
    const system = await startSystem((options) => {
      store = openStore(options);
      return store;
    });
    stack.defer(() => store?.close());
    return { system: stack.use(system), [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }
  const input = { command: "true", stdin: "x".repeat(150_000) };
  const names = (system: Awaited<ReturnType<typeof startSystem>>) => [...system.stepFunctions.executions.keys()];

  it("runs to its end, and leaves nothing that is owed", async () => {
    await using started = await start();
    const { system } = started;
    const id = await system.dispatch(input);
    await system.until(id, ({ status }) => status === "running");
    system.finish();
    const task = await system.settled(id);
    expect(task).toMatchObject({ status: "succeeded", result: { ran: id }, obligations: {} });
    expect(task.inputRef?.uri).toMatch(`s3://artifacts/tasks/${id}/`);
    expect(system.objects.size).toBe(1);
    expect(system.backend.started).toEqual([id]);
    expect(system.backend.sessions.size).toBe(0);
    expect(names(system)).toEqual([`${id}-1`]);
    expect(system.stepFunctions.executions.get(`${id}-1`)?.status).toBe("SUCCEEDED");
    expect(await system.ports.workflow.start(id, 1)).toBe("exists");
  });

  it("goes on in another execution when its own was stopped, and its job runs once", async () => {
    await using started = await start();
    const { system } = started;
    const id = await system.dispatch(input);
    await system.until(id, ({ status }) => status === "running");
    await system.stepFunctions.executions.get(`${id}-1`)?.abort();
    system.finish();
    system.advance(10 * 60_000);
    await recoverDue(system.ports);
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", executionNumber: 2, obligations: {} });
    expect(names(system)).toEqual([`${id}-1`, `${id}-2`]);
    expect(system.backend.started).toEqual([id]);
  });

  it("is promised although its execution could not be started, and started later", async () => {
    await using started = await start();
    const { system } = started;
    system.finish();
    system.stepFunctions.faults.add({ status: 400, code: "AccessDeniedException" });
    const id = await system.dispatch(input);
    expect(await system.ports.store.get(id)).toMatchObject({ status: "provisioning" });
    expect(names(system)).toEqual([]);
    system.advance(2 * 60_000);
    await recoverDue(system.ports);
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", executionNumber: 1 });
  });
});
