import { describe } from "vitest";
import { dispatching } from "./suites/dispatching.ts";
import { localSystem } from "./under-test.ts";

describe.concurrent("the local system", () => dispatching(localSystem()));
