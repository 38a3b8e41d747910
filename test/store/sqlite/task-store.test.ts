import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RETENTION_DAYS, transition } from "../../../lib/contract/task.ts";
import { newTaskId } from "../../../lib/contract/task-id.ts";
import { withSession } from "../../../lib/engine/invocation-gate.ts";
import type { TaskStore } from "../../../lib/store/port.ts";
import { migrate, migrations } from "../../../lib/store/sqlite/schema.ts";
import { dueListings, listing } from "../../../lib/store/sqlite/task-lists.ts";
import { openTaskStore } from "../../../lib/store/sqlite/task-store.ts";
import { makeTask } from "../../contract/make-task.ts";
import { taskStoreSuite } from "../../contract/task-store.ts";

const script = join(import.meta.dirname, "store-process.ts");
const cleanups: (() => void)[] = [];

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "task-store-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function openHere(folder: string, options?: Parameters<typeof openTaskStore>[1]) {
  const store = openTaskStore(folder, options);
  cleanups.push(() => store.close());
  return store;
}

function start(args: string[], wrapper: string[] = [], uid?: number): ChildProcess & { stdout: NodeJS.ReadableStream } {
  const [command = "", ...rest] = [...wrapper, process.execPath, script, ...args];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"], ...(uid !== undefined && { uid }) });
  cleanups.push(() => child.kill("SIGKILL"));
  if (!child.stdout) throw new Error("stdout is a pipe");
  return Object.assign(child, { stdout: child.stdout });
}

/** What the other process said last. */
async function answerOf(child: ReturnType<typeof start>): Promise<unknown> {
  const said = await text(child.stdout);
  return said === "" ? undefined : JSON.parse(said.trim().split("\n").at(-1) ?? "");
}

const codeOf = (open: () => unknown): unknown => {
  try {
    open();
    return undefined;
  } catch (error) {
    return error;
  }
};

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

taskStoreSuite("SQLite", async (options) => {
  const folder = mkdtempSync(join(tmpdir(), "task-store-"));
  let store = openTaskStore(folder, options);
  return {
    store,
    reopen: async () => {
      store.close();
      store = openTaskStore(folder, options);
      return store;
    },
    rewrite: async (id, edit) => {
      using database = new DatabaseSync(join(folder, "tasks.sqlite"));
      const row = database.prepare("SELECT body FROM tasks WHERE id = ?").get(id);
      const body = JSON.stringify(edit(JSON.parse(String(row?.body))));
      database.prepare("UPDATE tasks SET body = ? WHERE id = ?").run(body, id);
    },
    close: async () => {
      store.close();
      rmSync(folder, { recursive: true });
    },
  };
});

describe("the file", () => {
  it("is for this user only, with everything beside it", async () => {
    const folder = join(makeFolder(), "deep", "state");
    const before = process.umask(0);
    const store = openHere(folder);
    process.umask(before);
    await store.create(makeTask());
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).sort()).toEqual(["tasks.sqlite", "tasks.sqlite-shm", "tasks.sqlite-wal"]);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  it("becomes private when it was not", () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "tasks.sqlite"), "", { mode: 0o644 });
    openHere(folder);
    expect(statSync(join(folder, "tasks.sqlite")).mode & 0o777).toBe(0o600);
  });

  it("of a newer version is refused, and left as it is", () => {
    const folder = makeFolder();
    openTaskStore(folder).close();
    const file = new DatabaseSync(join(folder, "tasks.sqlite"));
    file.exec("PRAGMA user_version = 99");
    file.close();
    const before = readFileSync(join(folder, "tasks.sqlite"));
    const refused = codeOf(() => openTaskStore(folder));
    expect(refused).toMatchObject({ code: "platform.newer_version", retryable: false, hint: expect.any(String) });
    expect(readFileSync(join(folder, "tasks.sqlite")).equals(before)).toBe(true);
  });

  it("is brought forward step by step, all or nothing", () => {
    const file = new DatabaseSync(":memory:");
    const steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x)"];
    const tables = () =>
      file
        .prepare("SELECT name FROM sqlite_schema")
        .all()
        .map(({ name }) => name);
    migrate(file, steps.slice(0, 1));
    expect(() => migrate(file, [...steps, "CREATE NONSENSE"])).toThrow();
    expect(tables()).toEqual(["a"]);
    migrate(file, steps);
    migrate(file, steps);
    expect(tables()).toEqual(["a", "b"]);
    expect(file.prepare("PRAGMA user_version").get()).toEqual({ user_version: 2 });
    file.close();
  });

  it("forgets what has expired when it is opened, with all its rows", async () => {
    const folder = makeFolder();
    let nowMs = Date.now();
    const store = openHere(folder, { now: () => nowMs, steady: () => nowMs });
    const tasks = Array.from({ length: 50 }, () => makeTask());
    for (const { id } of tasks) {
      await store.create(makeTask({ id }));
      await store.appendEvents([{ taskId: id, sequence: 1, type: "task.created", timestamp: "" }]);
      await store.appendLog([{ taskId: id, offset: 0, sequence: 100, stream: "stdout", timestamp: "", text: "x" }]);
      await store.claimKey("local", id, { taskId: id, callHash: "", expiresAtMs: nowMs + 86_400_000 }, nowMs);
    }
    for (const { id } of tasks.slice(1)) await store.change(id, (task) => transition(task, "cancelled", nowMs));
    for (let day = 0; day <= RETENTION_DAYS; day++) {
      nowMs += 86_400_000;
      await store.get("");
    }
    openHere(folder, { now: () => nowMs });
    const file = new DatabaseSync(join(folder, "tasks.sqlite"));
    for (const [table, left] of Object.entries({ tasks: 1, events: 1, log: 1, keys: 0 }))
      expect(file.prepare(`SELECT count(*) AS left FROM ${table}`).get(), table).toEqual({ left });
    file.close();
    expect(await store.create(makeTask({ id: tasks[1]?.id ?? "" }))).toBe(true);
  });
});

