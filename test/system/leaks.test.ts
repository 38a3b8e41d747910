import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { startSystem, temporaryFolder } from "./system.ts";

/** Leaves a process in a session of its own that has no environment, and writes its id into the file. */
const hiding = (file: string) =>
  `(setsid env -i sh -c 'echo $$ > ${file}; exec sleep 600' &) ; while [ ! -s ${file} ]; do sleep 0.05; done`;

/** Whether the process runs, as the kernel tells it. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

describe.runIf(process.platform === "linux")(
  "a process without an environment, in a session of its own",
  { concurrent: true },
  () => {
    const open = async (atEnd: (work: () => Promise<void> | void) => void) => {
      const folder = temporaryFolder(atEnd);
      const file = join(folder, "hidden-pid");
      const hiddenPid = () => Number(readFileSync(file, "utf8"));
      atEnd(() => void (existsSync(file) && runs(hiddenPid()) && process.kill(hiddenPid(), "SIGKILL")));
      return { folder, file, hiddenPid, ...(await startSystem(folder, { atEnd })) };
    };

    it("ends with the job that left it", async ({ expect, onTestFinished: atEnd }) => {
      const { client, file, hiddenPid } = await open(atEnd);
      const id = await client.command({ command: hiding(file), shell: true });
      expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
      expect(runs(hiddenPid())).toBe(false);
    });

    it("ends when the job is cancelled", async ({ expect, onTestFinished: atEnd }) => {
      const { client, file, hiddenPid } = await open(atEnd);
      const id = await client.command({ command: `${hiding(file)}; sleep 600`, shell: true });
      await expect.poll(() => existsSync(file) && readFileSync(file, "utf8"), { timeout: 20_000 }).toMatch(/\d\n/);
      await client.must("cancel_task", { task_id: id });
      expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
      await expect.poll(() => runs(hiddenPid()), { timeout: 20_000 }).toBe(false);
    });

    it("ends also when the job removes its session's folder and kills its worker", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { client, file, hiddenPid } = await open(atEnd);
      const last = 'rm -rf "$(dirname "$TMPDIR")"; kill -9 $PPID';
      const id = await client.command({ command: `${hiding(file)}; ${last}; sleep 600`, shell: true });
      expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
      await expect.poll(() => runs(hiddenPid()), { timeout: 20_000 }).toBe(false);
    });
  },
);
