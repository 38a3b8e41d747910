import { expect, test } from "vitest";
import { MAX_EVENT_BYTES, MAX_LOG_BYTES, type Operation, type PollReply } from "../../lib/contract/worker.ts";
import { taskRecord } from "../../lib/engine/record.ts";
import { type VirtualSystem, virtualSystem } from "../fixtures/virtual-system.ts";

const PER_POLL = 64;
const timestamp = "2026-01-02T03:04:05.678Z";
const chunk = (text: string, payload = {}) => ({ text, payload: { stream: "stdout", ...payload } });

/** The job of every task prints these texts, an event each, and succeeds. */
function printing(system: VirtualSystem, chunks: ReturnType<typeof chunk>[]): void {
  const { backend } = system;
  const invoke = backend.invoke.bind(backend);
  backend.invoke = async (task, operation, options) => {
    const reply = (await invoke(task, operation, options)) as PollReply;
    return operation.op === "poll" ? page(operation, reply) : reply;
  };
  const page = ({ after }: Extract<Operation, { op: "poll" }>, { result }: PollReply): PollReply => {
    const from = after - 99;
    const events = chunks.slice(from, from + PER_POLL).map(({ text, payload }, i) => {
      return { sequence: 100 + from + i, type: "task.log" as const, timestamp, message: text, payload };
    });
    const next = after + events.length;
    const ended = from + events.length >= chunks.length;
    return ended ? { status: "succeeded", events, next, result, artifacts: [] } : { status: "running", events, next };
  };
}

async function logOf(system: VirtualSystem, id: string): Promise<string> {
  let text = "";
  for (;;) {
    const { data } = await system.ports.store.readLog(id, text.length, 1_000_000);
    if (data === "") return text;
    text += data;
  }
}

test.each([
  ["ASCII", "x"],
  ["of three bytes each", "漢"],
  ["of two units each", "😀"],
])(
  "a log of characters %s ends at its limit in bytes, without a hole, and the record says so",
  async (_, character) => {
    await using system = virtualSystem();
    const size = Buffer.byteLength(character);
    const full = character.repeat(Math.floor((16 * 1024) / size));
    const before = Array.from({ length: MAX_LOG_BYTES / (16 * 1024) - 1 }, () => full);
    const small = character.repeat(10);
    // The last of these does not fit; what follows would.
    printing(
      system,
      [...before, small, `${full}${full}`, small, small].map((text) => chunk(text)),
    );
    const id = await system.dispatch();
    const task = await system.settled(id);
    const kept = [...before, small].join("");
    expect(await logOf(system, id)).toBe(kept);
    expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(MAX_LOG_BYTES);
    expect(task).toMatchObject({ status: "succeeded", result: { ran: id }, logLength: kept.length });
    expect(taskRecord(task)).toMatchObject({ logLength: kept.length, logTruncated: true });
  },
);

test("a worker that held back the rest of the log says so, and may add remarks", async () => {
  await using system = virtualSystem();
  printing(system, [chunk("a"), chunk("[full]", { truncated: true }), chunk("[remark]")]);
  const id = await system.dispatch();
  expect(taskRecord(await system.settled(id))).toMatchObject({ logTruncated: true });
  expect(await logOf(system, id)).toBe("a[full][remark]");
});

test("a log that fits is whole, and nothing is said", async () => {
  await using system = virtualSystem();
  printing(system, [chunk("a"), chunk(""), chunk("b")]);
  const id = await system.dispatch();
  expect(taskRecord(await system.settled(id))).not.toHaveProperty("logTruncated");
  expect(await logOf(system, id)).toBe("ab");
});

test("a log that is nearly full goes on", async () => {
  await using system = virtualSystem();
  printing(system, [chunk("a"), chunk("b".repeat(16 * 1024))]);
  const edit = system.ports.store.change;
  system.ports.store.change = (id, change) =>
    edit(id, (task) => {
      const at = Math.max(task.logLength, MAX_LOG_BYTES - 2);
      return change({ ...task, logLength: at, logBytes: at });
    });
  const task = await system.settled(await system.dispatch());
  expect(taskRecord(task)).toMatchObject({ status: "succeeded", logLength: MAX_LOG_BYTES - 1, logTruncated: true });
});

test("one event that is larger than any may be keeps its beginning and its end", async () => {
  await using system = virtualSystem();
  const long = `first ${"漢".repeat(MAX_EVENT_BYTES)} last`;
  printing(system, [chunk(long), chunk("after")]);
  const id = await system.dispatch();
  expect(await system.settled(id)).toMatchObject({ status: "succeeded" });
  const log = await logOf(system, id);
  expect(log).toMatch(/^first 漢+\n\[\.\.\. \d+ characters left out \.\.\.\]\n漢+ lastafter$/);
  expect(Buffer.byteLength(log)).toBeLessThan(MAX_EVENT_BYTES);
});
