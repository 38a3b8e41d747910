import type { TaskResult } from "../../contract/tools/get-task-result.ts";
import type { ToolCaller } from "./endpoint.ts";

/** What a task came to, with all of its files: the replies go on where there are more than fit one. Throws DispatchError. */
export async function fetchResult(endpoint: ToolCaller, taskId: string): Promise<TaskResult> {
  const { artifactsNextCursor: first, ...result } = await endpoint.call("get_task_result", { task_id: taskId });
  let { artifacts, lostArtifacts = [] } = result;
  for (let cursor = first; cursor !== undefined; ) {
    const page = await endpoint.call("get_task_result", { task_id: taskId, artifacts_cursor: cursor });
    artifacts = [...artifacts, ...page.artifacts];
    lostArtifacts = [...lostArtifacts, ...(page.lostArtifacts ?? [])];
    const next = page.artifactsNextCursor;
    // A cursor that does not move on would be followed for ever.
    cursor = next !== undefined && next > cursor ? next : undefined;
  }
  return { ...result, artifacts, ...(lostArtifacts.length > 0 && { lostArtifacts }) };
}
