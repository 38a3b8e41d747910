import { InvalidInputError, RefusedError } from "../../contract/errors.ts";
import type { ShortRecord } from "../../contract/tools/task-record.ts";
import type { ToolCaller } from "../sdk/caller.ts";
import { clip, oneLine } from "./print.ts";
import { whatOf } from "./task-text.ts";

const PREFIX = "task_";
const DIGITS = 32;
const LEAST_DIGITS = 4;
const PAGE = 100;
const MAX_PAGES = 100;
const MAX_NAMED = 10;
const SEARCHED = ` among the ${PAGE * MAX_PAGES} newest; of an older one give the whole id`;

/**
 * The whole id of the task that `text` begins, with or without `task_`. Throws RefusedError `task.not_found`, and
 * `task.ambiguous` with the tasks that it could be.
 */
export async function findTaskId(endpoint: ToolCaller, text: string): Promise<string> {
  const digits = text.toLowerCase().replace(PREFIX, "");
  if (!/^[0-9a-f]+$/.test(digits) || digits.length < LEAST_DIGITS || digits.length > DIGITS)
    throw new InvalidInputError(
      [{ path: "id", message: "it is task_ and 32 hexadecimal digits, or the first 4 or more" }],
      {
        hint: "agent-dispatch list shows the tasks you can see",
      },
    );
  if (digits.length === DIGITS) return PREFIX + digits;
  const { found, isWhole } = await beginningWith(endpoint, PREFIX + digits);
  const [first] = found;
  if (!first)
    throw new RefusedError("task.not_found", `no task begins with ${digits}${isWhole ? "" : SEARCHED}`, {
      hint: "agent-dispatch list shows the tasks you can see",
    });
  if (found.length === 1) return first.id;
  const named = found
    .slice(0, MAX_NAMED)
    .map((task) => `\n  ${task.id}  ${task.status}  ${clip(oneLine(whatOf(task)), 40)}`);
  const more = found.length > MAX_NAMED ? `\n  and ${found.length - MAX_NAMED} more` : "";
  throw new RefusedError("task.ambiguous", `${found.length} tasks begin with ${digits}:${named.join("")}${more}`, {
    hint: "give more of the id",
    details: { candidates: found.map(({ id }) => id) },
  });
}

async function beginningWith(
  endpoint: ToolCaller,
  prefix: string,
): Promise<{ found: ShortRecord[]; isWhole: boolean }> {
  const found: ShortRecord[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await endpoint.call("list_tasks", { limit: PAGE, ...(cursor !== undefined && { cursor }) });
    found.push(...page.items.filter(({ id }) => id.startsWith(prefix)));
    cursor = page.cursor;
    if (cursor === undefined) return { found, isWhole: true };
  }
  return { found, isWhole: false };
}
