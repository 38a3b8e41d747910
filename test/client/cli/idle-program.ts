import type { Command } from "commander";
import { describe as describeProgram } from "../../../lib/client/cli/describe.ts";
import { memoryIo } from "./memory-io.ts";

/** The program as it is described, for whoever reads its commands: nothing is asked or done by it. */
export function idleProgram(): Command {
  const unused = () => Promise.reject(new Error("nothing is done here"));
  const local = { stateDir: unused, find: unused, idsBeginning: unused, read: unused, start: unused };
  return describeProgram({ io: memoryIo(), local, patienceMs: 0, onDeparture: () => () => {}, exit() {} }, () => {});
}
