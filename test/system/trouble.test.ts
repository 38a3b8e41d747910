import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problemOf } from "../mcp/clients.ts";
import { commandCall, processesOf, startSystem, temporaryFolder } from "./system.ts";
import { workersOf } from "./workers.ts";

const canMount = spawnSync("unshare", ["-m", "true"]).status === 0;

describe("a full disk", () => {
  it("refuses what it cannot keep, and loses nothing that it had promised", { timeout: 150_000 }, async ({ skip }) => {
    if (!canMount) skip("this system lets nobody mount a small disk");
    const stateDir = temporaryFolder();
    const { client } = await startSystem(stateDir, { diskMegabytes: 8 });
    const filler = join(stateDir, "filler");
    const filling = `echo before; cat /dev/zero > ${filler}; while [ ! -e ${stateDir}/token ] || [ -e ${filler} ]; do sleep 0.1; done; echo after`;
    // Freed by a timer of its own, because nothing can be dispatched meanwhile.
    const id = await client.command({
      command: `(sleep 4; rm ${filler}) & ${filling}`,
      shell: true,
      env: { TMPDIR: "/tmp" },
    });
    await client.until(id, ({ status }) => status === "running");
    await expect
      .poll(async () => (await client.call("dispatch_task", commandCall({ command: "true" }))).isError, {
        timeout: 20_000,
      })
      .toBe(true);
    const refused = await client.call("dispatch_task", commandCall({ command: "true" }));
    if (refused.isError) {
      expect(problemOf(refused)).toMatchObject({ code: "platform.store_unavailable", retryable: true });
      expect(problemOf(refused).hint).toMatch(/\S/);
    }
    expect(await client.status(id)).toMatchObject({ id });
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
    expect(await client.log(id)).toMatch(/^before\n(.*\n)*after\n$/);
    const later = await client.command("true");
    expect(await client.ended(later)).toMatchObject({ status: "succeeded" });
  });
});

describe("a job that prints more than the disk holds", () => {
  const open = async () => {
    const stateDir = temporaryFolder();
    const { client } = await startSystem(stateDir, { diskMegabytes: 160, limits: { graceSeconds: 1 } });
    return client;
  };

  it("leaves room, so that it can be cancelled, and then is freed", { timeout: 150_000 }, async ({ skip }) => {
    if (!canMount) skip("this system lets nobody mount a small disk");
    const client = await open();
    const id = await client.command({
      command: "yes 'a long line of output that nobody needs'; sleep 600",
      shell: true,
    });
    const printed = async () => Math.max(0, ...(await processesOf(id)).map(printedMegabytes));
    await expect.poll(printed, { timeout: 60_000 }).toBeGreaterThan(400);
    await client.must("cancel_task", { task_id: id });
    expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
    const next = await client.command("head -c 20000000 /dev/zero");
    expect(await client.ended(next)).toMatchObject({ status: "succeeded", result: { stdoutBytes: 20_000_000 } });
  });

  it("ends with what there is room for", { timeout: 150_000 }, async ({ skip }) => {
    if (!canMount) skip("this system lets nobody mount a small disk");
    const client = await open();
    const id = await client.command("head -c 300000000 /dev/zero");
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { stdoutBytes: 300_000_000 } });
    const { artifacts } = (await client.must("get_task_result", { task_id: id })) as {
      artifacts: { sizeBytes: number }[];
    };
    expect(artifacts).toMatchObject([{ name: "output/stdout.log" }]);
    expect(artifacts[0]?.sizeBytes).toBeGreaterThan(10_000_000);
    expect(artifacts[0]?.sizeBytes).toBeLessThan(160_000_000);
  });
});

/** What a process has written, in MB. */
function printedMegabytes(pid: number): number {
  try {
    return Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]) / 1e6;
  } catch {
    return 0;
  }
}

describe("no descriptor left", () => {
  it("ends neither the system nor a task", { timeout: 150_000 }, async ({ skip }) => {
    if (spawnSync("prlimit", ["--version"]).status !== 0) skip("this system has no prlimit");
    const stateDir = temporaryFolder();
    let said = "";
    const system = await startSystem(stateDir, { onStderr: (text) => (said += text) });
    const limit = (files: string) => spawnSync("prlimit", ["--pid", String(system.pid), `--nofile=${files}`]).status;
    const before = /NOFILE .*?(\d+) +(\d+)/.exec(String(spawnSync("prlimit", ["--pid", String(system.pid)]).stdout));
    // The second is made once the first is known to listen: one that is still waited for would only be late.
    const workers = Math.min(2, availableParallelism());
    await expect.poll(() => workersOf(stateDir).length, { timeout: 20_000 }).toBe(workers);

    expect(limit(`3:${before?.[2]}`)).toBe(0);
    const id = await system.client.command("echo done");
    await expect.poll(() => said, { timeout: 20_000 }).toContain("a session could not be opened yet");
    expect(await system.client.status(id)).toMatchObject({ id });
    expect(limit(`${before?.[1]}:${before?.[2]}`)).toBe(0);
    expect(await system.client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(await system.client.log(id)).toBe("done\n");
    expect(await system.client.ended(await system.client.command("true"))).toMatchObject({ status: "succeeded" });
  });
});

describe("the HTTP door", () => {
  it("is closed to whoever has no token, and to web pages", async () => {
    const { url, token } = await startSystem(temporaryFolder());
    const authorization = `Bearer ${token}`;
    const statusOf = (headers: Record<string, string>, method = "POST", to = url) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request(to, { method, headers: { "content-type": "application/json", ...headers } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.on("error", reject);
        sent.end(method === "POST" ? '{"jsonrpc":"2.0","id":1,"method":"ping"}' : undefined);
      });
    expect(await statusOf({})).toBe(401);
    expect(await statusOf({ authorization: "Bearer wrong" })).toBe(401);
    expect(await statusOf({ authorization: `${authorization}x` })).toBe(401);
    expect(await statusOf({ authorization, host: "evil.example" })).toBe(403);
    expect(await statusOf({ authorization, origin: "https://evil.example" })).toBe(403);
    expect(await statusOf({ authorization }, "GET")).toBe(405);
    expect(await statusOf({ authorization }, "DELETE")).toBe(405);
    expect(await statusOf({}, "GET", url.replace("/mcp", "/health"))).toBe(401);
    expect(await statusOf({}, "PUT", url.replace("/mcp", "/artifacts/forged"))).toBe(403);
  });

  it("goes on when a client vanishes in the middle of a wait", async () => {
    const { url, token, client } = await startSystem(temporaryFolder());
    const id = await client.command("sleep 1");
    const abort = new AbortController();
    const waiting = fetch(url, {
      method: "POST",
      signal: abort.signal,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "wait_for_task", arguments: { task_id: id, timeout_seconds: 45 } },
      }),
    });
    setImmediate(() => abort.abort());
    await expect(waiting).rejects.toThrow();
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
  });
});
