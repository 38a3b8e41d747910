import fc from "fast-check";
import { expect, test } from "vitest";
import { findSyntaxIssue } from "../../lib/config/json-syntax.ts";

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
