import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Context } from "../../../lib/client/cli/context.ts";
import { main } from "../../../lib/client/cli/program.ts";
import { type LocalSystem, startLocal } from "../../../lib/system/local.ts";
import { shareCompiledCode } from "../../fixtures/compile-cache.ts";
import { processesOf } from "../../system/system.ts";
import { memoryIo } from "./memory-io.ts";

let home = "";
let system: LocalSystem | undefined;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "agent-dispatch-stopping-"));
  const stateDir = join(home, "state");
  await mkdir(stateDir);
  shareCompiledCode(stateDir);
  const configFile = join(home, "config.json");
  await writeFile(configFile, JSON.stringify({ defaults: { limits: { maxRunning: 1, graceSeconds: 1 } } }));
  system = await startLocal({ configFile, stateDir });
});
afterAll(async () => {
  await system?.close();
  await rm(home, { recursive: true, force: true });
});

/** Runs a command line in this process, at the system of this file. */
async function cli(...args: string[]) {
  const io = memoryIo();
  const context: Context = {
    io,
    local: {
      stateDir: async () => join(home, "state"),
      idsBeginning: async () => [],
      find: async () => system && { url: system.url, token: system.token, pid: process.pid, forRun: false },
      read: () => Promise.reject(new Error("nothing is read here")),
      start: () => Promise.reject(new Error("nothing is started here")),
    },
    patienceMs: 0,
    onDeparture: () => () => {},
    exit() {},
  };
  const code = await main(args, context);
  return { code, out: io.out(), err: io.err() };
}
const detached = async (line: string) => (await cli("run", "--detach", "--command", line)).out.trim();

test("what runs and waits is listed, and stopped only with --yes, until it was seen to be over", async () => {
  expect(await cli("sessions")).toMatchObject({ code: 0, out: "nothing runs, and nothing waits\n" });
  expect(await cli("stop-all")).toMatchObject({ code: 0 });
  const running = await detached("sleep 600");
  await expect.poll(() => processesOf(running), { timeout: 60_000 }).not.toEqual([]);
  const waiting = await detached("true");
  const listed = await cli("sessions");
  expect(listed.out).toMatch(new RegExp(`${running.slice(5, 13)} +running .* sleep 600`));
  expect(listed.out).toMatch(new RegExp(`${waiting.slice(5, 13)} +waiting `));
  expect(listed.err).toContain("1 task waits to begin");
  expect(JSON.parse((await cli("sessions", "--json")).out)).toMatchObject({ queued: 1 });

  const asked = await cli("stop-all");
  expect(asked).toMatchObject({
    code: 2,
    err: expect.stringMatching(/nothing was stopped\n.*stop-all --yes stops it/),
  });
  expect(JSON.parse((await cli("stop-all", "--json")).out)).toMatchObject({ confirmed: false, queued: 1 });
  expect(await processesOf(running)).not.toEqual([]);

  const stopped = await cli("stop-all", "--yes");
  expect(stopped).toMatchObject({ code: 0, err: "" });
  expect(stopped.out).toMatch(/^2 tasks were cancelled\nverified as stopped: session ad-\w+\n$/);
  expect(await processesOf(running)).toEqual([]);
  expect(JSON.parse((await cli("stop-all", "--yes", "--json")).out)).toMatchObject({ confirmed: true, cancelled: 0 });
});

test("admission is paused and resumed, and a task that waits says by whom", async () => {
  expect(await cli("admission")).toMatchObject({ code: 0, out: "admission is open\n" });
  expect((await cli("admission", "pause")).out).toMatch(
    /^you have paused admission, since .*: what is dispatched waits\n$/,
  );
  const waiting = await detached("true");
  expect((await cli("status", waiting)).out).toContain("admission, which is paused by its owner");
  expect(JSON.parse((await cli("admission", "--json")).out)).toMatchObject({ queued: 1, paused: [{ by: "owner" }] });
  expect(await cli("admission", "resume")).toMatchObject({ code: 0, out: "admission is open\n" });
  expect(await cli("wait", waiting)).toMatchObject({ code: 0 });
  expect(await cli("admission", "stop")).toMatchObject({ code: 2 });
});

test("on one machine there is no stack to administer", async () => {
  for (const words of [["sessions"], ["stop-all", "--yes"], ["admission", "pause"]])
    expect(await cli("admin", ...words)).toMatchObject({ code: 2, err: expect.stringContaining("--stack") });
});
