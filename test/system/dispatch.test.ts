import { describe } from "vitest";
import { revisions } from "../mcp/clients.ts";
import { dispatching } from "./suites/dispatching.ts";
import { localSystem } from "./under-test.ts";

describe.concurrent("the local system", () => dispatching(localSystem(), revisions));
