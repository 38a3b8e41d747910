import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { migrate, migrations } from "../../lib/store/sqlite/schema.ts";
import { idsBeginning, openReading, type Reading } from "../../lib/system/reading.ts";
import { endAllOf } from "../client/cli/left-behind.ts";
import { startSystem, temporaryFolder } from "./system.ts";

/** What is kept in a state folder, with all that tells whether somebody has touched it; jobs go on beside it. */
function keptIn(folder: string): string[] {
  const below = (name: string) =>
    existsSync(join(folder, name))
      ? readdirSync(join(folder, name), { recursive: true, encoding: "utf8" }).map((path) => join(name, path))
      : [];
  const names = readdirSync(folder).filter((name) => !/^(compile-cache|sessions|workers)$/.test(name));
  return [...names, ...below("artifacts"), ...below("env")].sort().map((name) => {
    const path = join(folder, name);
    const stats = statSync(path);
    const content = stats.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "a folder";
    return `${name} ${stats.mode} ${stats.mtimeMs} ${content}`;
  });
}

function reading(stateDir: string): Reading {
  const opened = openReading(stateDir);
  onTestFinished(() => opened.close());
  return opened;
}

const files = 'cd "$AGENTDISPATCH_ARTIFACTS_DIR" && printf kept > kept.txt; echo written; exit 3';
const storeFiles = ["tasks.sqlite", "tasks.sqlite-shm", "tasks.sqlite-wal"];

/** A state folder of a system that was killed: a task has failed and left a file, one has said much, one still runs. */
let stateDir = "";
const ids = { failed: "", long: "", open: "" };
/** What the system itself told before. */
let told: { status: Json; result: Json; list: Json[] };
/** The tasks of a list; one that still runs may be written again at any time, and says when. */
const namesIn = ({ items }: { items?: unknown }): Json[] =>
  (items as Json[]).map(({ id, status, createdAt }) => ({ id, status, createdAt }));
beforeAll(async () => {
  stateDir = temporaryFolder(afterAll);
  const { client, kill } = await startSystem(stateDir, { prewarm: false, atEnd: afterAll });
  ids.failed = await client.command({ command: files, shell: true });
  const handle = await client.must("spawn_cloud_agent", { instruction: "word ".repeat(8000), framework: "echo" });
  ids.long = handle.taskId as string;
  ids.open = await client.command({ command: "echo begun; sleep 60", shell: true });
  await Promise.all([client.ended(ids.failed), client.ended(ids.long)]);
  await client.until(ids.open, ({ logLength }) => logLength === 6);
  const tell = async () => ({
    status: await client.must("get_task_status", { task_id: ids.failed, events_after: 0 }),
    result: await client.must("get_task_result", { task_id: ids.failed }),
    list: namesIn(await client.must("list_tasks", {})),
  });
  // What ends with a task is still written for a moment behind its end.
  for (let before = ""; before !== JSON.stringify(told); ) {
    before = JSON.stringify(told);
    told = await tell();
  }
  await kill("SIGKILL");
  // Nobody else comes back for its workers.
  endAllOf(stateDir);
});

/** The store of that folder in another, as it lies there. */
function copyOfStore(names = storeFiles): string {
  const folder = temporaryFolder();
  for (const name of names) cpSync(join(stateDir, name), join(folder, name), { preserveTimestamps: true });
  return folder;
}

test("all that a killed system told of its tasks is read from its state, where nothing is made or changed", async () => {
  const before = keptIn(stateDir);
  for (const name of storeFiles) expect(before).toContainEqual(expect.stringMatching(`^${name} `));
  const state = reading(stateDir);
  expect(await state.call("get_task_status", { task_id: ids.failed, events_after: 0 })).toEqual(told.status);
  const result = await state.call("get_task_result", { task_id: ids.failed });
  expect(result).toEqual(told.result);
  expect(readFileSync(fileURLToPath(result.artifacts[0]?.uri ?? ""), "utf8")).toBe("kept");
  expect(namesIn(await state.call("list_tasks", {}))).toEqual(told.list);
  expect(await state.call("get_task_logs", { task_id: ids.failed })).toMatchObject({ data: "written\n" });
  expect(await state.call("wait_for_task", { task_id: ids.failed })).toMatchObject({ status: "failed" });
  await state.close();
  expect(keptIn(stateDir)).toEqual(before);
});

test("of a task that has not ended all is read that is there, and whoever would wait for more is told", async () => {
  const before = keptIn(stateDir);
  const state = reading(stateDir);
  const wait = { task_id: ids.open, wait_seconds: 5 };
  expect(await state.call("get_task_logs", wait)).toMatchObject({ data: "begun\n", nextCursor: 6 });
  const refused = { code: "local.not_running", hint: expect.stringContaining("agent-dispatch local starts it") };
  await expect(state.call("get_task_logs", { ...wait, cursor: 6 })).rejects.toMatchObject(refused);
  await expect(state.call("wait_for_task", { task_id: ids.open })).rejects.toMatchObject(refused);
  await expect(state.call("cancel_task", { task_id: ids.open })).rejects.toMatchObject(refused);
  await state.close();
  expect(keptIn(stateDir)).toEqual(before);
});

