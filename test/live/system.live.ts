/** The suites of the system that need nothing but its endpoint, on a deployed stack. */
import { afterAll, describe } from "vitest";
import { dispatchingAnywhere } from "../system/suites/dispatching.ts";
import { mcpTasks } from "../system/suites/mcp-tasks.ts";
import { commandCall } from "../system/system.ts";
import { liveUnderTest } from "./live-under-test.ts";
import { runOf } from "./run.ts";

const run = runOf(process.env);
const system = await liveUnderTest(run);

describe("the deployed stack", () => {
  dispatchingAnywhere(system);
  mcpTasks(async () => ({
    place: { url: system.url, identity: system.identity },
    commandCall: (input) => commandCall(input, system.place),
  }));
});

afterAll(() => console.log(`all that was dispatched carries the mark ${run.mark}`));
