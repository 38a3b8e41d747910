import type { SynchronousCalls } from "../backends/adapter.ts";
import { MayHaveRunError, type Problem, problem, RefusedError, RetryableError } from "../contract/errors.ts";
import { questionText } from "../contract/input-requests.ts";
import { defaultResponse } from "../contract/questions/responses.ts";
import { unansweredProblem } from "../contract/questions/unanswered.ts";
import { type Task, without } from "../contract/task.ts";
import type { PollReply } from "../contract/worker.ts";
import { undelivered, withDelivered } from "./answers.ts";
import { adapterOf, boundsOf, withSession } from "./invocation-gate.ts";
import { applyReply, canBeAsked } from "./poll/apply-reply.ts";
import { cleared } from "./poll/failure-detection.ts";
import { keepReply } from "./poll/keep-reply.ts";
import { settle } from "./poll/poll.ts";
import { type Lease, takeLease } from "./poll/poll-lease.ts";
import type { Ports } from "./ports.ts";
import { jobOf, noteStart, secondsFor } from "./starting.ts";
import { SynchronousJob } from "./synchronous-job.ts";

/** How often what came is written, and the task read to see whether the answer is still wanted. */
const TICK_MS = 500;
/** The lease outlives a renewal that fails. */
const RENEW_MS = 5000;
/** So long after a call was broken off, what is on its way inside AgentCore may still begin a machine. */
const LATE_MS = 30_000;
/** How long the end of a job that was broken off waits for that of its session; Cleanup ends it in any case. */
const STOP_MS = 5000;

/**
 * Makes the one call that the job of a task is, and holds it until it is answered. For so long this process is the worker:
 * it writes what comes as it comes, under the lease of whoever polls, so that nobody takes the worker for lost; when this
 * process dies, that lease lapses. A job that was attempted before is not sent again. Throws RetryableError
 * `platform.conflict` just after an attempt that failed before anything was sent, `platform.stood_still` where that took too
 * long, RefusedError `adapter.unsupported`.
 */
export async function callSynchronously(ports: Ports, task: Task): Promise<void> {
  const calls = callsOf(ports, task);
  const job = await jobOf(ports, task);
  const lease = await takeLease(ports, task.id, secondsFor(ports, task) * 1000, (now) => attempt(now, ports.now()));
  if (!lease) return noteAttempt(ports, task);
  const held = new SynchronousJob();
  const end = (edit: (current: Task) => Task, error?: unknown) => {
    held.breakOff({ status: "cancelled" });
    return lease.end(edit, error, held.isOpen ? LATE_MS : 0);
  };
  // Until the call is made, a failure leaves the job to whoever comes next.
  let undo = unattempted;
  try {
    const { timeoutMs, beforeSend } = boundsOf(ports, lease.untilMs, secondsFor(ports, task) * 1000);
    const overAtMs = ports.steady() + timeoutMs;
    const started = await noteStart(ports, task.id);
    undo = (current) => current;
    if (started.status === "running") held.begin((call) => calls.call(lease.task, job, { ...call, beforeSend }));
    const leaveOff = stayHolder(ports, lease);
    try {
      const isEnded = await follow({ ports, calls, lease, held, overAtMs }, started);
      if (!isEnded) await end(undo);
    } finally {
      leaveOff();
    }
  } catch (error) {
    await end(undo, error).catch(() => {});
    throw error;
  }
}

function callsOf(ports: Ports, task: Task): SynchronousCalls {
  const { synchronous, name } = adapterOf(ports, task);
  if (synchronous) return synchronous;
  throw new RefusedError("adapter.unsupported", `the adapter ${name} holds no synchronous calls`);
}

/** Renews the lease until the function that it returns is called, however long whatever else is written takes. */
function stayHolder(ports: Ports, lease: Lease): () => void {
  let renewedAtMs = ports.steady();
  let isBusy = false;
  const renew = async () => {
    const nowMs = ports.steady();
    if (isBusy || nowMs - renewedAtMs < RENEW_MS) return;
    isBusy = true;
    try {
      await lease.renew((task) => (canBeAsked(task) ? cleared(task) : undefined));
      renewedAtMs = nowMs;
    } catch (error) {
      ports.log.warn("a lease could not be renewed; it is tried again", {
        taskId: lease.task.id,
        error: String(error),
      });
    }
    isBusy = false;
  };
  const timer = setInterval(() => void renew(), TICK_MS);
  return () => clearInterval(timer);
}

const attempt = (task: Task, nowMs: number): Task | undefined =>
  task.status === "starting" && task.session?.startAttemptedAtMs === undefined
    ? withSession(task, { startAttemptedAtMs: nowMs })
    : undefined;

const unattempted = (task: Task): Task =>
  task.status === "starting" && task.session ? { ...task, session: without(task.session, "startAttemptedAtMs") } : task;

/** A job that may have been sent by one who died is watched from now on; one that was not is still to be sent. */
async function noteAttempt(ports: Ports, { id }: Task): Promise<void> {
  const task = await ports.store.get(id);
  if (task?.status !== "starting") return;
  if (task.session?.startAttemptedAtMs === undefined)
    throw new RetryableError("platform.conflict", "an attempt to make the call has failed just now");
  await noteStart(ports, id);
}

type Holding = {
  ports: Ports;
  calls: SynchronousCalls;
  lease: Lease;
  held: SynchronousJob;
  /** When the time of the job is over, by the steady clock. */
  overAtMs: number;
  /** The question that was seen last, and since when, by the steady clock. */
  asked?: { key: string; atMs: number } | undefined;
};

