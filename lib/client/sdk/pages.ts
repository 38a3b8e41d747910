import type { Status } from "../../contract/lifecycle.ts";
import type { ShortRecord } from "../../contract/tools/task-record.ts";
import type { ToolCaller } from "./caller.ts";

export type ListOptions = {
  /** Only tasks that stand so. */
  status?: Status | undefined;
  signal?: AbortSignal | undefined;
};

const PAGE = 100;

/** The tasks that the caller can see, the newest first, page after page as they are read. Throws DispatchError, AbortError. */
export async function* listTasks(
  caller: ToolCaller,
  { status, signal }: ListOptions = {},
): AsyncGenerator<ShortRecord> {
  const filter = { limit: PAGE, ...(status && { status }) };
  let cursor: string | undefined;
  do {
    const from = cursor === undefined ? {} : { cursor };
    const page = await caller.call("list_tasks", { ...filter, ...from }, { signal });
    yield* page.items;
    cursor = page.cursor === cursor ? undefined : page.cursor;
  } while (cursor !== undefined);
}
