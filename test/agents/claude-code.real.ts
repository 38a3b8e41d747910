import { describe } from "vitest";
import { claudeCode } from "./programs/claude-code.ts";
import { asking } from "./suites/asking.ts";
import { suites } from "./suites/index.ts";

describe("the real claude-code", () => {
  suites(claudeCode);
  asking(claudeCode);
});
