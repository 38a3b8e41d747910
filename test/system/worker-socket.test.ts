import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { processesOf, startSystem, temporaryFolder } from "./system.ts";
import { workerOf } from "./workers.ts";

/** A user who is neither us nor in our groups; only root can become one. */
const STRANGER = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;

/** Ports on which a process listens, as the kernel tells it. */
function portsOf(pid: number): number[] {
  const descriptors = readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      return [];
    }
  });
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A" && descriptors.includes(`socket:[${fields[9]}]`))
      .map((fields) => Number.parseInt(fields[1]?.split(":")[1] ?? "", 16)),
  );
}

describe.concurrent("a worker of this machine", () => {
  it("listens on no port, and is out of reach for other users, alive or dead", async ({
    expect,
    onTestFinished: atEnd,
    skip,
  }) => {
    const folder = temporaryFolder(atEnd);
    const { client } = await startSystem(folder, { atEnd });
    const id = await client.command("sleep 600");
    const worker = workerOf(folder, await client.until(id, ({ status }) => status === "running"));
    expect(portsOf(worker.pid)).toEqual([]);
    const socket = join(worker.folder, "worker.sock");
    expect(statSync(socket).isSocket()).toBe(true);
    // Nothing but the place tells who the worker is: there is no secret to be had from a caller.
    expect(readdirSync(worker.folder)).not.toContain("token");

    if (!isRoot) skip("only root can act as another user");
    const asStranger = (...words: string[]) => {
      const [program = "", ...args] = words;
      return spawnSync(program, args, { ...STRANGER, encoding: "utf8", env: { PATH: process.env.PATH } });
    };
    const takeOver = () => [
      asStranger("rm", "-f", socket).status,
      asStranger("mv", worker.folder, `${worker.folder}-away`).status,
      asStranger("python3", "-c", `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(socket)})`)
        .status,
      asStranger("python3", "-c", `import socket; socket.socket(socket.AF_UNIX).connect(${JSON.stringify(socket)})`)
        .status,
      asStranger("ls", join(folder, "sessions", worker.sessions[0] ?? "")).status,
    ];
    expect(takeOver()).not.toContain(0);
    process.kill(worker.pid, "SIGKILL");
    expect(takeOver()).not.toContain(0);
    expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    const left = () => [worker.folder, join(folder, "sessions", worker.sessions[0] ?? "")].filter(existsSync);
    await expect.poll(left, { timeout: 10_000 }).toEqual([]);
  });

  it("is reached, and found again, in a state folder of any depth", async ({ expect, onTestFinished: atEnd }) => {
    const folder = join(temporaryFolder(atEnd), "deep".repeat(50), "deeper".repeat(30));
    mkdirSync(folder, { recursive: true });
    const first = await startSystem(folder, { atEnd });
    const release = join(folder, "release");
    const waiting = { command: `echo before; while [ ! -e ${release} ]; do sleep 0.1; done; echo after`, shell: true };
    const id = await first.client.command(waiting);
    const record = await first.client.until(id, ({ logLength }) => (logLength as number) > 0);
    const { pid } = workerOf(folder, record);
    await first.kill("SIGKILL");

    const { client } = await startSystem(folder, { atEnd });
    expect(await client.status(id)).toMatchObject({ status: "running" });
    expect(workerOf(folder, record).pid).toBe(pid);
    mkdirSync(release);
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(await client.log(id)).toBe("before\nafter\n");
    await expect.poll(() => processesOf(id), { timeout: 10_000 }).toEqual([]);
  });
});
