import fc from "fast-check";
import { expect, test } from "vitest";
import { findSyntaxIssue, parseCommentedJson } from "../../lib/config/json-syntax.ts";

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test("it finds a mistake exactly where JSON.parse refuses", () => {
  const fragment = fc.constantFrom(
    ...'{}[]:,"\\',
    " ",
    "\n",
    '"a"',
    "1",
    "-",
    "0",
    ".5",
    "e9",
    "true",
    "nul",
    "\u0001",
    "x",
  );
  const texts = fc.oneof(
    fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join("")),
    fc.json(),
    fc.tuple(fc.json(), fc.nat(), fragment).map(([text, at, insert]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + insert + text.slice(place);
    }),
  );
  fc.assert(
    fc.property(texts, (text) => (findSyntaxIssue(text) === undefined) === isJson(text)),
    { numRuns: 5000 },
  );
});

test("the text itself is never quoted, and a long one is no burden", () => {
  expect(JSON.stringify(findSyntaxIssue('{"password": hunter2}'))).not.toContain("hunter2");
  const deep = "[".repeat(200_000);
  expect(findSyntaxIssue(deep)).toEqual({ line: 1, column: 200_001, message: "expected a value or ]" });
});

const comment = fc.oneof(
  fc.stringMatching(/^[a"\\*/{},:]{0,6}$/).map((text) => `//${text}\n`),
  fc
    .stringMatching(/^[a"\\*/\n{},:]{0,6}$/)
    .filter((text) => !text.includes("*/") && !text.startsWith("/"))
    .map((text) => `/*${text.replace(/\*$/, "")}*/`),
);
const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

test("comments change nothing, wherever they stand", () => {
  const value = fc.jsonValue().filter((json) => JSON.stringify(json).length < 500);
  fc.assert(
    fc.property(value, fc.array(comment, { minLength: 1, maxLength: 5 }), (json, comments) => {
      const words = JSON.stringify(json).match(token) ?? [];
      const text = words.map((word, i) => `${comments[i % comments.length]}${word}`).join("") + comments[0];
      expect(findSyntaxIssue(text)).toBeUndefined();
      expect(parseCommentedJson(text)).toEqual(JSON.parse(JSON.stringify(json)));
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ["{} // no end of line", undefined],
  ["{} /* open", { line: 1, column: 4, message: "expected the end of the file" }],
  ['{ "a": 1 / 2 }', { line: 1, column: 10, message: "expected a comma or }" }],
  ['// first\n/* second\n line */ { "a" 1 }', { line: 3, column: 16, message: "expected a colon" }],
  ['{ "a": "// no comment", "b": "/* nor this */" }', undefined],
  ['{ "a": 1, }', { line: 1, column: 11, message: "expected a name in double quotes" }],
])("%j", (text, issue) => {
  expect(findSyntaxIssue(text)).toEqual(issue);
});
