import { describe } from "vitest";
import { growing } from "./suites/growing.ts";
import { localSystem } from "./under-test.ts";

describe.concurrent("the local system", () => growing(localSystem()));
