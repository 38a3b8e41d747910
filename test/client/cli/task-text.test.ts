import { expect, test } from "vitest";
import { outputText, whatOf } from "../../../lib/client/cli/task-text.ts";
import { record, shortRecord } from "../replies.ts";

test("an answer is its output, its text, or all of it", () => {
  expect(outputText({ output: "text", result: 1 })).toBe("text");
  expect(outputText("text")).toBe("text");
  expect(outputText({ result: 1 })).toBe('{\n  "result": 1\n}');
  expect(outputText(undefined)).toBeUndefined();
});

test("a task is its command or its instruction, in a list and alone", () => {
  expect(whatOf(record({ input: { command: "make" } }))).toBe("$ make");
  expect(whatOf(record({ taskType: "agent.run", input: { instruction: "Look." } }))).toBe("Look.");
  expect(whatOf(shortRecord({ summary: "make" }))).toBe("$ make");
  expect(whatOf(shortRecord())).toBe("");
});
