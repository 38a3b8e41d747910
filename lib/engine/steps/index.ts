import { awaitReady } from "./await-ready.ts";
import { cleanup } from "./cleanup.ts";
import { complete } from "./complete.ts";
import { fail } from "./fail.ts";
import { provision } from "./provision.ts";
import { start } from "./start.ts";
import type { Step } from "./step.ts";
import { synchronousCall } from "./synchronous-call.ts";
import { watch } from "./watch.ts";

/** The steps by the names of their states in `dispatch.asl.json`. */
export const steps = {
  Provision: provision,
  AwaitReady: awaitReady,
  Start: start,
  SynchronousCall: synchronousCall,
  Watch: watch,
  Complete: complete,
  Fail: fail,
  Cleanup: cleanup,
} satisfies Record<string, Step>;
