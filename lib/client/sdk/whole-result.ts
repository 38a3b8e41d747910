import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { RefusedError } from "../../contract/errors.ts";
import type { TaskResult } from "../../contract/tools/get-task-result.ts";
import type { CallOptions, ToolCaller } from "./caller.ts";
import { streamOf } from "./content.ts";
import { fetchResult } from "./result.ts";

/**
 * What a task came to, whole: where a reply has a preview of the result, the result is read from where it is kept, and held
 * against its digest. Throws DispatchError (`artifact.corrupt` where it is not what it should be), AbortError.
 */
export async function fetchWholeResult(
  caller: ToolCaller,
  taskId: string,
  { isLocal, signal }: CallOptions & { isLocal: boolean },
): Promise<TaskResult> {
  const { previews: _, ...result } = await fetchResult(caller, taskId, { signal });
  const { resultRef } = result;
  if (!resultRef) return result;
  const bytes = await buffer(streamOf(async () => resultRef, { isLocal, signal }));
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== resultRef.sha256) throw corrupt("has another digest than it should have");
  return { ...result, result: parsed(bytes) };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw corrupt(`is not JSON: ${(error as Error).message}`);
  }
}

const corrupt = (how: string) => new RefusedError("artifact.corrupt", `the result that is kept ${how}`);
