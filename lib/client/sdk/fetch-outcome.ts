import type { Endpoint } from "./endpoint.ts";
import { type TaskOutcome, toOutcome } from "./reply.ts";

/** What a task came to, with all of its files: the replies go on where there are more than fit one. Throws DispatchError. */
export async function fetchOutcome(endpoint: Pick<Endpoint, "call">, taskId: string): Promise<TaskOutcome> {
  const { artifactsNextCursor, ...whole } = await endpoint.call("get_task_result", { task_id: taskId });
  for (let cursor = artifactsNextCursor; typeof cursor === "number"; ) {
    const page = await endpoint.call("get_task_result", { task_id: taskId, artifacts_cursor: cursor });
    for (const list of ["artifacts", "lostArtifacts"])
      if (Array.isArray(page[list])) whole[list] = [...(Array.isArray(whole[list]) ? whole[list] : []), ...page[list]];
    // A cursor that does not move on would be followed for ever.
    cursor =
      typeof page.artifactsNextCursor === "number" && page.artifactsNextCursor > cursor && page.artifactsNextCursor;
  }
  return toOutcome(whole);
}
