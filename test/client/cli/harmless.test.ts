import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { harmless, harmlessJson } from "../../../lib/client/cli/harmless.ts";
import type { Output } from "../../../lib/client/cli/io.ts";

const output = (isTTY: boolean): Output => Object.assign(new Writable(), { isTTY });

test.each([
  ["clears the screen", "\u001b[2J", "^[[2J"],
  ["is in the upper half of Latin-1", "\u009b2J\u007f", "<U+009B>2J^?"],
  ["turns the direction of text", "a\u202eb\u2066c", "a<U+202E>b<U+2066>c"],
  ["draws over a line", "10%\r20%\r\r\nend\r", "10%\n20%\nend"],
  ["is a tab, a blank or of another language", "a\tb\n c été 日本 👍🏽\n", "a\tb\n c été 日本 👍🏽\n"],
])("on a terminal, what %s is shown as it may be", (_, text, shown) => {
  expect(harmless(output(true), text)).toBe(shown);
  expect(harmless(output(false), text)).toBe(text);
});

test("JSON means the same, without a character that a terminal acts on", () => {
  const value = { text: "\u001b[2J\u009b\u007f\u202e" };
  const json = harmlessJson(JSON.stringify(value));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).toMatch(/^[ -~]*$/);
});
