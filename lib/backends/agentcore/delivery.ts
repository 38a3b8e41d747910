import { setTimeout as sleep } from "node:timers/promises";
import { isNotDelivered } from "./problems.ts";

/** Behind loading, credentials, signing and whatever pauses: https://github.com/smithy-lang/smithy-typescript */
const LAST = { step: "finalizeRequest", priority: "low" } as const;

/** Pauses before an invocation that AgentCore turned away is sent again; each is cut by half at random. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000];

/** The same, before one that came too early for a new runtime. */
const EARLY_MS = 4000;

/**
 * Sends an invocation. What AgentCore turned away, because it throttles, makes the machine just now, or as `isTooEarly`
 * says does not know the runtime yet, never reached the worker and is sent again; nothing else is. Throws what `send`
 * throws.
 */
export async function untilDelivered<T>(
  send: () => Promise<T>,
  signal: AbortSignal,
  isTooEarly: (error: unknown) => boolean,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      const pause = isTooEarly(error) ? EARLY_MS : isNotDelivered(error) ? PAUSES_MS[attempt] : undefined;
      if (pause === undefined || !(await slept(pause, signal))) throw error;
    }
  }
}

/** Resolves after half of the time at least, with whether the signal left that much. */
const slept = (ms: number, signal: AbortSignal): Promise<boolean> =>
  sleep(ms * (0.5 + Math.random() / 2), undefined, { signal }).then(
    () => true,
    () => false,
  );

type Middleware = <Args, Result>(next: (args: Args) => Promise<Result>) => (args: Args) => Promise<Result>;
type Command = { middlewareStack: { add(middleware: Middleware, options: typeof LAST): void } };

/** As the last thing before each request of a command leaves, `check` is called; what it throws the command throws. */
export function checkLast(command: Command, check: () => void = () => {}): void {
  const middleware: Middleware = (next) => async (args) => {
    check();
    return next(args);
  };
  command.middlewareStack.add(middleware, LAST);
}
