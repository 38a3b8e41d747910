import { expect, test } from "vitest";
import { outcomeProtocol, readOutcome } from "../../../worker/frameworks/outcome.ts";

test.each([
  ["All tests pass.\n\nSTATUS: done", { output: "All tests pass.", outcome: "done" }],
  ["Half.\nSTATUS: partial: the docs", { output: "Half.", outcome: "partial", needs: "the docs" }],
  ["STATUS: needs_input: the API key", { output: "", outcome: "needs_input", needs: "the API key" }],
  ["So.\n**Status:** Blocked - no access", { output: "So.", outcome: "needs_input", needs: "no access" }],
  ["So.\n**STATUS: partial** (no network)", { output: "So.", outcome: "partial", needs: "no network" }],
  ["So.\n`status: Needs input`: which branch?  \n", { output: "So.", outcome: "needs_input", needs: "which branch?" }],
  ["So.\n> STATUS: done.", { output: "So.", outcome: "done" }],
  ["So.\n```\nSTATUS: done\n```", { output: "So.", outcome: "done" }],
  ["```\ncode\n```\nSTATUS: completed", { output: "```\ncode\n```", outcome: "done" }],
  ["STATUS: done: 3 files changed", { output: "3 files changed", outcome: "done" }],
  [
    "So.\nSTATUS: needs_input:\n- a key\n- a name",
    { output: "So.", outcome: "needs_input", needs: "- a key\n- a name" },
  ],
  ["So.\nSTATUS: done\n\nAnything else?", { output: "So.\n\nAnything else?", outcome: "done" }],
  ["STATUS: partial\nmore\nSTATUS: done", { output: "STATUS: partial\nmore", outcome: "done" }],
])("%j", (text, said) => {
  expect(readOutcome(text)).toEqual(said);
});

test.each([
  "",
  "Just an answer.",
  "STATUS: fine",
  "The line STATUS: done comes last.",
  "STATUS: done | partial | needs_input",
  `STATUS: done\n${"a line\n".repeat(30)}`,
])("says nothing: %j", (text) => {
  expect(readOutcome(text)).toEqual({ output: text.trimEnd(), outcome: null });
});

test("the protocol names a line for each outcome, as they are read", () => {
  const said = outcomeProtocol.split("\n").map((line) => readOutcome(line).outcome);
  expect(said.filter((outcome) => outcome !== null)).toEqual(["done", "partial", "needs_input"]);
});
