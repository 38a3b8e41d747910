import { openDoor } from "../http/open-door.ts";
import { runBridge } from "./bridge.ts";
import { dropUnresolved } from "./unresolved.ts";

/**
 * The bridge as a program: `main.ts [bridge] [options]`. Standard output belongs to the messages: whatever else in this
 * process writes there, by `process.stdout` or the console, is led to standard error.
 */
const { stdin, stdout, stderr, env, argv } = process;
Object.defineProperty(process, "stdout", { value: stderr, configurable: true, enumerable: true });

// Before anything reads it: the SDK of AWS, and a local system that is started.
dropUnresolved(env);

const words = argv.slice(argv[2] === "bridge" ? 3 : 2);
/** When it has ended, the process ends with it. */
export const ended: Promise<never> = runBridge(words, {
  stdin,
  stdout,
  stderr,
  env,
  open: (target) =>
    openDoor(target, { findLocal: async (place) => (await import("../local/own.ts")).findOrStartOwn(place) }),
  onSignal: (end) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, end);
  },
})
  // What libraries still hold, such as connections that are kept, must not keep anybody waiting.
  .then((exitCode) => process.exit(exitCode));
