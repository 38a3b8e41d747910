import type { Context } from "./context.ts";
import { CANCELLED } from "./exit-code.ts";
import type { Departure } from "./interrupt.ts";

/**
 * Runs what would leave something half done if the process just ended: a request to end aborts it instead, so that it can
 * clear up. Resolves with its exit code, else with 130, or 0 where nobody but the reader of the output left.
 */
export async function untilDeparture(
  { onDeparture }: Pick<Context, "onDeparture">,
  use: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const quit = new AbortController();
  let departed: Departure | undefined;
  const release = onDeparture((why) => {
    departed ??= why;
    quit.abort();
  });
  try {
    return await use(quit.signal);
  } catch (error) {
    if (departed === undefined) throw error;
    return departed === "reader_gone" ? 0 : CANCELLED;
  } finally {
    release();
  }
}
