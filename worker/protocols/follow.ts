import type { NewEvent } from "../output/event-log.ts";
import type { Turn, TurnState } from "../turns/turn.ts";

/** Tells what happens in a turn until it has ended, or asks. Should the signal be aborted first, the turn is cancelled. */
export async function follow(turn: Turn, signal: AbortSignal, hear: (event: NewEvent) => void): Promise<TurnState> {
  const cancel = () => turn.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  const leave = turn.listen(hear);
  try {
    return await turn.state();
  } finally {
    leave();
    signal.removeEventListener("abort", cancel);
  }
}
