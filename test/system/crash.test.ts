import { describe } from "vitest";
import { dying } from "./suites/dying.ts";
import { restarting } from "./suites/restarting.ts";
import { localSystem } from "./under-test.ts";

describe.concurrent("the local system", () => {
  dying(localSystem());
  restarting();
});
