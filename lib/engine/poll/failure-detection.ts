import { type DispatchError, type Problem, problem, WorkerGoneError } from "../../contract/errors.ts";
import { type Session, type Task, without } from "../../contract/task.ts";
import { LASTING_MS } from "../../contract/worker.ts";
import { withSession } from "../invocation-gate.ts";

const SUSPICIONS_NEEDED = 3;
const HINT = "get_task_logs shows how far it came; dispatch the task again";
const KEPT = "what it had reported until then is kept";

/** The task with what a failure to ask its worker says of the job, and the reason why there is no job any more, if so. */
export type Detection = { task: Task; lost?: Problem };

/** Counts failures that speak for the work being gone; the worker's own refusal needs no second one. */
export function detectFailure(task: Task, error: DispatchError, nowMs: number): Detection {
  if (error.code === "worker.replaced") {
    const message = "the machine that ran the job was replaced, and the job with it";
    return { task, lost: problem("worker.replaced", message, { hint: HINT }) };
  }
  if (error.code === "worker.unknown_task") {
    const hint = "dispatch the task again";
    return { task, lost: problem("worker.lost", "the job never reached the worker", { hint }) };
  }
  const gone = suspicionOf(error);
  if (!gone) return { task };
  const counted = countSuspicion(task, nowMs);
  return isConfirmed(counted, error, nowMs, SUSPICIONS_NEEDED) ? { task: counted, lost: gone } : { task: counted };
}

/** The task with one more failure, in a row, that speaks for the work being gone, and since when there are any. */
export const countSuspicion = <T extends Task>(task: T, nowMs: number): T =>
  withSession(task, {
    suspicions: (task.session?.suspicions ?? 0) + 1,
    failingSinceMs: task.session?.failingSinceMs ?? nowMs,
  });

/** Whether the failures in a row, of which this is the last, suffice to give the work up. */
export function isConfirmed({ session }: Task, last: unknown, nowMs: number, needed: number): boolean {
  if ((session?.suspicions ?? 0) < needed) return false;
  const isCertain = last instanceof WorkerGoneError && last.isCertain;
  return isCertain || nowMs - (session?.failingSinceMs ?? nowMs) >= LASTING_MS;
}

/** The worker has answered: what spoke against it counts no more. */
export function cleared<T extends Task>(task: T): T {
  if (!task.session) return task;
  const session: Session = without(task.session, "failingSinceMs", "unkeptSinceMs");
  return { ...task, session: { ...session, suspicions: 0 } };
}

/** What became of the job if the failure is not the last of its kind; undefined when it says nothing of the worker. */
function suspicionOf(error: DispatchError): Problem | undefined {
  if (error.code === "worker.contract_broken") return error.problem;
  if (error instanceof WorkerGoneError)
    return problem("worker.lost", `the worker that ran the job is gone; ${KEPT}`, { hint: HINT });
  if (error.code !== "worker.unavailable") return undefined;
  const { hint = HINT, details } = error;
  const message = `the container that ran the job answers nothing but failures; ${KEPT}`;
  return problem("worker.lost", message, { hint, details });
}
