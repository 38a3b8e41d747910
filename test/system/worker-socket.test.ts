import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { processesOf, startSystem, temporaryFolder } from "./system.ts";

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

const sessionOf = (folder: string, record: Record<string, unknown>) =>
  join(folder, "sessions", (record.providerRefs as { sessionId: string }).sessionId);
const pidOf = (session: string): number => JSON.parse(readFileSync(join(session, "address.json"), "utf8")).pid;

describe.concurrent("a worker of this machine", () => {
  it("listens on no port, and is out of reach for other users, alive or dead", async ({
    expect,
    onTestFinished: atEnd,
    skip,
  }) => {
    const folder = temporaryFolder(atEnd);
    const { client } = await startSystem(folder, { atEnd });
    const id = await client.command("sleep 600");
    const session = sessionOf(folder, await client.until(id, ({ status }) => status === "running"));
    const pid = pidOf(session);
    expect(portsOf(pid)).toEqual([]);
    expect(statSync(join(session, "worker.sock")).isSocket()).toBe(true);
    // Nothing but the place tells who the worker is: there is no secret to be had from a caller.
    expect(readdirSync(session)).not.toContain("token");

    if (!isRoot) skip("only root can act as another user");
    const socket = join(session, "worker.sock");
    const asStranger = (...words: string[]) => {
      const [program = "", ...args] = words;
      return spawnSync(program, args, { ...STRANGER, encoding: "utf8", env: { PATH: process.env.PATH } });
    };
    const takeOver = () => [
      asStranger("rm", "-f", socket).status,
      asStranger("mv", session, `${session}-away`).status,
      asStranger("python3", "-c", `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(socket)})`)
        .status,
    ];
    expect(takeOver()).not.toContain(0);
    process.kill(pid, "SIGKILL");
    expect(takeOver()).not.toContain(0);
    expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    await expect.poll(() => existsSync(session), { timeout: 10_000 }).toBe(false);
  });

  it("is reached, and found again, in a state folder of any depth", async ({ expect, onTestFinished: atEnd }) => {
    const folder = join(temporaryFolder(atEnd), "deep".repeat(50), "deeper".repeat(30));
    mkdirSync(folder, { recursive: true });
    const first = await startSystem(folder, { atEnd });
    const release = join(folder, "release");
    const waiting = { command: `echo before; while [ ! -e ${release} ]; do sleep 0.1; done; echo after`, shell: true };
    const id = await first.client.command(waiting);
    const record = await first.client.until(id, ({ logLength }) => (logLength as number) > 0);
    const pid = pidOf(sessionOf(folder, record));
    await first.kill("SIGKILL");

    const { client } = await startSystem(folder, { atEnd });
    expect(await client.status(id)).toMatchObject({ status: "running" });
    expect(pidOf(sessionOf(folder, record))).toBe(pid);
    mkdirSync(release);
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(await client.log(id)).toBe("before\nafter\n");
    await expect.poll(() => processesOf(id), { timeout: 10_000 }).toEqual([]);
  });
});
