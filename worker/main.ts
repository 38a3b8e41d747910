import { once } from "node:events";
import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { flushCompileCache } from "node:module";
import { basename, dirname } from "node:path";
import { readConfig, type WorkerConfig } from "./config.ts";
import { report } from "./report.ts";
import { createWorkerServer } from "./server.ts";
import { Worker } from "./worker.ts";

/** What a job gets to end by itself when its worker has to go. */
const LAST_GRACE_SECONDS = 2;
/** A worker that cannot clean up ends all the same. */
const CLOSE_WITHIN_MS = 10_000;

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const worker = new Worker(config, process.env);
  const server = createWorkerServer(worker);

  let isClosing = false;
  const close = async (reason: string, exitCode = 0) => {
    if (isClosing) return;
    isClosing = true;
    report(`ends: ${reason}`);
    setTimeout(() => process.exit(1), CLOSE_WITHIN_MS).unref();
    server.close();
    await worker.close(LAST_GRACE_SECONDS);
    process.exit(exitCode);
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => void close(name));
  process.on("uncaughtException", (error) => {
    report("an error nobody caught", error);
    worker.crash(error);
  });
  // A reader of our output that went away is no reason to stop.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

  const port = await listen(server, config.listen);
  if (config.addressFile !== undefined) await writeAddress(config.addressFile, port);
  worker.prepare();
  // Whoever ends a worker does not wait for it, so what was compiled is kept now. Without a cache this does nothing.
  setImmediate(flushCompileCache);

  const checkMs = Math.min(5000, Math.max(50, Math.min(config.idleSeconds, config.maxSeconds) * 100));
  setInterval(() => {
    worker.sweep();
    const isLost = config.addressFile !== undefined && !existsSync(config.addressFile);
    const reason = isLost ? "nobody can find it any more: its address file is gone" : worker.exitReason;
    if (reason !== undefined) void close(reason);
  }, checkMs);
}

/** Resolves with the port, if there is one. */
async function listen(server: Server, where: WorkerConfig["listen"]): Promise<number | undefined> {
  if ("socket" in where) {
    // By its name alone: the path may be longer than the address of a socket can be.
    process.chdir(dirname(where.socket));
    server.listen(basename(where.socket));
  } else server.listen(where.port, where.host);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  report(`listens on ${"socket" in where ? where.socket : `${where.host}:${port}`}`);
  return port;
}

/** Whoever finds the file finds it whole. */
async function writeAddress(file: string, port: number | undefined): Promise<void> {
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, JSON.stringify({ pid: process.pid, port }), { mode: 0o600 });
  await rename(unfinished, file);
}

try {
  await main();
} catch (error) {
  report(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
