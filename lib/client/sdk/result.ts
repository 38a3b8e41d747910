import type { TaskResult } from "../../contract/tools/get-task-result.ts";
import type { CallOptions, ToolCaller } from "./caller.ts";

/**
 * What a task came to, with all of its files: the replies go on where there are more than fit one. A result that is too long
 * for a reply is a preview. Throws DispatchError, AbortError.
 */
export async function fetchResult(caller: ToolCaller, taskId: string, options: CallOptions = {}): Promise<TaskResult> {
  const asked = { task_id: taskId };
  const { artifactsNextCursor: first, ...result } = await caller.call("get_task_result", asked, options);
  let { artifacts, lostArtifacts = [] } = result;
  for (let cursor = first; cursor !== undefined; ) {
    const page = await caller.call("get_task_result", { ...asked, artifacts_cursor: cursor }, options);
    artifacts = [...artifacts, ...page.artifacts];
    lostArtifacts = [...lostArtifacts, ...(page.lostArtifacts ?? [])];
    const next = page.artifactsNextCursor;
    // A cursor that does not move on would be followed for ever.
    cursor = next !== undefined && next > cursor ? next : undefined;
  }
  return { ...result, artifacts, ...(lostArtifacts.length > 0 && { lostArtifacts }) };
}
