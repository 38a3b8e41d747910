import { dialogueAnswer, parallelAnswer } from "../../lib/contract/orchestration/answers.ts";
import type { Task } from "../../lib/contract/task.ts";
import { conversationBegunBy } from "../../lib/contract/task-id.ts";
import { childId } from "../../lib/engine/orchestration/children.ts";
import { saidIn } from "./calls.ts";
import type { Called, Wish } from "./scenario.ts";

/** For longer no whole stands still while it has time left: what was lost is looked for again much sooner. */
const MOST_IDLE_MS = 70 * 60_000;

type Whole = { task: Task; parts: readonly Task[]; wish: Wish };

/** What is not true of a task that is made of others: its parts are each made once, have ended before it, and are told as they ended. */
export async function judgeParts({ task, parts, wish }: Whole, cancelAsked: boolean): Promise<string[]> {
  const broken: string[] = [];
  const { jobs, failFast, hasAggregate } = wish.parts ?? { jobs: [], failFast: false, hasAggregate: false };
  for (const part of parts) {
    if (part.id !== (await childId(task.id, part.position ?? -1)))
      broken.push(`${part.id} is not the part at its position ${part.position}`);
    if (!isStillborn(part) && endOf(part) > endOf(task)) broken.push(`it ended before its part ${part.position}`);
  }
  const at = (position: number) => parts.find((part) => part.position === position);
  const last = hasAggregate ? at(jobs.length - 1) : undefined;
  const bad = parts.filter(({ status }) => status !== "succeeded");
  const isLate = endOf(task) - Date.parse(task.createdAt) >= wish.timeoutSeconds * 1000;
  const lastEndMs = Math.max(Date.parse(task.createdAt), ...parts.map(endOf));
  if (isLate && endOf(task) - lastEndMs > MOST_IDLE_MS) broken.push("it stood still until its time was over");
  if (task.status === "cancelled" && !cancelAsked) broken.push("nobody has cancelled it");
  if (task.status === "succeeded") {
    if (parts.length !== jobs.length) broken.push(`it succeeded with ${parts.length} of ${jobs.length} parts`);
    if (failFast && bad.length > 0) broken.push(`it succeeded, and its part ${bad[0]?.position} did not`);
    if (hasAggregate && last?.status !== "succeeded") broken.push("it succeeded without the one answer of all");
  }
  if (task.status === "failed") {
    const { code, details } = task.error;
    const culprit = parts.find(({ id }) => id === details?.taskId);
    const isFatal = culprit && culprit.status !== "succeeded" && (failFast || culprit === last);
    const isTrue = code === "task.child_failed" ? isFatal : code === "task.timeout" && isLate;
    if (!isTrue) broken.push(`it failed as ${code} (${task.error.message}), and that is not so`);
  }
  if (wish.parts?.rounds !== undefined) return [...broken, ...(await judgeTalk(task, at, wish.parts))];
  return [...broken, ...judgeAnswer(task, at, hasAggregate ? jobs.slice(0, -1) : jobs)];
}

type PartAt = (position: number) => Task | undefined;

/** Of two who talk: each goes on with a conversation of its own when the other has ended, and the answer holds what they said. */
async function judgeTalk(task: Task, at: PartAt, parts: NonNullable<Wish["parts"]>): Promise<string[]> {
  const { data, error } = dialogueAnswer.safeParse(task.result);
  if (!data) return [`its result is none: ${error}`];
  const { jobs, rounds = 0 } = parts;
  const broken = at(data.conversation.length) ? [`its result lacks turns: it has ${data.conversation.length}`] : [];
  const isResolved = jobs.length < 2 * rounds && at(jobs.length - 1)?.status === "succeeded";
  if (data.resolved !== isResolved) broken.push(`its result says resolved: ${data.resolved}`);
  const said = saidIn(parts);
  for (const [position, { message, task_id, error: failure }] of data.conversation.entries()) {
    const [part, before] = [at(position), at(position - 1)];
    const hasSpoken = part?.status === "succeeded";
    // One whose job had ended when it was cancelled has said it all the same.
    const words = hasSpoken || part?.result !== undefined ? said[position] : "";
    if (message !== words || hasSpoken !== (failure === undefined))
      broken.push(
        `its result has turn ${position} say ${JSON.stringify({ message, failure })}, and it is ${part?.status}`,
      );
    if (task_id !== (await childId(task.id, position))) broken.push(`its result calls turn ${position} ${task_id}`);
    if (part && before && Date.parse(part.createdAt) < endOf(before))
      broken.push(`turn ${position} began before the one before it had ended`);
    const begun = conversationBegunBy(await childId(task.id, position % 2));
    if (hasSpoken && part.conversation?.id !== begun) broken.push(`turn ${position} went on with another conversation`);
  }
  return broken;
}

/** Whether it never began: whoever was about to dispatch it came so late that all was over. */
const isStillborn = ({ status, phases }: Task): boolean => status === "cancelled" && phases.provisioning === undefined;

/** What its answer says of each. */
function judgeAnswer(task: Task, at: PartAt, items: readonly { name: string }[]): string[] {
  const { data, error } = parallelAnswer.safeParse(task.result);
  if (!data) return [`its result is none: ${error}`];
  const { individual_results: told } = data;
  const broken = told.length === items.length ? [] : [`its result has ${told.length} of ${items.length} items`];
  for (const [position, { status, success, task_id, result }] of told.entries()) {
    const part = at(position);
    const truth = part && !(status === "not_begun" && isStillborn(part)) ? part.status : "not_begun";
    if (status !== truth || success !== (truth === "succeeded") || (part && task_id !== part.id))
      broken.push(`its result says that item ${position} is ${status}, and it is ${truth}`);
    if (success && !String(result).includes(`"${items[position]?.name}"`))
      broken.push(`its result of item ${position} is not what its job gave: ${JSON.stringify(result)}`);
  }
  return broken;
}

/** A part as one that somebody called: of what happens to the whole it hears. */
export function partOf(called: Called, whole: Task, part: Task, parts: readonly Task[]): Called {
  const { wish, cancelAsked = false } = called;
  const job = wish.parts?.jobs[part.position ?? -1];
  if (!job) throw new Error(`nobody wished for the part ${part.position} of ${whole.id}`);
  const { parts: _, cancelAfterMs: __, ...rest } = wish;
  const endedMs = endOf(part);
  // One that fails ends the others, where that was asked for; and so does the end of the whole.
  const isStopped =
    wish.parts?.failFast === true &&
    parts.some((other) => other.status !== "succeeded" && endOf(other) <= endedMs && other !== part);
  const isLate = endedMs - Date.parse(whole.createdAt) >= wish.timeoutSeconds * 1000;
  return { wish: { ...rest, job, place: "conversation" }, cancelAsked: cancelAsked || isStopped || isLate };
}

/** When it ended, in epoch milliseconds. */
export const endOf = ({ status, phases }: Task): number => Date.parse(phases[status] ?? "");
