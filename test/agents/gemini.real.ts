import { describe } from "vitest";
import { gemini } from "./programs/gemini.ts";
import { suites } from "./suites/index.ts";

describe("the real gemini", () => suites(gemini));
