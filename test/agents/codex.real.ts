import { describe } from "vitest";
import { codex } from "./programs/codex.ts";
import { suites } from "./suites/index.ts";

describe("the real codex", () => suites(codex));
