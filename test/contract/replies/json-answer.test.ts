import { expect, test } from "vitest";
import { assertSchema, jsonAnswer } from "../../../lib/contract/replies/json-answer.ts";

const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"], additionalProperties: false };

test.each([
  ["given as such", { n: 1 }, "n is one"],
  ["as text", undefined, '{"n":1}'],
  ["in a fence", undefined, 'Here:\n```json\n{"n":1}\n```\nDone.'],
])("JSON is taken %s", (_how, given, output) => {
  expect(jsonAnswer(schema, given, output)).toEqual({ value: { n: 1 } });
});

test.each([
  ["no JSON", undefined, "n is one"],
  ["an instance that does not fit", { n: "1" }, ""],
  ["a field that is missing", {}, ""],
  ["a field too much", { n: 1, m: 2 }, ""],
])("%s is told", (_what, given, output) => {
  expect(jsonAnswer(schema, given, output)).toEqual(expect.any(String));
});

test("a pattern that takes for ever holds nothing up", () => {
  const slow = { type: "string", pattern: "^(a|a)*$" };
  expect(jsonAnswer(slow, `${"a".repeat(60)}!`, "")).toContain("could not be checked");
});

test("what is no schema is refused before anything runs", () => {
  expect(() => assertSchema(schema, "x")).not.toThrow();
  expect(() => assertSchema({ $ref: "#/nowhere" }, "x")).toThrow("x: is no JSON Schema");
});
