import { expect, test } from "vitest";
import { outputText, toOutcome, toPage, toQuestions, toRecord } from "../../../lib/client/sdk/reply.ts";

test("a record keeps the reply whole, without the events, and leaves out what is malformed", () => {
  const event = {
    taskId: "task_1",
    sequence: 100,
    type: "task.log",
    timestamp: "now",
    message: "hi",
    payload: { a: 1 },
  };
  const record = toRecord({
    id: "task_1",
    status: "running",
    owner: "local",
    logLength: 5,
    events: [event, 7, { type: "x" }],
  });
  expect(record).toMatchObject({ id: "task_1", status: "running", logLength: 5, events: [event], createdAt: "" });
  expect(record.whole).toEqual({ id: "task_1", status: "running", owner: "local", logLength: 5 });
  expect(toRecord({ error: "odd", events: "odd" })).not.toHaveProperty("error");
});

test("an outcome names its artifacts, by name or else by id", () => {
  const artifacts = [
    { id: "a1", name: "report.md", uri: "file:///r", sizeBytes: 3 },
    { id: "a2", uri: "file:///s" },
  ];
  expect(toOutcome({ status: "succeeded", result: 1, artifacts, resultRef: { uri: "file:///whole" } })).toMatchObject({
    result: 1,
    resultUri: "file:///whole",
    artifacts: [
      { name: "report.md", uri: "file:///r", sizeBytes: 3 },
      { name: "a2", uri: "file:///s" },
    ],
  });
});

test("a page has a cursor only when there is more", () => {
  expect(toPage({ items: [{ id: "a" }] })).toEqual({ items: [{ id: "a" }] });
  expect(toPage({ items: [], cursor: "next" })).toEqual({ items: [], cursor: "next" });
});

test("a clarification is its questions; a handle is none", () => {
  const questions = [{ id: "runtime", question: "Which?", choices: ["a", { name: "b" }] }];
  expect(toQuestions({ status: "needs_clarification", questions })).toEqual([
    { id: "runtime", question: "Which?", choices: ["a", "b"] },
  ]);
  expect(toQuestions({ status: "queued", taskId: "task_1" })).toBeUndefined();
});

test("an answer is its output, its text, or all of it", () => {
  expect(outputText({ output: "text", result: 1 })).toBe("text");
  expect(outputText("text")).toBe("text");
  expect(outputText({ result: 1 })).toBe('{\n  "result": 1\n}');
  expect(outputText(undefined)).toBeUndefined();
});
