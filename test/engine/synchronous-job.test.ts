import { describe, expect, it } from "vitest";
import type { Call } from "../../lib/backends/adapter.ts";
import { OutcomeUnknownError, RetryableError } from "../../lib/contract/errors.ts";
import { FIRST_WORKER_SEQUENCE, MAX_LOG_BYTES, MAX_LOG_CHUNK_BYTES } from "../../lib/contract/worker.ts";
import { SynchronousJob } from "../../lib/engine/synchronous-job.ts";

/** A job under way, and what its call was given. */
function underWay() {
  const held = new SynchronousJob();
  const answered = Promise.withResolvers<{ result?: unknown }>();
  let call: Call | undefined;
  held.begin((given) => {
    call = given;
    return answered.promise;
  });
  return {
    held,
    log: (text: string, stream: "stdout" | "stderr" = "stdout") => call?.log(text, stream),
    call,
    answered,
  };
}

/** All that it reports, page by page. */
function allOf(held: SynchronousJob) {
  const pages = [held.report(0)];
  for (let page = pages[0]; page && page.events.length > 0; page = pages.at(-1)) pages.push(held.report(page.next));
  return pages;
}

describe("a job whose worker is this process", () => {
  it("reports small pieces together, and one that was reported as it was", () => {
    const { held, log } = underWay();
    log("a");
    log("b");
    log("c", "stderr");
    const first = held.report(0);
    expect(first.events.map(({ sequence, message }) => [sequence, message])).toEqual([
      [FIRST_WORKER_SEQUENCE, "ab"],
      [FIRST_WORKER_SEQUENCE + 1, "c"],
    ]);
    log("d", "stderr");
    expect(held.report(0).events.slice(0, 2)).toEqual(first.events);
    expect(held.report(first.next).events).toMatchObject([{ sequence: FIRST_WORKER_SEQUENCE + 2, message: "d" }]);
  });

  it("cuts long text into pieces that an event may hold, and never a character", () => {
    const { held, log } = underWay();
    const text = `x${"\u{1F600}".repeat(200_000)}`;
    log(text.slice(0, 5));
    log(text.slice(5));
    const messages = allOf(held).flatMap(({ events }) => events.map(({ message = "" }) => message));
    expect(messages.join("")).toBe(text);
    expect(Math.max(...messages.map((message) => Buffer.byteLength(message)))).toBeLessThanOrEqual(MAX_LOG_CHUNK_BYTES);
    expect(messages.every((message) => message.isWellFormed())).toBe(true);
  });

  it("tells its end with the last of its log", async () => {
    const { held, log, answered } = underWay();
    log("x".repeat(600_000));
    answered.resolve({ result: 1 });
    await held.over;
    const statuses = allOf(held).map(({ status }) => status);
    expect(statuses).toEqual(["running", "running", "succeeded", "succeeded"]);
  });

  it("keeps no more of its log than a task may have, and says so once", () => {
    const { held, log } = underWay();
    for (let i = 0; i < 20; i++) log("x".repeat(1024 * 1024));
    log("short");
    const text = allOf(held)
      .flatMap(({ events }) => events.map(({ message }) => message))
      .join("");
    expect(text.length).toBeLessThanOrEqual(MAX_LOG_BYTES);
    expect(text.replace(/^x+/, "")).toMatch(/^\n\[.*was not kept.*16 MB.*\]\n$/);
    expect(text.lastIndexOf("x")).toBe(15 * 1024 * 1024 - 1);
  });

  it("may still arrive when it was broken off, or when its outcome is not known", async () => {
    expect(new SynchronousJob().isOpen).toBe(false);
    const answered = underWay();
    expect(answered.held.isOpen).toBe(true);
    answered.answered.resolve({});
    await answered.held.over;
    expect(answered.held.isOpen).toBe(false);

    const broken = underWay();
    broken.held.breakOff({ status: "cancelled" });
    broken.answered.resolve({});
    await Promise.resolve();
    expect(broken.held.isOpen).toBe(true);

    const cause = new OutcomeUnknownError("reset");
    for (const [error, isOpen] of [
      [new RetryableError("worker.lost", "it broke", { cause }), true],
      [new RetryableError("platform.throttled", "too many calls"), false],
    ] as const) {
      const failed = underWay();
      failed.answered.reject(error);
      await failed.held.over;
      expect(failed.held.isOpen).toBe(isOpen);
    }
  });

  it("ends once: by its answer, or as it was broken off", async () => {
    const first = underWay();
    first.answered.resolve({ result: 1 });
    await first.held.over;
    expect(first.held.breakOff({ status: "cancelled" })).toBe(false);
    expect(first.held.report(0)).toMatchObject({ status: "succeeded", result: 1 });

    const second = underWay();
    expect(second.held.breakOff({ status: "cancelled" })).toBe(true);
    expect(second.call?.signal.aborted).toBe(true);
    second.answered.resolve({ result: 1 });
    second.log("too late");
    await Promise.resolve();
    expect(second.held.report(0)).toMatchObject({ status: "cancelled", events: [] });
  });
});