/** Resolves with whether the job's end was written here; else somebody else has ended the task. */
async function follow(holding: Holding, started: Task): Promise<boolean> {
  const { ports, held } = holding;
  let task: Task | undefined = started;
  while (task && canBeAsked(task)) {
    await breakOffUnwanted(holding, task);
    const answers = undelivered(task);
    held.hear(answers);
    const heard = Object.keys(answers);
    if (heard.length > 0) task = await ports.store.change(task.id, (current) => withDelivered(current, heard));
    const report = held.report(task.workerSequence);
    try {
      if (report.events.length > 0 || isEnd(report)) {
        task = await keep(holding, task, report);
        if (isEnd(report)) return true;
      }
      await Promise.race([held.over, pause()]);
      task = await ports.store.get(started.id);
    } catch (error) {
      if (!(error instanceof RetryableError) || ports.closing.aborted) throw error;
      ports.log.warn("what a runtime said could not be kept; it is tried again", {
        taskId: started.id,
        error: String(error),
      });
      await pause();
    }
  }
  return false;
}

/** What asks goes on once it is answered: the task says so, and a question is an event. */
const isEnd = ({ status }: PollReply): boolean => status !== "running" && status !== "input_required";

const pause = () => new Promise((resolve) => setTimeout(resolve, TICK_MS));

/** Stores what is new, the end included, and keeps the lease until then. */
async function keep(
  { ports, lease, held }: Holding,
  task: Task,
  said: ReturnType<SynchronousJob["report"]>,
): Promise<Task> {
  const report = await withFiles(ports, task, said);
  const kept = await keepReply(ports, task, report);
  const edit = (current: Task) => applyReply(current, report, kept, ports.now());
  if (!isEnd(report)) return lease.renew(edit);
  return settle(ports, () => lease.end(edit, undefined, held.isOpen ? LATE_MS : 0));
}

/**
 * The whole of an answer is a file of the task, beside the result that was taken from it; so is each file in it, by its place
 * behind that one.
 */
async function withFiles(
  ports: Ports,
  { id }: Task,
  { envelope, files = [], ...report }: ReturnType<SynchronousJob["report"]>,
): Promise<PollReply> {
  const whole = envelope === undefined ? [] : [wholeAnswer(envelope)];
  const all = [...whole, ...files.map((file, index) => ({ id: `file-${index + 1}`, ...file }))];
  if (all.length === 0) return report;
  const artifacts: NonNullable<PollReply["artifacts"]> = [];
  for (const { content, ...file } of all) {
    const { sizeBytes, sha256 } = await ports.artifacts.put(id, file.name, content, file.contentType);
    artifacts.push({ ...file, sizeBytes, sha256 });
  }
  return { ...report, artifacts };
}

const wholeAnswer = (envelope: unknown) => ({
  id: "answer",
  name: "answer.json",
  contentType: "application/json",
  content: new TextEncoder().encode(JSON.stringify(envelope)),
});

/**
 * Ends a job whose answer nobody wants any more, and its session with it. One that asks where a call is held for a shorter time
 * than the job has is told first that nobody answered: how it ends then is its own word.
 */
async function breakOffUnwanted(holding: Holding, task: Task): Promise<void> {
  const { ports, calls, held, overAtMs } = holding;
  if (ports.closing.aborted) return void held.breakOff({ status: "failed", error: closed });
  const isCancelled = task.status === "cancelling";
  const unanswered = isCancelled ? undefined : expireQuestion(holding, task);
  if (!isCancelled && !unanswered && ports.steady() < overAtMs) return;
  if (!isCancelled && !unanswered && task.limits.timeoutSeconds > calls.maxSeconds && held.leaveUnanswered()) return;
  const end = isCancelled
    ? ({ status: "cancelled" } as const)
    : ({
        status: "failed",
        error: unanswered ?? timedOut(task, secondsFor(ports, task), calls.maxSeconds),
      } as const);
  if (!held.breakOff(end)) return;
  const stopped = adapterOf(ports, task)
    .stop(task)
    .catch((error) => ports.log.warn("a session could not be stopped yet", { taskId: task.id, error: String(error) }));
  await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, STOP_MS))]);
}

/** Why the job ends, where nobody answered it in the time that its limits give; a default stands where they say so. */
function expireQuestion(holding: Holding, { limits: { answerSeconds, unanswered } }: Task): Problem | undefined {
  const { ports, held } = holding;
  const { requests } = held;
  const [key] = Object.keys(requests);
  if (key !== holding.asked?.key) holding.asked = key === undefined ? undefined : { key, atMs: ports.steady() };
  if (answerSeconds === undefined || !holding.asked) return undefined;
  if (ports.steady() - holding.asked.atMs < answerSeconds * 1000) return undefined;
  const defaults = Object.entries(requests).flatMap(([each, question]) => {
    const response = unanswered === "default" ? defaultResponse(question) : undefined;
    return response ? [[each, response] as const] : [];
  });
  if (defaults.length < Object.keys(requests).length) return unansweredProblem(questionText(requests), answerSeconds);
  held.hear(Object.fromEntries(defaults));
  return undefined;
}

const closed = new MayHaveRunError("worker.lost", "the process that held the connection to the runtime was stopped")
  .problem;

const timedOut = ({ limits, status }: Task, seconds: number, maxSeconds: number): Problem => {
  const missing = status === "input_required" ? "nobody answered the agent" : "the runtime did not answer";
  return problem("task.timeout", `${missing} within ${seconds} s`, {
    hint:
      limits.timeoutSeconds > maxSeconds
        ? `a runtime without the worker contract is called once, and here that call is held for ${maxSeconds} s at most; with the worker of this project in its image a job may take all of timeoutSeconds`
        : undefined,
  });
};
