import { RefusedError } from "../contract/errors.ts";
import type { Channel } from "../contract/kinds.ts";

/** The channel that an adapter names, as it is. Throws RefusedError `adapter.unsupported` for the one that is not there yet. */
export function servedChannel<T extends Channel | undefined>(channel: T): T {
  if (channel !== "mailbox") return channel;
  throw new RefusedError("adapter.unsupported", "workers that call in by a mailbox are not served yet", {
    hint: "an adapter says call, or synchronous for a contract-less runtime",
  });
}
