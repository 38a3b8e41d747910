/** What the state folder and the workers of this machine come to, when something in the way is wrong. */
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { localBackend } from "../../../lib/backends/local-process/backend.ts";
import { makeTask } from "../../contract/make-task.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { temporaryFolder } from "../../system/system.ts";
import { workersOf } from "../../system/workers.ts";

const configuration = () => parseConfiguration({ accounts: { local: { provider: "local" } } });
const log = { debug() {}, info() {}, warn() {}, error() {} };
const settles = { timeout: 30_000 };

function open(stateDir: string, prewarm = false) {
  const backend = localBackend({ stateDir, configuration, log, prewarm });
  onTestFinished(() => backend.close());
  return backend;
}
type Backend = ReturnType<typeof open>;

const taskOf = (backend: Backend) => {
  const task = makeTask({ target: { mode: "session" } });
  return { ...task, session: { id: backend.nameSession(task), state: "open" as const, inFlight: {} } };
};

it.each(["..", "../..", "."])(
  "a session's note of its worker that says %s removes nothing but the session",
  async (target) => {
    const stateDir = temporaryFolder();
    const backend = open(stateDir);
    const session = join(stateDir, "sessions", taskOf(backend).session.id);
    mkdirSync(session, { recursive: true });
    const kept = join(stateDir, "kept");
    writeFileSync(kept, "");
    symlinkSync(target, join(session, "worker"));
    await backend.reconcile(async () => new Set());
    expect(existsSync(kept)).toBe(true);
    expect(existsSync(session)).toBe(false);
  },
);

it("a session that was placed again leaves nothing of the first time in the books", async ({ skip }) => {
  if (availableParallelism() < 2) skip("there is one worker on one core");
  const stateDir = temporaryFolder();
  const backend = open(stateDir, true);
  await backend.prewarm();
  await expect.poll(() => workersOf(stateDir).length, settles).toBe(2);
  const task = taskOf(backend);
  const folder = join(stateDir, "sessions", task.session.id);
  mkdirSync(join(stateDir, "sessions"));
  writeFileSync(folder, "in the way");
  await expect(backend.provision(task)).rejects.toMatchObject({ code: "worker.did_not_start" });
  rmSync(folder);
  await backend.provision(task);
  await expect.poll(async () => (await backend.awaitReady(task)).ready, settles).toBe(true);
  await backend.stop(task);
  await backend.close();
  expect(readdirSync(join(stateDir, "workers"))).toEqual([]);
});
