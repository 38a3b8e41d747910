import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const files = readdirSync(import.meta.dirname, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(md|test\.ts)$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name).slice(import.meta.dirname.length + 1));
const rows = [
  ...readFileSync(join(import.meta.dirname, "README.md"), "utf8").matchAll(/^\| `([^`]+)` \| (.+) \|$/gm),
].map(([, file = "", rest = ""]) => ({ file, cells: rest.split(" | ") }));

test("the README has one row for each emulator and each of their parts", () => {
  expect(rows.map(({ file }) => file).sort()).toEqual(files.sort());
});

test("each emulator says what it models and what it leaves out", () => {
  const parts = rows.findIndex(({ cells }) => cells.length === 1);
  for (const { file, cells } of rows.slice(0, parts)) {
    expect(cells, file).toHaveLength(2);
    for (const cell of cells) expect(cell.trim(), file).not.toBe("");
  }
  expect(parts).toBeGreaterThan(15);
});
