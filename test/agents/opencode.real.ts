import { describe } from "vitest";
import { opencode } from "./programs/opencode.ts";
import { suites } from "./suites/index.ts";

describe("the real opencode", () => suites(opencode));