test("a result too long for a reply is at the address that the reply names, whole", async () => {
  const before = keptIn(stateDir);
  const { resultRef, previews } = await reading(stateDir).call("get_task_result", { task_id: ids.long });
  expect(previews).toEqual(["result"]);
  const whole = await (await fetch(resultRef?.uri ?? "")).text();
  expect(createHash("sha256").update(whole).digest("hex")).toBe(resultRef?.sha256);
  expect(JSON.parse(whole).output).toContain("word ".repeat(7999));
  expect(keptIn(stateDir)).toEqual(before);
});

test("a state on a file system that takes no writes is read, also without the index of its log", ({ skip }) => {
  if (spawnSync("unshare", ["-rm", "true"]).status !== 0) skip("this system lets nobody mount");
  const source = pathToFileURL(join(import.meta.dirname, "../../lib/system/reading.ts")).href;
  const script = `import { openReading } from ${JSON.stringify(source)};
    const { items } = await openReading(process.argv[1]).call("list_tasks", {});
    console.log(items.map(({ id }) => id).join());`;
  const mounted =
    'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && ! touch "$1/x" 2>/dev/null && exec "$2" --input-type=module -e "$3" "$1"';
  for (const names of [storeFiles, ["tasks.sqlite", "tasks.sqlite-wal"]]) {
    const words = ["-rm", "sh", "-c", mounted, "sh", copyOfStore(names), process.execPath, script];
    const { stdout, stderr } = spawnSync("unshare", words, { encoding: "utf8" });
    expect(stdout.trim().split(",").sort(), stderr).toEqual(Object.values(ids).sort());
  }
});

test("the beginning of an id names its task among any number of newer ones", () => {
  const folder = copyOfStore();
  const file = new DatabaseSync(join(folder, "tasks.sqlite"));
  file.exec(`
    WITH RECURSIVE newer (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM newer LIMIT 12000)
    INSERT INTO tasks (id, owner, status, created_ms, revision, body)
    SELECT 'task_' || lower(hex(randomblob(15))) || 'ff', 'local', 'failed', 9e12 + n, 1, '{}' FROM newer`);
  file.close();
  expect(idsBeginning(folder, ids.failed.slice(0, -2))).toEqual([ids.failed]);
  expect(idsBeginning(folder, "task_")).toHaveLength(12_003);
  expect(idsBeginning(join(folder, "none"), "task_")).toEqual([]);
});

test("a state that was closed in order is read, and one that an older version of the program wrote", async () => {
  const folder = copyOfStore();
  const file = new DatabaseSync(join(folder, "tasks.sqlite"));
  file.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  file.close();
  const closed = keptIn(folder);
  expect(closed).toEqual([expect.stringMatching(/^tasks\.sqlite /)]);
  expect(await reading(folder).call("get_task_status", { task_id: ids.failed })).toMatchObject({ status: "failed" });
  expect(keptIn(folder)).toEqual(closed);

  const path = join(folder, "tasks.sqlite");
  renameSync(path, join(folder, "tasks.new"));
  const old = new DatabaseSync(path);
  migrate(old, migrations.slice(0, 1));
  old.prepare("ATTACH ? AS new").run(join(folder, "tasks.new"));
  for (const table of ["tasks", "events", "log"]) old.exec(`INSERT INTO ${table} SELECT * FROM new.${table}`);
  old.close();
  rmSync(join(folder, "tasks.new"));
  const older = keptIn(folder);
  expect(await reading(folder).call("get_task_status", { task_id: ids.failed })).toMatchObject({ status: "failed" });
  expect(keptIn(folder)).toEqual(older);
});

test("a state that a newer version of the program wrote is refused by name, and one that is damaged", () => {
  const folder = copyOfStore();
  const file = new DatabaseSync(join(folder, "tasks.sqlite"));
  file.exec("PRAGMA user_version = 4000");
  file.close();
  expect(() => openReading(folder)).toThrow(expect.objectContaining({ code: "platform.newer_version" }));
  rmSync(join(folder, "tasks.sqlite"));
  mkdirSync(join(folder, "tasks.sqlite"));
  expect(() => openReading(folder)).toThrow(expect.objectContaining({ code: "platform.store_unavailable" }));
});

test("a folder without tasks is told to be none, and is not made", () => {
  const folder = join(temporaryFolder(), "none");
  expect(() => openReading(folder)).toThrow(expect.objectContaining({ code: "local.no_state" }));
  expect(() => statSync(folder)).toThrow("ENOENT");
});
