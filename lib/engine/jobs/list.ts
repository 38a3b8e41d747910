import type * as z from "zod";
import { MAX_TREE_TASKS } from "../../contract/configuration.ts";
import { countFitting, LIST_ENDS, MAX_REPLY } from "../../contract/replies/reply-size.ts";
import type { Task } from "../../contract/task.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import { jobIdOf } from "../../contract/tools/jobs/fields.ts";
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
  let items: JobSummary[] = [];
  let next = from === undefined ? {} : { cursor: from };
  // As many tasks as are to be looked at yet. The cursor of a shorter page is that of a shorter question, with what that answers.
  let most = Number.POSITIVE_INFINITY;
  for (let jobs = 0, asked = 0; most > 0 && jobs < MOST_JOBS && asked < MOST_LOOKED_AT; asked += PAGE) {
    const page = await pageOf({ limit: Math.min(PAGE, most), ...next });
    const found = page.items.filter((task) => isJob(task) && task.position === undefined);
    const wanted = found.map(jobSummary).filter(isWanted);
    const fitting = countShown([...items, ...wanted], limit) - items.length;
    const beyond = wanted[fitting];
    if (beyond) {
      most = page.items.findIndex(({ id }) => jobIdOf(id) === beyond.id);
      continue;
    }
    items = [...items, ...wanted];
    jobs += found.length;
    most -= page.items.length;
    if (page.cursor === undefined) return { items };
    next = { cursor: page.cursor };
  }
  return { items, ...next };
}

/** How many of the first are shown: as many as are asked for and as fit, but at least one. */
const countShown = (jobs: readonly JobSummary[], limit: number): number =>
  Math.min(limit, Math.max(1, countFitting(jobs, MAX_REPLY - LIST_ENDS)));
