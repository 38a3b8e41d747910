import { appendFileSync, mkdtempSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NewLines } from "../../../../worker/frameworks/programs/growing-files.ts";
import { temporaryFolder } from "../../start-worker.ts";

const MIB = 1024 * 1024;
const folder = temporaryFolder();

function growing() {
  const path = join(mkdtempSync(join(folder, "file-")), "lines");
  const seen: string[] = [];
  const lines = new NewLines((line) => seen.push(line));
  return { path, seen, readOn: () => lines.readOn(path) };
}

test("each line is read once, as soon as it is whole, wherever the file was cut", () => {
  const { path, seen, readOn } = growing();
  readOn();
  const bytes = Buffer.from("one\nzw\u00f6lf\n\nlast\n");
  for (const byte of bytes) {
    appendFileSync(path, Buffer.from([byte]));
    readOn();
  }
  expect(seen).toEqual(["one", "zw\u00f6lf", "", "last"]);
});

test("a line that is too long is left out, and what follows is read", () => {
  const { path, seen, readOn } = growing();
  writeFileSync(path, "one\n");
  for (let count = 0; count < 17; count++) {
    appendFileSync(path, "x".repeat(MIB));
    readOn();
  }
  appendFileSync(path, "end\ntwo\n");
  readOn();
  expect(seen).toEqual(["one", "two"]);
});

test("of a file that became huge its end is read, however large it is", () => {
  const { path, seen, readOn } = growing();
  writeFileSync(path, "one\nbegun");
  readOn();
  truncateSync(path, 8 * 1024 * 1024 * MIB);
  appendFileSync(path, "rest\ntwo\n");
  readOn();
  expect(seen).toEqual(["one", "two"]);
});
