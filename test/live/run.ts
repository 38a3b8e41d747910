import type { Target } from "../../lib/client/http/door.ts";
import { openDoor } from "../../lib/client/http/open-door.ts";
import type { Budget } from "./plan.ts";

/** What the process that watches over a run tells the tests. */
export type Run = { target: Target; mark: string; budget: Budget; journal: string; timings: string };

const VARIABLE = "LIVE_RUN";

export const toEnvironment = (run: Run): Record<string, string> => ({ [VARIABLE]: JSON.stringify(run) });

/** Throws an Error where nobody watches over the run. */
export function runOf(env: NodeJS.ProcessEnv): Run {
  const text = env[VARIABLE];
  if (text === undefined) throw new Error("these tests cost money: npm run test:live starts them");
  return JSON.parse(text) as Run;
}

export const doorOf = ({ target }: Pick<Run, "target">) =>
  openDoor(target, { findLocal: () => Promise.reject(new Error("a deployed system is meant")) });
