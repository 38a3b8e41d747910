import { RefusedError } from "../../lib/contract/errors.ts";
import { openSessionSchema, sessionIdSchema, sessionPath } from "../../lib/contract/worker-sessions.ts";
import { parse } from "../parse.ts";
import type { Worker } from "../worker.ts";

/** The session that a path names, where the worker serves many and somebody may open them. */
export function sessionOfPath(worker: Worker, path: string | undefined): string | undefined {
  const prefix = sessionPath("");
  if (!worker.isShared || !path?.startsWith(prefix)) return undefined;
  const parsed = sessionIdSchema.safeParse(path.slice(prefix.length));
  return parsed.success ? parsed.data : undefined;
}

/** Opens a session. Throws RefusedError `worker.start_failed` for an environment that no job could be given. */
export function openSession(worker: Worker, name: string, body: object): { bootId: string } {
  const { environment } = parse(openSessionSchema, body);
  try {
    return { bootId: worker.open(name, environment).bootId };
  } catch (cause) {
    throw new RefusedError("worker.start_failed", (cause as Error).message, {
      hint: "mend what it says; a session's environment is details.environment of its backend in the configuration",
      cause,
    });
  }
}

/** Resolves once nothing of the session runs. */
export async function endSession(worker: Worker, name: string): Promise<{ ended: true }> {
  await worker.end(name);
  return { ended: true };
}
