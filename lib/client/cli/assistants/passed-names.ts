import { type BuiltInFramework, builtInFrameworks, isClaimed } from "../../../contract/frameworks.ts";
import type { Io } from "../io.ts";

/** Of the folders of a desktop session, those that decide where something is kept. */
const ofSession = /^XDG_(?!\w+_HOME$)/;

/**
 * Names of the variables that agents and credentials need, of those that are set: some assistants keep them from what they
 * start unless they are named. What they are set to is written nowhere.
 */
export const passedNames = (env: Io["env"]): string[] =>
  Object.keys(env)
    .filter((name) => env[name] !== undefined && !ofSession.test(name) && isNeeded(name))
    .sort();

const isNeeded = (name: string): boolean =>
  name.startsWith("AWS_") ||
  (Object.keys(builtInFrameworks) as BuiltInFramework[]).some((framework) => isClaimed(framework, name));