describe("a clock that is wrong for a while", () => {
  const DAY_MS = 86_400_000;
  const YEAR_MS = 365 * DAY_MS;
  const settle = async (store: ReturnType<typeof openTaskStore>, nowMs: number) => {
    const { id } = makeTask();
    await store.create(makeTask({ id }));
    await store.change(id, (task) => transition(task, "cancelled", nowMs));
    return id;
  };

  it.each([
    ["years ahead", 3 * YEAR_MS],
    ["years behind", -30 * YEAR_MS],
  ])("%s makes nothing expire that was settled before, meanwhile or afterwards", async (_, wrongByMs) => {
    const folder = makeFolder();
    let nowMs = Date.now();
    const open = () => openHere(folder, { now: () => nowMs });
    const ids = [await settle(open(), nowMs)];
    for (const byMs of [wrongByMs, -wrongByMs, wrongByMs, -wrongByMs]) {
      nowMs += byMs;
      for (let hour = 0; hour < 20; hour++) {
        nowMs += 3_600_000;
        ids.push(await settle(open(), nowMs));
      }
    }
    for (let day = 0; day < RETENTION_DAYS - 20; day++) {
      nowMs += DAY_MS;
      await open().get("");
    }
    const store = open();
    for (const id of ids) expect(await store.get(id)).toMatchObject({ status: "cancelled" });
  });

  it("set days ahead gives no key of a call to a second task, and lets keys expire in their time", async () => {
    let wrongByMs = 0;
    let steadyMs = 0;
    const startedAtMs = Date.now();
    const now = () => startedAtMs + wrongByMs + steadyMs;
    const store = openHere(makeFolder(), { now, steady: () => steadyMs });
    const claim = (key: string) => {
      const mine = { taskId: newTaskId(), callHash: "", expiresAtMs: now() + DAY_MS };
      return store.claimKey("local", key, mine, now());
    };
    const first = await claim("key");
    wrongByMs = 5 * DAY_MS;
    await settle(store, now());
    expect(await claim("key")).toEqual(first);
    const later = await claim("later");
    steadyMs = DAY_MS - 1;
    expect([await claim("key"), await claim("later")]).toEqual([first, later]);
    steadyMs = DAY_MS;
    expect(await claim("key")).not.toEqual(first);
    expect(await claim("later")).not.toEqual(later);
  });

  it("that was off for months is believed again after as many days, and what is over expires", async () => {
    const folder = makeFolder();
    let nowMs = Date.now();
    const id = await settle(openHere(folder, { now: () => nowMs }), nowMs);
    nowMs += 2 * RETENTION_DAYS * DAY_MS;
    const store = openHere(folder, { now: () => nowMs });
    expect(await store.get(id)).toBeDefined();
    for (let day = 0; day < RETENTION_DAYS; day++) {
      nowMs += DAY_MS;
      await store.get(id);
    }
    expect(await store.get(id)).toBeUndefined();
  });
});

