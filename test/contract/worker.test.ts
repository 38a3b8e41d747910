import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type * as z from "zod";
import { areQuotesClosed } from "../../lib/contract/command-line.ts";
import {
  agentInputSchema,
  CONTRACT,
  commandInputSchema,
  FIRST_WORKER_SEQUENCE,
  operationSchema,
  plainEnvelopeSchema,
  pollReplySchema,
  workerArtifactSchema,
  workerEventSchema,
} from "../../lib/contract/worker.ts";

const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;
const taskId = `task_${"0".repeat(32)}`;

test("the name of the contract, and where a worker's numbers begin, are for ever", () => {
  expect(CONTRACT).toBe("agentdispatch/1");
  expect(FIRST_WORKER_SEQUENCE).toBe(100);
});

describe("operations", () => {
  const common = { contract: CONTRACT, bootId: "b", taskId };
  const start = { taskType: "command.run", input: {}, limits: { timeoutSeconds: 1, graceSeconds: 0 }, depth: 0 };
  const operations = [
    { contract: CONTRACT, op: "hello" },
    { ...common, op: "start", ...start },
    { ...common, op: "poll", after: 0 },
    { ...common, op: "upload", targets: [{ id: "a", url: "http://127.0.0.1:1/a", headers: {} }] },
    { ...common, op: "input", inputResponses: {} },
    { ...common, op: "cancel", graceSeconds: 10 },
  ];

  test.each(operations)("$op is understood as it is, and not under another contract", (operation) => {
    expect(operationSchema.parse(operation)).toMatchObject(operation);
    expect(accepts(operationSchema, { ...operation, contract: "agentdispatch/2" })).toBe(false);
    expect(accepts(operationSchema, { ...operation, contract: undefined })).toBe(false);
  });

  test("a poll waits for nothing and takes a megabyte unless it says otherwise, within bounds", () => {
    const poll = operations[2];
    expect(operationSchema.parse(poll)).toMatchObject({ waitSeconds: 0, maxBytes: 1024 * 1024 });
    for (const wrong of [{ waitSeconds: 11 }, { waitSeconds: -1 }, { after: -1 }, { after: 0.5 }, { maxBytes: 0 }])
      expect(accepts(operationSchema, { ...poll, ...wrong })).toBe(false);
  });

  test("what any of them lacks is refused", () => {
    for (const operation of operations)
      for (const field of Object.keys(operation))
        expect(accepts(operationSchema, { ...operation, [field]: undefined }), `${operation.op} without ${field}`).toBe(
          false,
        );
  });

  test("any other value is refused, never thrown at", () => {
    fc.assert(fc.property(fc.anything(), (value) => !accepts(operationSchema, value)));
  });
});

describe("what a task takes", () => {
  const word = fc.string({ minLength: 1, maxLength: 50 });
  const variable = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,30}$/);
  const command = fc.record(
    {
      command: word,
      args: fc.array(fc.string()),
      cwd: fc.string(),
      env: fc.dictionary(variable, fc.string(), { noNullPrototype: true }),
      stdin: fc.string(),
      shell: fc.boolean(),
      timeoutSeconds: fc.double({ min: 0.001, max: 27_000, noNaN: true }),
    },
    { requiredKeys: ["command"], noNullPrototype: true },
  );

  test("a command is read as it stands", () => {
    const isWhole = ({ command, shell }: { command: string; shell?: boolean }) => shell || areQuotesClosed(command);
    fc.assert(
      fc.property(command.filter(isWhole), (input) => isDeepStrictEqual(commandInputSchema.parse(input), input)),
    );
  });

  test.each([
    {},
    { command: "" },
    { command: 1 },
    { command: "x".repeat(65_537) },
    { command: "x 'y" },
    { command: "x \\" },
    { command: "x", unknown: 1 },
    { command: "x", args: "y" },
    { command: "x", args: [1] },
    { command: "x", args: Array(1001).fill("") },
    { command: "x", env: { "A=B": "c" } },
    { command: "x", env: { "": "c" } },
    { command: "x", env: { A: 1 } },
    { command: "x", shell: "true" },
    { command: "x", timeoutSeconds: 0 },
    { command: "x", timeoutSeconds: Number.POSITIVE_INFINITY },
    { command: "x", timeoutSeconds: 27_001 },
    { command: "x", stdin: "x".repeat(1_000_001) },
  ])("a command is refused for what is wrong with it (%#)", (input) => {
    expect(accepts(commandInputSchema, input)).toBe(false);
  });

  test("an instruction must be there, and nothing unknown beside it", () => {
    expect(agentInputSchema.parse({ instruction: "do", model: { id: "m" } })).toEqual({
      instruction: "do",
      model: { id: "m" },
    });
    for (const wrong of [{}, { instruction: "" }, { instruction: "do", unknown: 1 }, { instruction: ["do"] }])
      expect(accepts(agentInputSchema, wrong)).toBe(false);
  });

  test("a plain envelope may say almost nothing", () => {
    expect(plainEnvelopeSchema.parse({})).toEqual({ taskType: "agent.run", input: {} });
    expect(accepts(plainEnvelopeSchema, { taskType: "other" })).toBe(false);
  });
});

describe("what a worker says", () => {
  const event = { sequence: 100, type: "task.log", timestamp: "2026-01-01T00:00:00.000Z", message: "x" };
  const artifact = { id: "a", name: "report.md", sizeBytes: 0, sha256: "0".repeat(64), contentType: "text/markdown" };

  test("events are its own: never numbered as ours, nor of our types", () => {
    expect(workerEventSchema.parse(event)).toEqual(event);
    for (const wrong of [{ sequence: 99 }, { sequence: 100.5 }, { type: "task.succeeded" }, { timestamp: "yesterday" }])
      expect(accepts(workerEventSchema, { ...event, ...wrong })).toBe(false);
  });

  test("an artifact's id can be part of a path, and its digest is one", () => {
    expect(accepts(workerArtifactSchema, artifact)).toBe(true);
    for (const wrong of [{ id: "../a" }, { id: "" }, { id: "a/b" }, { sha256: "0" }, { sizeBytes: -1 }, { name: "" }])
      expect(accepts(workerArtifactSchema, { ...artifact, ...wrong })).toBe(false);
  });

  test("a reply to a poll keeps a result of any shape", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (result) => {
        const reply = { status: "succeeded", events: [event], next: 101, result, artifacts: [artifact] };
        expect(JSON.stringify(pollReplySchema.parse(reply).result)).toBe(JSON.stringify(result));
      }),
    );
    expect(accepts(pollReplySchema, { status: "done", events: [], next: 0 })).toBe(false);
  });
});
