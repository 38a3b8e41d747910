import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { withMark } from "../../worker/processes/process-mark.ts";
import { findMarked, killMarked } from "../../worker/processes/processes.ts";
import { fixture, until } from "./start-worker.ts";

const NAME = "AGENTDISPATCH_TEST_MARK";

test("finds and kills what carries a mark, and nothing else", async () => {
  const start = (mark: string, script: string) =>
    spawn("sh", ["-c", script], { env: { PATH: process.env.PATH, [NAME]: mark }, stdio: "ignore", detached: true });
  const mark = `mark-${process.pid}`;
  const marked = start(mark, "setsid sleep 60 & (setsid sh -c 'sleep 60 & sleep 60' &); sleep 60");
  // One process: what its shell started would outlive it.
  const other = start(`${mark}-longer`, "exec sleep 60");
  await until(async () => (await findMarked(NAME, mark)).length >= 5);
  expect(await findMarked(NAME, mark, [marked.pid ?? 0])).not.toContain(marked.pid);

  const killed = await killMarked(NAME, mark);
  expect(killed).toContain(marked.pid);
  expect(await findMarked(NAME, mark)).toEqual([]);
  expect(await findMarked(NAME, `${mark}-longer`)).toContain(other.pid);
  expect(await killMarked(NAME, mark)).toEqual([]);
  other.kill("SIGKILL");
  await once(other, "exit");
});

describe.runIf(process.platform === "linux")("what hides its environment", () => {
  const NOBODY = 65_534;
  const uid = process.getuid?.() === 0 ? NOBODY : undefined;
  const script = fixture("kill-marked.ts");
  const start = (mark: string, ...command: string[]) => {
    const [program = "", ...words] = withMark(NAME, mark, command);
    const env = { PATH: process.env.PATH };
    return spawn(program, words, { env, stdio: "ignore", detached: true, ...(uid !== undefined && { uid, gid: uid }) });
  };

  test("is found all the same, after any number of generations", async () => {
    const mark = `hidden-${process.pid}`;
    const child = start(mark, "sh", "-c", "(setsid env -i sh -c 'sleep 60 & exec sleep 60' &) ; exec env -i sleep 60");
    const other = start(`${mark}-longer`, "sleep", "60");
    await until(async () => (await findMarked(NAME, mark)).length === 3);
    expect(await killMarked(NAME, mark)).toContain(child.pid);
    expect(await findMarked(NAME, mark)).toEqual([]);
    expect(await findMarked(NAME, `${mark}-longer`)).toEqual([other.pid]);
    other.kill("SIGKILL");
    await once(other, "exit");
  });

  test("is killed by a user who may not read it", async ({ skip }) => {
    if (spawnSync("ssh-agent", ["-h"]).error) skip("there is no ssh-agent here");
    if (spawnSync("test", ["-r", script], { ...(uid !== undefined && { uid }) }).status !== 0)
      skip("nobody but root can read this checkout");
    const mark = `agent-${process.pid}`;
    const folder = mkdtempSync(join(tmpdir(), "agent-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    if (uid !== undefined) chownSync(folder, uid, uid);
    const starter = start(mark, "ssh-agent", "-a", join(folder, "socket"));
    expect(await once(starter, "exit")).toEqual([0, null]);
    const [agent = 0] = await findMarked(NAME, mark);
    expect(readFileSync(`/proc/${agent}/comm`, "utf8")).toBe("ssh-agent\n");
    const env = { PATH: process.env.PATH };
    const killed = spawnSync(process.execPath, [script, NAME, mark], {
      env,
      ...(uid !== undefined && { uid, gid: uid }),
    });
    expect(JSON.parse(String(killed.stdout))).toEqual([agent]);
    expect(await findMarked(NAME, mark)).toEqual([]);
  });
});