describe("a log of 16 MB", () => {
  it.each([
    ["long", 16_000],
    ["short", 200],
  ])("in %s chunks is read at any cursor at once", async (_, length) => {
    const store = openHere(makeFolder());
    const taskId = newTaskId();
    const line = "0123456789".repeat(length / 10);
    const count = Math.ceil(16e6 / length);
    const chunks = Array.from({ length: count }, (_, i) => ({
      taskId,
      offset: i * length,
      sequence: 100 + i,
      stream: "stdout",
      timestamp: "",
      text: line,
    }));
    await store.appendLog(chunks);
    for (const cursor of [0, 1, 7_999_999, count * length - 1000, count * length + 5]) {
      const before = performance.now();
      const { data } = await store.readLog(taskId, cursor, 64_000);
      expect(performance.now() - before).toBeLessThan(500);
      expect(data).toHaveLength(Math.max(0, Math.min(64_000, count * length - cursor)));
      expect(data.startsWith(String(cursor % 10)) || data === "").toBe(true);
    }
  });
});

describe("two processes", () => {
  it("may make the file at once", async () => {
    const folder = join(makeFolder(), "state");
    const ids = Array.from({ length: 6 }, newTaskId);
    const answers = await Promise.all(ids.map((id) => answerOf(start(["create", folder, id]))));
    expect(answers).toEqual(ids.map(() => true));
    expect((await openHere(folder).list("local", { limit: 10 })).items).toHaveLength(6);
  });

  it("lose none of each other's writes, and wake each other's waiters", async () => {
    const folder = makeFolder();
    const store = openHere(folder);
    const task = makeTask();
    await store.create(task);
    const waiting = store.waitForChange(task.id, task.revision, 120_000);
    const children = [1, 2].map(() => answerOf(start(["increment", folder, task.id, "200"])));
    await waiting;
    expect((await store.get(task.id))?.revision).toBeGreaterThan(task.revision);
    for (let i = 0; i < 200; i++) {
      await store.change(task.id, (current) => ({ ...current, workerSequence: current.workerSequence + 1 }));
      await new Promise(setImmediate);
    }
    expect(await Promise.all(children)).toEqual([undefined, undefined]);
    expect((await store.get(task.id))?.workerSequence).toBe(600);
  });

  it("lose no acknowledged write when one is killed", async () => {
    const folder = makeFolder();
    const store = openHere(folder);
    const task = makeTask();
    await store.create(task);
    const child = start(["write", folder, task.id]);
    let acknowledged = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (acknowledged === 300) child.kill("SIGKILL");
    }
    expect(acknowledged).toBeGreaterThanOrEqual(300);
    const stored = await store.get(task.id);
    expect(stored?.workerSequence).toBeGreaterThanOrEqual(acknowledged);
    expect(stored?.revision).toBe(1 + (stored?.workerSequence ?? 0));
    await store.change(task.id, (current) => current);
  });
});

