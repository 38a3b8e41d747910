import type { QueueEntry } from "../../store/port.ts";
import type { Ports } from "../ports.ts";

const PAGE = 1000;
/** A queue that is longer is as long as this, to whoever looks at it. */
const MOST = 100_000;

/** Counts the tasks that wait in an owner's queue, and tells the observer. */
export async function tellQueueDepth({ store, observe }: Ports, owner: string): Promise<void> {
  let depth = 0;
  for (let last: QueueEntry | undefined; depth < MOST; ) {
    const page = await store.listQueue(owner, PAGE, last);
    depth += page.length;
    last = page.at(-1);
    if (!last || page.length < PAGE) break;
  }
  if (depth > 0) observe.decided({ decision: "queued", owner, depth });
}
