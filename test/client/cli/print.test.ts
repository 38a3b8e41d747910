import { Writable } from "node:stream";
import { styleText } from "node:util";
import { expect, test, vi } from "vitest";
import type { Output } from "../../../lib/client/cli/io.ts";
import { formatBytes, formatDuration, oneLine, paint, printProblem, table } from "../../../lib/client/cli/print.ts";
import { memoryIo } from "./memory-io.ts";

test.each([
  [0, "0.0 s"],
  [1234, "1.2 s"],
  [9940, "9.9 s"],
  [9960, "10 s"],
  [59_400, "59 s"],
  [59_600, "1 m 00 s"],
  [125_000, "2 m 05 s"],
  [3_600_000, "1 h 00 m"],
  [7_500_000, "2 h 05 m"],
  [-5, "0.0 s"],
])("%d ms are %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [999, "999 B"],
  [2048, "2.0 kB"],
  [3_500_000, "3.5 MB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("a table aligns its columns, whatever colours they have, and leaves no blanks at the end", () => {
  const green = styleText("green", "ok", { validateStream: false });
  const rows = [
    ["task", "ended", "took"],
    ["a", green, "1.0 s"],
  ];
  expect(table(rows)).toBe(`task  ended  took\na     ${green}     1.0 s\n`);
  expect(table([["a", ""]])).toBe("a\n");
});

test("text from elsewhere cannot move the cursor or begin a line", () => {
  expect(oneLine("\u001b[2Jgone\r\nnext\tcolumn\u2028end")).toBe("gone next column end");
  expect(oneLine("abcdef", 4)).toBe("abc…");
});

test("colours go to terminals that show them, and nowhere else", () => {
  vi.stubEnv("FORCE_COLOR", undefined);
  const output: Output & { getColorDepth?(): number } = new Writable();
  expect(paint(output, "red", "text")).toBe("text");
  output.isTTY = true;
  output.getColorDepth = () => 8;
  expect(paint(output, "red", "text")).toBe("\u001b[31mtext\u001b[39m");
  // What a terminal answers where NO_COLOR is set.
  output.getColorDepth = () => 1;
  expect(paint(output, "red", "text")).toBe("text");
  vi.unstubAllEnvs();
});

test("a problem is its message and its hint on standard error, in lines of their own", async () => {
  const io = memoryIo();
  await printProblem(io, {
    message: "the file cannot be used:\n  a.b: must be \u001b[31ma number",
    hint: "see --help",
  });
  expect(io.err()).toBe("error: the file cannot be used:\n  a.b: must be a number\nhint: see --help\n");
  expect(io.out()).toBe("");
});
