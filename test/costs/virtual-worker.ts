import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import {
  CONTRACT,
  FIRST_WORKER_SEQUENCE,
  type Operation,
  operationSchema,
  type PollReply,
} from "../../lib/contract/worker.ts";
import { listen } from "../emulators/requests/listen.ts";
import type { VirtualClock } from "../fixtures/virtual-clock.ts";

/** A job as it is counted: it lasts so long, prints a line of so many characters each so often, and leaves files of a kilobyte. */
export type CountedJob = { durationMs: number; lineMs: number; lineLength: number; files: number };

const FILE = { sizeBytes: 1024, sha256: "a".repeat(64), contentType: "text/plain" };

/**
 * A worker that speaks the contract and whose time is that of a virtual clock: a machine that takes `bootMs` to start, and a job
 * that does as it was told. It waits for news for as long as it is asked to, as a real one does.
 */
export async function startVirtualWorker(clock: VirtualClock, job: () => CountedJob, bootMs: number) {
  const runs = new Map<string, number>();
  const bootId = randomBytes(8).toString("hex");
  let uploads = 0;

  const lines = (startedAtMs: number, atMs: number): number => {
    const { durationMs, lineMs } = job();
    return 1 + Math.floor(Math.min(atMs - startedAtMs, durationMs) / lineMs);
  };

  async function poll({ taskId, after, waitSeconds }: Extract<Operation, { op: "poll" }>): Promise<PollReply> {
    const startedAtMs = runs.get(taskId) ?? clock.steady();
    const { durationMs, lineMs, lineLength, files } = job();
    const seen = Math.max(0, after - FIRST_WORKER_SEQUENCE + 1);
    const endsAtMs = startedAtMs + durationMs;
    const nextAtMs = Math.min(endsAtMs, startedAtMs + seen * lineMs);
    const untilMs = Math.min(nextAtMs, clock.steady() + waitSeconds * 1000);
    await clock.sleep(untilMs - clock.steady());
    const now = clock.steady();
    const events = Array.from({ length: lines(startedAtMs, now) - seen }, (_, i) => ({
      sequence: FIRST_WORKER_SEQUENCE + seen + i,
      type: "task.log" as const,
      timestamp: new Date(startedAtMs + (seen + i) * lineMs).toISOString(),
      message: `${String(seen + i).padStart(6)} ${randomBytes(lineLength)
        .toString("base64")
        .slice(0, lineLength - 8)}\n`,
      payload: { stream: "stdout" },
    }));
    const next = events.at(-1)?.sequence ?? after;
    const common = { events, next, elapsedSeconds: (now - startedAtMs) / 1000 };
    if (now < endsAtMs) return { ...common, status: "running" };
    const artifacts = Array.from({ length: files }, (_, i) => ({ id: `file-${i}`, name: `${i}.txt`, ...FILE }));
    const result = { exitCode: 0, timedOut: false, durationMs, stdoutBytes: 0, stderrBytes: 0 };
    return { ...common, status: "succeeded", result, artifacts };
  }

  async function answer(operation: Operation): Promise<unknown> {
    switch (operation.op) {
      case "hello":
        await clock.sleep(bootMs);
        return { contract: CONTRACT, bootId, version: "0", protocols: ["http"], frameworks: ["echo"] };
      case "start":
        if (!runs.has(operation.taskId)) runs.set(operation.taskId, clock.steady());
        return { accepted: true, taskId: operation.taskId, status: "running" };
      case "poll":
        return poll(operation);
      case "upload":
        uploads += operation.targets.length;
        return { artifacts: operation.targets.map(({ id }) => ({ id, state: "stored" })) };
      default:
        throw new Error(`no counted job is told ${operation.op}`);
    }
  }

  const server = createServer(async (request, response) => {
    const reply = await answer(operationSchema.parse(await json(request)));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reply));
  });
  const { endpoint, close } = await listen(server);
  return {
    url: endpoint,
    close,
    /** Files that were sent so far. */
    uploads: () => uploads,
  };
}
