import { describe } from "vitest";
import { stopping } from "./suites/stopping.ts";
import { localSystem } from "./under-test.ts";

describe.concurrent("the local system", () => {
  stopping(localSystem());
});
