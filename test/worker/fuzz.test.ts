import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONTRACT } from "../../lib/contract/worker.ts";
import { type Answer, betrays, forAll, hangUp, parseRaw, type Sent, send, sendRaw, usage } from "../fuzz.ts";
import { startWorker } from "./start-worker.ts";

const SEED = 20_261_120;

const json = fc.jsonValue({ maxDepth: 3 });
const word = fc.string({ unit: fc.constantFrom(..."abcXYZ019_-./:"), minLength: 1, maxLength: 30 });
const towers = fc
  .integer({ min: 1, max: 50_000 })
  .map((depth) => `{"contract":"${CONTRACT}","op":${"[".repeat(depth)}${"]".repeat(depth)}}`);

/** Bodies that no worker can take: nothing in them names this worker's boot, and none is a plain envelope. */
function bodies(): fc.Arbitrary<string> {
  const operation = fc.record(
    {
      contract: fc.oneof({ weight: 4, arbitrary: fc.constant(CONTRACT) }, { weight: 1, arbitrary: json }),
      op: fc.oneof({ weight: 4, arbitrary: fc.constantFrom("start", "poll", "upload", "input", "cancel") }, json),
      bootId: fc.oneof(word, json),
      taskId: fc.oneof(fc.constant(`task_${"0".repeat(32)}`), word, json),
      taskType: fc.oneof(fc.constantFrom("command.run", "agent.run"), json),
      input: fc.oneof(fc.constant({ command: "true" }), json),
      limits: fc.oneof(fc.constant({ timeoutSeconds: 1, graceSeconds: 1 }), json),
      depth: fc.oneof(fc.constant(0), json),
      after: fc.oneof(fc.constant(0), json),
      waitSeconds: json,
      targets: json,
      env: json,
    },
    { requiredKeys: ["contract"] },
  );
  const text = operation.map((value) => JSON.stringify(value));
  const envelope = fc.record({ taskType: word, input: fc.oneof(fc.constant({ command: "true" }), json), prompt: json });
  return fc.oneof(
    { weight: 6, arbitrary: text },
    { weight: 1, arbitrary: envelope.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.tuple(text, fc.nat(10)).map(([whole, more]) => whole.slice(0, -1 - more)) },
    { weight: 1, arbitrary: fc.array(operation, { maxLength: 5 }).map((batch) => JSON.stringify(batch)) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }).map((noise) => `\u0001${noise}`) },
    { weight: 1, arbitrary: towers },
  );
}

const requests: fc.Arbitrary<Sent> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      path: fc.constantFrom("/invocations", "/invocations?x=1"),
      headers: fc.record({ "content-type": fc.oneof(fc.constantFrom("application/json", undefined), word) }),
      body: bodies(),
      chunked: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      method: fc.constantFrom("GET", "PUT", "DELETE", "PROPFIND", "OPTIONS"),
      path: fc.oneof(
        fc.constant("/invocations"),
        word.map((path) => `/x${path}`),
      ),
      headers: fc.dictionary(fc.constantFrom("host", "authorization", "accept", "x-a"), word),
      body: fc.constant(""),
    }),
  },
);

