import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { findMarked, killMarked } from "../../worker/processes.ts";
import { until } from "./start-worker.ts";

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
