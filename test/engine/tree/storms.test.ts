import { describe } from "vitest";
import { treeStormsOn } from "./storms.ts";

describe("on SQLite", () => {
  treeStormsOn("SQLite", [11, 12, 13, 14, 15, 16], { most: 60, steps: 250 });
  treeStormsOn("SQLite", [21, 22, 23, 24], { most: 500, steps: 2500 });
});
describe("on DynamoDB", () => {
  treeStormsOn("DynamoDB", [31, 32], { most: 40, steps: 120 });
  treeStormsOn("DynamoDB", [42], { most: 500, steps: 2000 });
});
