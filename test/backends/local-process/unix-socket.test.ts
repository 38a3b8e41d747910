import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connectTo } from "../../../lib/backends/local-process/unix-socket.ts";

let outer = "";
beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "unix-socket-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(outer, { recursive: true });
});

/** Listens at a path of that length at least. */
async function listen(length: number) {
  const folder = join(outer, "folder".repeat(Math.ceil(Math.max(0, length - outer.length) / 6)).slice(0, 250));
  mkdirSync(folder, { recursive: true });
  const server = createServer((socket) => socket.end("hello"));
  // By a short name of its own, as a worker does: its working directory is the folder.
  const before = process.cwd();
  process.chdir(folder);
  await once(server.listen("s"), "listening");
  process.chdir(before);
  return { path: join(folder, "s"), server };
}

test.each([
  ["a short path", 0, process.platform],
  ["a long path", 250, process.platform],
  ["a long path where open folders have no name", 250, "darwin" as const],
])("%s is reached, and leaves nothing behind", async (_name, length, platform) => {
  const temporary = join(outer, "tmp");
  mkdirSync(temporary);
  vi.stubEnv("TMPDIR", temporary);
  const { path, server } = await listen(length);
  expect(await text(await connectTo(path, platform))).toBe("hello");
  expect(readdirSync(temporary)).toEqual([]);
  const closed = once(server, "close");
  server.close();
  await closed;
  await expect(connectTo(path, platform)).rejects.toMatchObject({
    code: expect.stringMatching(/^(ECONNREFUSED|ENOENT)$/),
  });
  await expect(connectTo(`${path}-other`, platform)).rejects.toMatchObject({ code: "ENOENT" });
  expect(readdirSync(temporary)).toEqual([]);
});