describe("when the store cannot be used", () => {
  const unavailable = { code: "platform.store_unavailable", retryable: true, hint: expect.any(String) };
  const tmpfs = (folder: string) => [
    "unshare",
    "-Urm",
    "sh",
    "-c",
    `mount -t tmpfs -o size=2m tmpfs ${folder} && exec "$0" "$@"`,
  ];

  it("says so when the disk refuses a write, and keeps what was acknowledged", async () => {
    const folder = makeFolder();
    const id = newTaskId();
    const limited = ["bash", "-c", 'ulimit -f 1024 && exec "$0" "$@"'];
    const answer = (await answerOf(start(["fill", folder, id], limited))) as { kept: number; written: number };
    expect(answer).toMatchObject(unavailable);
    expect(answer.kept).toBe(answer.written);
    const store = openHere(folder);
    expect((await store.readLog(id, 0, 1e9)).nextCursor).toBe(answer.written * 4000);
    expect((await store.change(id, (task) => task)).revision).toBe(2);
  });

  it("says so when the disk is full, and keeps what was acknowledged", async ({ skip }) => {
    const folder = makeFolder();
    const probe = spawn("unshare", ["-Urm", "true"]);
    const mountable = await new Promise<boolean>((resolve) => {
      probe.on("error", () => resolve(false)).on("exit", (code) => resolve(code === 0));
    });
    if (!mountable) return skip();
    const answer = (await answerOf(start(["fill", folder, newTaskId()], tmpfs(folder)))) as {
      kept: number;
      written: number;
    };
    expect(answer).toMatchObject({ ...unavailable, message: expect.stringContaining("is full") });
    expect(answer.written).toBeGreaterThan(10);
    expect(answer.kept).toBe(answer.written);
  });

  it("says so when the folder cannot be written", async ({ skip }) => {
    const folder = makeFolder();
    const asRoot = process.getuid?.() === 0;
    if (asRoot && !isReadableByNobody(import.meta.filename)) skip("nobody but root can read this checkout");
    chmodSync(folder, 0o555);
    const answer = await answerOf(start(["create", folder, newTaskId()], [], asRoot ? 65_534 : undefined));
    chmodSync(folder, 0o700);
    expect(answer).toMatchObject({ ...unavailable, message: expect.stringContaining(folder) });
  });

  it("says so when the folder is a file, or below one", () => {
    const path = join(makeFolder(), "file");
    writeFileSync(path, "");
    expect(codeOf(() => openTaskStore(path))).toMatchObject(unavailable);
    expect(codeOf(() => openTaskStore(join(path, "state")))).toMatchObject(unavailable);
  });

  it("says so when the file is something else", () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "tasks.sqlite"), "not a database, but long enough to be read as one".repeat(200));
    const error = codeOf(() => openTaskStore(folder));
    expect(error).toMatchObject({ ...unavailable, message: expect.stringContaining("damaged") });
  });

  it("says so when the file is damaged", async () => {
    const folder = makeFolder();
    const store = openTaskStore(folder);
    const tasks = Array.from({ length: 50 }, () => makeTask({ goal: "x".repeat(5000) }));
    for (const task of tasks) await store.create(task);
    store.close();
    const path = join(folder, "tasks.sqlite");
    const content = readFileSync(path);
    writeFileSync(path, content.fill(0xff, 8192));
    const use = async (): Promise<TaskStore> => {
      const damaged = openHere(folder);
      for (const { id } of tasks) await damaged.get(id);
      return damaged;
    };
    await expect(use()).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining("damaged") });
  });

  it("says so when another process holds the file for too long, and recovers", async () => {
    const folder = makeFolder();
    const store = openHere(folder, { busyTimeoutMs: 50 });
    const task = makeTask();
    await store.create(task);
    const other = new DatabaseSync(join(folder, "tasks.sqlite"));
    other.exec("BEGIN IMMEDIATE");
    await expect(store.change(task.id, (current) => current)).rejects.toMatchObject(unavailable);
    expect(await store.get(task.id)).toEqual(task);
    other.exec("ROLLBACK");
    other.close();
    expect((await store.change(task.id, (current) => current)).revision).toBe(2);
  });

  it("says so once it is closed, and lets those go who wait", async () => {
    const folder = makeFolder();
    const store = openTaskStore(folder);
    const task = makeTask();
    await store.create(task);
    const waiting = store.waitForChange(task.id, task.revision, 120_000);
    store.close();
    store.close();
    await waiting;
    await expect(store.get(task.id)).rejects.toMatchObject(unavailable);
    await expect(store.change(task.id, (current) => current)).rejects.toMatchObject(unavailable);
  });

  it("leaves no listener and no timer behind those who waited", async () => {
    const store = openHere(makeFolder());
    const task = makeTask();
    await store.create(task);
    const { signal } = new AbortController();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const waiting = Promise.all(Array.from({ length: 100 }, () => store.waitForChange(task.id, 1, 120_000, signal)));
    expect(getEventListeners(signal, "abort")).toHaveLength(100);
    await store.change(task.id, (current) => current);
    await waiting;
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it.each([
    ["of an owner", "", "tasks_by_owner"],
    ["of an owner with one status", "AND status = :status", "tasks_by_status"],
  ] as const)("lists the tasks %s from an index, without sorting", (_, condition, index) => {
    const folder = makeFolder();
    openHere(folder);
    const file = new DatabaseSync(join(folder, "tasks.sqlite"));
    const plan = file.prepare(`EXPLAIN QUERY PLAN ${listing(condition)}`);
    const values = { owner: "local", createdMs: 1, number: 1, seconds: 1, limit: 1 };
    const steps = plan.all(condition === "" ? values : { ...values, status: "running" }).map(({ detail }) => detail);
    file.close();
    expect(steps).toEqual([
      expect.stringMatching(new RegExp(`^SEARCH tasks USING INDEX ${index} \\(owner=\\?.*created_ms`)),
    ]);
  });

  it.each(["queued", "begun"] as const)(
    "lists the tasks that are due and %s from an index, without sorting",
    (among) => {
      const folder = makeFolder();
      openHere(folder);
      const file = new DatabaseSync(join(folder, "tasks.sqlite"));
      const steps = file.prepare(`EXPLAIN QUERY PLAN ${dueListings[among]}`).all(1, 1);
      file.close();
      const plan = new RegExp(`^SEARCH tasks USING (COVERING )?INDEX tasks_due_${among} \\(due_ms<\\?`);
      expect(steps.map(({ detail }) => detail)).toEqual([expect.stringMatching(plan)]);
    },
  );

  it("of an earlier version lists what waits apart from what has begun as well", async () => {
    const folder = makeFolder();
    const store = openTaskStore(folder);
    const [queued, running] = [makeTask({ dueAtMs: 1 }), makeTask({ dueAtMs: 2, status: "running" })];
    for (const task of [queued, running]) await store.create(task);
    store.close();
    const file = new DatabaseSync(join(folder, "tasks.sqlite"));
    const before = migrations.findIndex((step) => step.includes("tasks_due_queued"));
    // What later versions added
    for (const step of migrations.slice(before + 1))
      for (const [, table] of step.matchAll(/CREATE TABLE (\w+)/g)) file.exec(`DROP TABLE ${table}`);
    file.exec("DROP INDEX tasks_due_queued; DROP INDEX tasks_due_begun");
    file.exec("CREATE INDEX tasks_due ON tasks (due_ms) WHERE due_ms IS NOT NULL");
    file.exec(`PRAGMA user_version = ${before}`);
    file.close();
    const again = openHere(folder);
    expect(await again.listDue(5, 5)).toEqual([queued.id, running.id]);
    expect(await again.listDue(5, 5, "queued")).toEqual([queued.id]);
    expect(await again.listDue(5, 5, "begun")).toEqual([running.id]);
  });

  it("opens a copy that was taken while it ran", async () => {
    const folder = makeFolder();
    const store = openHere(folder);
    const task = makeTask();
    await store.create(task);
    const copy = join(makeFolder(), "copy");
    cpSync(folder, copy, { recursive: true });
    expect(await openHere(copy).get(task.id)).toEqual(task);
  });
});

