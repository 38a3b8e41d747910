import { InvalidInputError, RefusedError } from "../../contract/errors.ts";
import type { ToolCaller } from "../sdk/caller.ts";
import type { Context } from "./context.ts";
import { clip, oneLine } from "./print.ts";
import { type Place, targetOfPlace } from "./systems/place.ts";
import { whatOf } from "./task-text.ts";

const PREFIX = "task_";
const DIGITS = 32;
const LEAST_DIGITS = 4;
const PAGE = 100;
const MAX_PAGES = 100;
const MAX_NAMED = 10;
/** As many digits as `list` shows: of tens of thousands of tasks, hardly two begin with the same. */
const SURE_DIGITS = 8;
const SEARCHED = `among the ${PAGE * MAX_PAGES} newest`;

/** Looks ids up by their beginning, the newest first, where that can be done without a list of all. */
export type Known = (prefix: string) => Promise<string[]>;

/** What this machine knows of the tasks of the system that is meant: nothing, where that is elsewhere. */
export const knownTo =
  ({ local, io }: Pick<Context, "local" | "io">, place: Place): Known =>
  async (prefix) => {
    const target = targetOfPlace(place, io.env);
    return "local" in target ? local.idsBeginning(target.local, prefix) : [];
  };

/**
 * The whole id of the task that `text` begins, with or without `task_`: as it is known, else among the newest tasks that the
 * endpoint lists. Throws RefusedError `task.not_found`, and `task.ambiguous` with the tasks that it could be.
 */
export async function findTaskId(endpoint: ToolCaller, text: string, known: Known = async () => []): Promise<string> {
  const digits = text.toLowerCase().replace(PREFIX, "");
  if (!/^[0-9a-f]+$/.test(digits) || digits.length < LEAST_DIGITS || digits.length > DIGITS)
    throw new InvalidInputError(
      [{ path: "id", message: "it is task_ and 32 hexadecimal digits, or the first 4 or more" }],
      {
        hint: "agent-dispatch list shows the tasks you can see",
      },
    );
  if (digits.length === DIGITS) return PREFIX + digits;
  const ids = await known(PREFIX + digits);
  const { found, isWhole } = ids.length > 0 ? { found: ids, isWhole: true } : await listed(endpoint, PREFIX + digits);
  const [first] = found;
  if (!first)
    throw new RefusedError("task.not_found", `no task begins with ${digits}${isWhole ? "" : ` ${SEARCHED}`}`, {
      hint: isWhole ? "agent-dispatch list shows the tasks you can see" : "give the whole id of an older one",
    });
  if (found.length === 1 && (isWhole || digits.length >= SURE_DIGITS)) return first;
  const named = await Promise.all(found.slice(0, MAX_NAMED).map((id) => lineOf(endpoint, id)));
  const more = found.length > MAX_NAMED ? `\n  and ${found.length - MAX_NAMED} more` : "";
  const how =
    found.length === 1
      ? `one task begins with ${digits} ${SEARCHED}, and older ones may`
      : `${found.length} tasks begin with ${digits}`;
  throw new RefusedError("task.ambiguous", `${how}:${named.join("")}${more}`, {
    hint: "give more of the id",
    details: { candidates: found },
  });
}

async function lineOf(endpoint: ToolCaller, id: string): Promise<string> {
  const task = await endpoint.call("get_task_status", { task_id: id });
  return `\n  ${id}  ${task.status}  ${clip(oneLine(whatOf(task)), 40)}`;
}

async function listed(endpoint: ToolCaller, prefix: string): Promise<{ found: string[]; isWhole: boolean }> {
  const found: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await endpoint.call("list_tasks", { limit: PAGE, ...(cursor !== undefined && { cursor }) });
    found.push(...page.items.map(({ id }) => id).filter((id) => id.startsWith(prefix)));
    cursor = page.cursor;
    if (cursor === undefined) return { found, isWhole: true };
  }
  return { found, isWhole: false };
}