const hello = JSON.stringify({ contract: CONTRACT, op: "hello" });
const head = (more: string) => `POST /invocations HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
const garbage = fc
  .string({ unit: "binary-ascii", minLength: 1, maxLength: 300 })
  .map((noise) => `\x01${noise}\r\n\r\n`);
const chunked = `${head("transfer-encoding: chunked\r\n")}${hello.length.toString(16)}\r\n${hello}\r\n`;

/** Bytes that break off, contradict themselves or are no HTTP. */
const brokenBytes = fc.oneof(
  garbage,
  fc.integer({ min: 1, max: chunked.length }).map((length) => chunked.slice(0, length)),
  fc
    .tuple(fc.constantFrom("zz", "-1", "ffffffffffffffffff"), garbage)
    .map(([size, noise]) => `${head("transfer-encoding: chunked\r\n")}${size}\r\n${noise}`),
  fc.integer({ min: 1, max: 10_000 }).map((more) => head(`content-length: ${hello.length + more}\r\n`) + hello),
  fc
    .constantFrom("content-length: x", "content-length: 3\r\ntransfer-encoding: chunked", "expect: miracles")
    .map((line) => head(`${line}\r\n`) + hello),
  fc.integer({ min: 17_000, max: 100_000 }).map((length) => head(`x: ${"a".repeat(length)}\r\n`)),
  fc.constantFrom("CONNECT evil:1", "FOO /", "OPTIONS *").map((line) => `${line} HTTP/1.1\r\nhost: x\r\n\r\n`),
  garbage.map((noise) => `GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n${noise}`),
);

/** Beginnings after which nothing comes. */
const beginnings = ["", "POST /inv", "POST /invocations HTTP/1.1\r\nhost: x\r\nx: "];

function isRefusal({ status, type, text }: Answer): boolean {
  if (!type.startsWith("application/json") || (status !== 200 && (status < 400 || status > 499))) return false;
  const { error } = JSON.parse(text) as { error?: Record<string, unknown> };
  return typeof error?.code === "string" && typeof error.message === "string" && error.message.length < 10_000;
}

describe("garbage at the worker's door", () => {
  it("is refused, starts nothing, and leaves nothing behind", { timeout: 120_000 }, async () => {
    await using worker = await startWorker();
    const { bootId } = await worker.hello();
    const { port } = worker;
    const pid = worker.process.pid ?? 0;
    const before = usage(pid);
    const wrong: { what: string; answer: unknown }[] = [];
    const judge = (what: string, answer: Answer | undefined) => {
      if (!answer || betrays(answer) || !isRefusal(answer)) wrong.push({ what: what.slice(0, 400), answer });
    };
    const usual = fc.sample(requests, { numRuns: 2000, seed: SEED });
    const broken = fc.sample(brokenBytes, { numRuns: 500, seed: SEED });
    const large = [true, false].flatMap((chunked) =>
      Array.from({ length: 5 }, () => ({ path: "/invocations", headers: {}, body: "[1,".padEnd(5_000_000), chunked })),
    );
    const round = async (first: boolean) => {
      const of = <T>(items: readonly T[]) => items.filter((_, index) => (index % 2 === 0) === first);
      await forAll(of(usual), 24, async (sent) => judge(`${sent.method} ${sent.body}`, await send(port, sent)));
      await forAll(of(broken), 24, async (bytes) => {
        const text = await sendRaw(port, bytes);
        // A whole request that is only followed by silence is answered as ever.
        if (text !== "" && bytes !== chunked) judge(bytes, parseRaw(text));
      });
      await forAll(of(large), 4, async (sent) => judge("large", await send(port, sent)));
      hangUp();
    };
    const silent = async () => {
      const begun = performance.now();
      await forAll([...beginnings, ...beginnings, ...beginnings], 9, async (text) => {
        const came = await sendRaw(port, text, { end: false });
        if (came !== "") judge(`silent after ${text}`, parseRaw(came));
      });
      return performance.now() - begun;
    };

    await round(true);
    // Buffers of the first large bodies stay with the process; what a second round adds would be lost.
    const warmMb = usage(pid).residentMb;
    const [silentMs] = await Promise.all([silent(), round(false)]);

    expect(wrong.slice(0, 20)).toEqual([]);
    expect(silentMs).toBeLessThan(15_000);
    expect(worker.stderr()).not.toMatch(/failed|nobody caught/);
    await expect.poll(() => usage(pid).files, { timeout: 10_000 }).toBeLessThanOrEqual(before.files + 2);
    await expect.poll(() => usage(pid).residentMb, { timeout: 10_000 }).toBeLessThan(warmMb + 60);
    expect((await worker.hello()).bootId).toBe(bootId);
    expect(await worker.ping()).toMatchObject({ status: "Healthy" });
    expect((await worker.run({ command: "true" })).reply).toMatchObject({ status: "succeeded" });
  });
});