/** Root may write everywhere, so it takes another user to be refused; that one must be able to read the program. */
function isReadableByNobody(path: string): boolean {
  return spawnSync("test", ["-r", path], { uid: 65_534 }).status === 0;
}

/** A store whose syncs to disk are seen. */
async function openWatched() {
  const folder = makeFolder();
  const store = openHere(folder);
  const handle = await open(join(folder, "tasks.sqlite"));
  cleanups.push(() => handle.close());
  const datasync = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, "datasync");
  cleanups.push(() => datasync.mockRestore());
  return { store, datasync };
}

it("has on disk what a caller hears of, and that a job was handed over", async () => {
  const { store, datasync } = await openWatched();
  const synced = async (work: Promise<unknown>) => {
    datasync.mockClear();
    await work;
    return datasync.mock.calls.length > 0;
  };
  const task = makeTask({ status: "provisioning", session: { id: "s", state: "open", inFlight: {} } });
  const { id } = task;
  expect(await synced(store.create(task))).toBe(true);
  const starting = store.change(id, (task) => transition(task, "starting", Date.now()));
  expect(await synced(starting)).toBe(false);
  expect(await synced(store.change(id, (task) => withSession(task, { bootId: "b" })))).toBe(false);
  const handedOver = store.change(id, (task) => withSession(task, { startAttemptedAtMs: Date.now() }));
  expect(await synced(handedOver)).toBe(true);
  expect(await synced(store.change(id, (task) => transition(task, "running", Date.now())))).toBe(false);

  // One that is a single call is handed over by it, and has no boot of a worker.
  const session = { id: "s", state: "open", inFlight: {} } as const;
  const single = makeTask({ status: "starting", channel: "synchronous", session });
  await store.create(single);
  const called = store.change(single.id, (task) => withSession(task, { startAttemptedAtMs: Date.now() }));
  expect(await synced(called)).toBe(true);
});

it("syncs once for all who come meanwhile", async () => {
  const { store, datasync } = await openWatched();
  const tasks = Array.from({ length: 50 }, () => makeTask());
  await Promise.all(tasks.map((task) => store.create(task)));
  expect(datasync.mock.calls.length).toBeLessThan(10);
  expect(datasync.mock.calls.length).toBeGreaterThan(0);
});
