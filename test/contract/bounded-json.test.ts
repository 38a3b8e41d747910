import fc from "fast-check";
import { expect, test } from "vitest";
import { parseBounded } from "../../lib/contract/bounded-json.ts";

const LENGTH = 4 * 1024 * 1024;
const tooMany = expect.objectContaining({ code: "input.invalid", retryable: false });

test.each([
  ["arrays", `[${"[],".repeat(LENGTH / 3)}[]]`],
  ["objects", `[${"{},".repeat(LENGTH / 3)}{}]`],
  ["a tower", "[".repeat(LENGTH / 2) + "]".repeat(LENGTH / 2)],
  ["a tower that never ends", "[".repeat(LENGTH)],
  ["numbers behind a string", `["\\"\\\\",${"1,".repeat(LENGTH / 2)}1]`],
  ["members", `{${Array.from({ length: LENGTH / 12 }, (_, index) => `"k${index}":1`).join()}}`],
])("4 MB of %s are refused before they are parsed", (_what, text) => {
  expect(() => parseBounded(text)).toThrow(tooMany);
});

test("a long text is one value, whatever it holds", () => {
  for (const text of ["[,{".repeat(LENGTH / 3), '"'.repeat(LENGTH / 4), "\\".repeat(LENGTH / 4), '\\"['.repeat(1e6)])
    expect(parseBounded(JSON.stringify({ text }))).toEqual({ text });
});

test("100,000 values pass, and one more does not", () => {
  const numbers = (count: number) => `[${" 1,".repeat(count - 2)}1]`;
  expect(parseBounded(numbers(100_000))).toHaveLength(99_999);
  expect(() => parseBounded(numbers(100_001))).toThrow(tooMany);
});

test("what is no JSON is a syntax error, and the rest is as JSON.parse has it", () => {
  for (const text of ["", "{", '"'.repeat(200_001), `"${"\\".repeat(200_001)}`])
    expect(() => parseBounded(text)).toThrow(SyntaxError);
  const padding = " ".repeat(100_001);
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseBounded(padding + text)).toEqual(JSON.parse(text));
    }),
  );
});
