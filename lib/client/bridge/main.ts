import { environmentVariables } from "../../contract/execution-environment.ts";
import { taskNamedBy } from "../../contract/tokens/task-token.ts";
import { openDoor } from "../http/open-door.ts";
import { runBridge } from "./bridge.ts";
import { keepOwnRole } from "./own-role.ts";
import { dropUnresolved } from "./unresolved.ts";

/**
 * The bridge as a program: `main.ts [bridge | serve] [options]`, the latter as registrations
 * of the Python program of this name have it. Standard output belongs to the messages: whatever else in this
 * process writes there, by `process.stdout` or the console, is led to standard error.
 */
const { stdin, stdout, stderr, env, argv } = process;
Object.defineProperty(process, "stdout", { value: stderr, configurable: true, enumerable: true });

// Before anything reads it: the SDK of AWS, and a local system that is started.
dropUnresolved(env);

/** The agent of a task has nobody's key but its own. */
const taskToken = env[environmentVariables.taskToken];
if (taskToken && taskNamedBy(taskToken)) keepOwnRole(env);
const words = argv.slice(["bridge", "serve"].includes(argv[2] ?? "") ? 3 : 2);
/** When it has ended, the process ends with it. */
export const ended: Promise<never> = runBridge(words, {
  stdin,
  stdout,
  stderr,
  env,
  open: (target) =>
    openDoor(target, {
      findLocal: async (place) =>
        taskToken
          ? (await import("../local/of-task.ts")).findForTask(place, taskToken)
          : (await import("../local/own.ts")).findOrStartOwn(place),
    }),
  onSignal: (end) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, end);
  },
})
  // What libraries still hold, such as connections that are kept, must not keep anybody waiting.
  .then((exitCode) => process.exit(exitCode));
