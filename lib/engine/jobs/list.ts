import type * as z from "zod";
import { MAX_TREE_TASKS } from "../../contract/configuration.ts";
import { LIST_ENDS, MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import type { Task } from "../../contract/task.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import type { dispatchJobs, JobSummary } from "../../contract/tools/jobs/jobs.ts";
import { isJob, jobSummary } from "./record.ts";

/** Jobs that are looked at for one list, and among how many tasks: a job is older than what it is made of. */
const MOST_JOBS = 1000;
const MOST_LOOKED_AT = 2 * MAX_TREE_TASKS;
const PAGE = 100;

type PageOf = (asked: { limit: number; cursor?: string }) => Promise<{ items: Task[]; cursor?: string }>;

/** The newest jobs that are asked for, as many as fit into a reply; with a cursor there may be more. */
export async function listJobs(
  pageOf: PageOf,
  { status = "", limit = 50, agent = "", cursor: from }: z.output<typeof dispatchJobs.input>,
): Promise<ToolResult<"dispatch_jobs">> {
  const isWanted = (job: JobSummary) =>
    (status === "" || job.status === status) && (agent === "" || job.agent === agent);
  const items: JobSummary[] = [];
  let room = MAX_REPLY - LIST_ENDS;
  let next = from === undefined ? {} : { cursor: from };
  for (let jobs = 0, seen = 0; jobs < MOST_JOBS && seen < MOST_LOOKED_AT; seen += PAGE) {
    const page = await pageOf({ limit: PAGE, ...next });
    for (const [at, task] of page.items.entries()) {
      if (!isJob(task) || task.position !== undefined) continue;
      jobs++;
      const job = jobSummary(task);
      if (!isWanted(job)) continue;
      room -= replySize(job) + 1;
      if (items.length >= limit || (room < 0 && items.length > 0)) {
        // The cursor of a shorter page is that of a shorter question.
        const { cursor } = at === 0 ? next : await pageOf({ limit: at, ...next });
        return { items, ...(cursor !== undefined && { cursor }) };
      }
      items.push(job);
    }
    if (page.cursor === undefined) return { items };
    next = { cursor: page.cursor };
  }
  return { items, ...next };
}
