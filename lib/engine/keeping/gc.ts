import type * as z from "zod";
import { InvalidInputError } from "../../contract/errors.ts";
import { isSettled, type Task } from "../../contract/task.ts";
import type { dispatchGc } from "../../contract/tools/gc.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import { endedAtMs } from "../../store/answers.ts";
import { readableOrNewer } from "../../store/stored-task.ts";
import { KEY_LIFETIME_MS } from "../idempotency.ts";
import type { Ports } from "../ports.ts";

const DAY_MS = 86_400_000;
/** Tasks that one call looks at: what answers a call has seconds for it. */
const LOOKED_AT = 300;
const PAGE = 100;

type Asked = z.output<typeof dispatchGc.input>;

/**
 * Removes tasks of an owner that have ended, and owe nothing, longer ago than is asked for; by default than they are kept anyway.
 * Those of the last day stay in any case, since a call that is made again under its key would run them again. A tree of tasks
 * and the turns of a conversation stay together: until the last of them may go, its others may be wanted. Throws
 * InvalidInputError.
 */
export async function removeEnded(
  ports: Pick<Ports, "store" | "now" | "configuration">,
  owner: string,
  { max_age_days, all = false, dry_run = false, cursor }: Asked,
): Promise<ToolResult<"dispatch_gc">> {
  if (all && max_age_days !== undefined)
    throw new InvalidInputError([{ path: "all", message: "is given beside max_age_days; give one of them" }]);
  const days = all ? 0 : (max_age_days ?? ports.configuration().retentionDays);
  const nowMs = ports.now();
  const mayGo = (task: Task): boolean =>
    isSettled(task) && endedAtMs(task) < nowMs - days * DAY_MS && Date.parse(task.createdAt) < nowMs - KEY_LIFETIME_MS;
  const belonging = companions(ports, owner, mayGo);

  const gone: string[] = [];
  const kept = { open: 0, recent: 0, together: 0 };
  let next = cursor;
  for (let looked = 0; looked < LOOKED_AT; looked += PAGE) {
    const page = await ports.store.list(owner, { limit: PAGE, ...(next !== undefined && { cursor: next }) });
    for (const task of page.items) {
      if (task.owner !== owner) continue;
      if (!isSettled(task)) kept.open++;
      else if (!mayGo(task)) kept.recent++;
      else if (!(await belonging(task))) kept.together++;
      else if (dry_run || (await ports.store.remove(task.id))) gone.push(task.id);
    }
    next = page.cursor;
    if (next === undefined) break;
  }
  return {
    dry_run,
    purged: dry_run ? 0 : gone.length,
    would_purge: dry_run ? gone.length : 0,
    job_ids: gone.map((id) => id.replace(/^task_/, "")),
    max_age_days: days,
    kept,
    ...(next !== undefined && { cursor: next }),
  };
}

/** Whether all that a task belongs with may go as well; asked once for each tree and conversation. */
function companions(ports: Pick<Ports, "store">, owner: string, mayGo: (task: Task) => boolean) {
  const known = new Map<string, Promise<boolean>>();
  const mayAllGo = async (ids: readonly string[]): Promise<boolean> => {
    for (const id of ids) {
      const task = await readableOrNewer(ports.store, id);
      if (task === "newer" || (task && task.owner === owner && !mayGo(task))) return false;
    }
    return true;
  };
  const once = (name: string, ids: () => Promise<readonly string[]>) => {
    const answer = known.get(name) ?? ids().then(mayAllGo);
    known.set(name, answer);
    return answer;
  };
  return async ({ id, root = id, conversation }: Task): Promise<boolean> => {
    const ofTree = once(`tree ${root}`, async () => [root, ...((await ports.store.getTree(root))?.tasks ?? [])]);
    if (!(await ofTree)) return false;
    if (!conversation) return true;
    return once(`conversation ${conversation.id}`, async () => {
      const seen = await ports.store.getConversation(conversation.id);
      return seen ? [seen.turn, ...(seen.before === undefined ? [] : [seen.before]), ...seen.waiting] : [];
    });
  };
}
