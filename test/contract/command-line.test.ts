import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { areQuotesClosed, leavesWorkspace } from "../../lib/contract/command-line.ts";
import { splitWords } from "../../worker/processes/split-words.ts";

const hasWords = (command: string): boolean => {
  try {
    splitWords(command);
    return true;
  } catch {
    return false;
  }
};

test("a command whose quotes are closed is one that the worker can split", () => {
  const piece = fc.constantFrom("'", '"', "\\", "$", "a", " ", "\n", "`", "#");
  const command = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(command, (text) => !areQuotesClosed(text) || hasWords(text)),
    { numRuns: 20_000 },
  );
});

test.each(["'", "a 'b", '"\\"', "a\\", "$'\\'", `'"\\\\"`, `"it's`])("the quotes of %j are not", (command) => {
  expect(areQuotesClosed(command)).toBe(false);
});

test("a long command is judged at once", () => {
  expect(areQuotesClosed(`${'$\'a\' "b\\"" '.repeat(6000)}'`)).toBe(false);
});

describe("a path", () => {
  test.each([
    [undefined, ".", false],
    [undefined, "a/../b", false],
    [undefined, "..", true],
    [undefined, "a/../../b", true],
    [undefined, "/tmp", true],
    ["/workspace", "/workspace", false],
    ["/workspace/", "/workspace/a", false],
    ["/workspace", "/workspace/../etc", true],
    ["/workspace", "/workspaces", true],
    ["/workspace", "/", true],
    ["/workspace", "../etc", true],
    ["/", "/etc", false],
  ])("with the workspace %j: %j leads out of it: %s", (workspace, cwd, expected) => {
    expect(leavesWorkspace(workspace, cwd)).toBe(expected);
  });
});
