import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, RefusedError } from "../../lib/contract/errors.ts";
import { type JobConversation, MAX_STATE_BYTES } from "../../lib/contract/worker.ts";

type State = NonNullable<JobConversation["state"]>;

const RETRY_AFTER_MS = [200, 1000, 3000];
/** So much may an archive be larger than what it holds, which hardly ever grows when it is compressed. */
const MAX_ARCHIVE_BYTES = MAX_STATE_BYTES + 16 * 1024 * 1024;

/**
 * Fetches what the last turn left, into a file that is not there yet; nothing else than was announced is taken. Throws
 * RefusedError `worker.conversation_lost`, never with the address, which is a secret.
 */
export async function fetchState(state: State, path: string): Promise<void> {
  if (state.sizeBytes > MAX_ARCHIVE_BYTES) throw lost(`it has ${state.sizeBytes} bytes, which is too much`);
  for (let attempt = 0; ; attempt++) {
    const failure = await attemptTo(state, path);
    if (!failure) return;
    const pause = RETRY_AFTER_MS[attempt];
    if (!failure.mayRetry || pause === undefined) throw lost(failure.reason);
    await sleep(pause);
  }
}

/** Why what the last turn left cannot be had. */
export const lost = (reason: string) =>
  new RefusedError("worker.conversation_lost", `what the last turn of the conversation left cannot be had: ${reason}`, {
    hint: "dispatch the task again, or leave conversation out to begin anew",
  });

/** Undefined once it is there, or why it is not. */
async function attemptTo(
  { url, headers, sizeBytes, sha256 }: State,
  path: string,
): Promise<{ reason: string; mayRetry: boolean } | undefined> {
  const file = await open(path, "w", 0o600);
  try {
    const response = await fetch(url, {
      headers,
      redirect: "error",
      // A minute, and then 100 KB/s at the least.
      signal: AbortSignal.timeout(60_000 + Math.ceil(sizeBytes / 100)),
    });
    if (!response.ok) {
      await response.body?.cancel();
      const { status } = response;
      return { reason: `the store answered ${status}`, mayRetry: status >= 500 || status === 408 || status === 429 };
    }
    const hash = createHash("sha256");
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.byteLength;
      if (length > sizeBytes) break;
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    if (length === sizeBytes && hash.digest("hex") === sha256) return undefined;
    return { reason: "it is not what was kept", mayRetry: false };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { reason: `the store could not be reached (${codeOf(cause) ?? "no answer"})`, mayRetry: true };
  } finally {
    await file.close();
  }
}
