import { isOrchestration } from "../../lib/contract/kinds.ts";
import type { Task } from "../../lib/contract/task.ts";
import { hasEnded, isSettled } from "../../lib/contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../../lib/contract/worker.ts";
import type { Faults, Met } from "./faults.ts";
import { linesOf, planText } from "./jobs.ts";
import { endOf, judgeParts, partOf } from "./parts-verdict.ts";
import type { Called, Scenario, Wish } from "./scenario.ts";
import { tasksOf, type World } from "./world.ts";

type Case = { faults: Faults; scenario: Scenario; statuses: string[] };

/** What a run has broken of what is promised, as sentences; nothing when all held. */
export async function judge(world: World, called: Called[], { faults, scenario, statuses }: Case): Promise<string[]> {
  const broken: string[] = [];
  const owners = [...new Set(called.map(({ wish }) => wish.owner))];
  const tasks = await tasksOf(world, owners);
  /** The one that is made of others is told by the name of the first of these. */
  const tasksFor = ({ job, parts }: Wish) =>
    tasks.filter(
      (task) =>
        nameIn(task) === (parts?.jobs[0] ?? job).name && isOrchestration(task.taskType) === (parts !== undefined),
    );
  /** A task that ends, or is cancelled, leaves nothing running of what it dispatched. */
  const isCalledOff = ({ cancelAsked = false, wish }: Called, byMs = Number.POSITIVE_INFINITY): boolean => {
    const parent = called[wish.childOf ?? -1];
    const above = parent && tasks.find(({ id }) => id === parent.taskId);
    return (
      cancelAsked ||
      (above !== undefined && endOf(above) <= byMs) ||
      (parent !== undefined && isCalledOff(parent, byMs))
    );
  };
  for (const { wish, taskId, refused, ...rest } of called) {
    const mine = tasksFor(wish);
    const cancelled = mine[0]?.phases.cancelled;
    const cancelAsked = isCalledOff({ wish, ...rest }, cancelled === undefined ? undefined : Date.parse(cancelled));
    const say = (what: string) => broken.push(`${wish.job.name} (${wish.place}, ${taskId ?? mine[0]?.id}): ${what}`);
    // Nothing more is dispatched by what was cancelled.
    if (refused !== undefined && !(refused === "task.terminal" && wish.childOf !== undefined && cancelAsked))
      say(`its dispatch was refused: ${refused}`);
    if (mine.length > 1) say(`there are ${mine.length} tasks of it`);
    const [task] = mine;
    if (taskId !== undefined && task?.id !== taskId) say("its handle leads to no task");
    if (!task) continue;
    statuses.push(textOf(task));
    const about = { world, task, called: { wish, ...rest, cancelAsked }, met: faults.met, scenario };
    for (const fault of [...judgeTask(about), ...(await judgeEvents(about))]) say(fault);
    if (!wish.parts) continue;
    const parts = tasks.filter(({ parent, position }) => parent === task.id && position !== undefined);
    for (const part of parts) statuses.push(textOf(part));
    for (const fault of await judgeParts({ task, parts, wish }, cancelAsked)) say(fault);
    for (const part of parts) {
      const called = partOf({ wish, ...rest, cancelAsked }, task, part, parts);
      const aboutPart = { ...about, task: part, called };
      for (const fault of [...judgeTask(aboutPart), ...(await judgeEvents(aboutPart))])
        say(`part ${part.position}, ${part.id}: ${fault}`);
    }
  }
  for (const fact of world.machines.facts)
    if (!tasks.some((task) => nameIn(task) === fact.plan.name && !isOrchestration(task.taskType)))
      broken.push(`${fact.plan.name} ran, and there is no task of it`);
  return [
    ...broken,
    ...judgeTurns(world, called),
    ...(await judgeLedger(world, tasks)),
    ...(await judgeRest(world, owners)),
  ];
}

const textOf = (task: Task): string => `${task.status}${task.status === "failed" ? ` ${task.error.code}` : ""}`;

/** What each task took is noted once, with how it ended; what is made of others took nothing itself. */
async function judgeLedger({ store }: World, tasks: readonly Task[]): Promise<string[]> {
  const owners = [...new Set(tasks.map(({ owner }) => owner))];
  const pages = owners.map((owner) => store.listLedger(owner, { sinceMs: 0, limit: 1000 }));
  const entries = (await Promise.all(pages)).flat();
  const broken: string[] = [];
  for (const task of tasks) {
    const mine = entries.filter(({ taskId }) => taskId === task.id);
    const expected = hasEnded(task) && !isOrchestration(task.taskType) ? 1 : 0;
    if (mine.length !== expected) broken.push(`${task.id} (${textOf(task)}) has ${mine.length} entries in the ledger`);
    for (const { status, error } of mine)
      if (status !== task.status || error !== task.error?.code)
        broken.push(`${task.id} is ${textOf(task)}, and the ledger says ${status} ${error ?? ""}`);
  }
  const strangers = entries.filter(({ taskId }) => !tasks.some(({ id }) => id === taskId));
  if (strangers.length > 0) broken.push(`the ledger has entries of no task: ${strangers.map(({ taskId }) => taskId)}`);
  return broken;
}

/** One turn of a conversation runs at a time. */
function judgeTurns(world: World, called: readonly Called[]): string[] {
  const factOf = ({ wish }: Called) => world.machines.facts.find(({ plan }) => plan.name === wish.job.name);
  return called.flatMap((later) => {
    const before = called[later.wish.turnOf ?? -1];
    const [one, other] = [before && factOf(before), factOf(later)];
    if (!one || !other || later.wish.turnOf === undefined) return [];
    const isApart = (one.endedAtMs ?? 0) <= other.startedAtMs || (other.endedAtMs ?? 0) <= one.startedAtMs;
    return isApart ? [] : [`${one.plan.name} and ${other.plan.name} ran at once in one conversation`];
  });
}

function nameIn({ input }: Task): string | undefined {
  const text = planText(String(input.command ?? input.instruction ?? JSON.stringify(input)));
  return /"name":"([^"]*)"/.exec(text.replaceAll('\\"', '"'))?.[1];
}

type About = { world: World; task: Task; called: Called; met: Met[]; scenario: Scenario };

function judgeTask(about: About): string[] {
  const { world, task, called } = about;
  const { wish } = called;
  const facts = world.machines.facts.filter(({ plan }) => plan.name === wish.job.name);
  const [fact] = facts;
  const broken: string[] = [];
  if (facts.length > 1)
    broken.push(`its job ran ${facts.length} times: ${JSON.stringify(facts.map(({ end }) => end))}`);
  if (!hasEnded(task)) return [...broken, `it is ${task.status} in the end`];
  if (!isSettled(task)) broken.push(`it still owes ${JSON.stringify(task.obligations)}`);
  if (wish.parts) return broken;
  if (task.status === "cancelled" && !called.cancelAsked) broken.push("nobody has cancelled it");
  if (called.cancel === "accepted" && task.status !== "cancelled")
    broken.push(`its cancel was accepted, and it is ${task.status}`);
  if (task.status === "succeeded") {
    if (fact?.end !== "succeeded") broken.push(`it succeeded, and its job ${fact?.end ?? "never ran"}`);
    if ((task.result as { name?: string } | undefined)?.name !== wish.job.name)
      broken.push("its result is not what its job gave");
  }
  if (task.status === "failed") {
    const why = whyNot(about, fact?.end);
    if (why !== undefined) broken.push(`it failed as ${task.error.code} (${task.error.message}): ${why}`);
  }
  return broken;
}

/** Why the code of a failure is not true; undefined when it is. */
function whyNot({ world, task, called, met, scenario }: About, end: string | undefined): string | undefined {
  const { code } = (task as { error: { code: string } }).error;
  const { place } = called.wish;
  const isDeleted = world.vanished.length > 0;
  // What its job had done was lost with its machine, unless it was brought home before.
  const fact = world.machines.facts.find(({ plan }) => plan.name === called.wish.job.name);
  const isLost = fact ? world.machines.lost.has(fact.machine) : isDeleted || world.machines.lost.size > 0;
  const own = met.filter(({ by }) => by.includes(task.id));
  const happened = (...names: string[]) => met.some(({ fault }) => names.includes(fault));
  /** A runtime that refuses takes an attempt as well in each minute. */
  const refusedAttempts = Math.floor(scenario.agentCore.refusing.forMs / 60_000);
  const isRefusing = refusedAttempts > 0;
  /** A state is tried four times at the least before its task is given up. */
  const inStates = Map.groupBy(own, ({ by }) => by.split(" ")[0]);
  const isBeyondRetries = [...inStates.values()].some(({ length }) => length >= Math.max(1, 4 - refusedAttempts));
  const isTrue: Record<string, () => boolean> = {
    "task.exit_code": () => end === "failed",
    "task.agent_failed": () => end === "failed",
    "task.timeout": () =>
      end === "timed out" ||
      (place === "contract-less" && Math.min(called.wish.timeoutSeconds, 840) < called.wish.job.seconds + 20),
    "task.input_timeout": () => end === "unanswered",
    "worker.replaced": () => isLost,
    "worker.lost": () => isLost || place === "contract-less" || (isBeyondRetries && end === undefined),
    "worker.failed": () =>
      place === "contract-less" && own.some(({ fault }) => fault === "RuntimeClientError") && end === undefined,
    "worker.start_failed": () => scenario.agentCore.createFails !== undefined,
    "worker.not_ready": () =>
      (place === "own runtime" && task.executionNumber > 1) ||
      scenario.agentCore.creatingMs + scenario.agentCore.endpointMs > 9 * 60_000,
    "worker.unavailable": () => happened("RuntimeClientError") && end === undefined,
    "platform.not_ready": () => isRefusing || (isDeleted && end === undefined),
    "platform.access_denied": () => happened("AccessDeniedException") && end === undefined,
    "platform.invalid_request": () =>
      (happened("ValidationException") || scenario.agentCore.refusing.error === "ValidationException") &&
      end === undefined,
    "platform.runtime_not_found": () => (isDeleted || scenario.agentCore.refusing.forMs > 60_000) && end === undefined,
    "platform.throttled": () => happened("ThrottlingException") && end === undefined,
    "platform.quota_exceeded": () => happened("ServiceQuotaExceededException") && end === undefined,
    "platform.conflict": () => happened("ConflictException", "RetryableConflictException") && end === undefined,
    "platform.unavailable": () => happened("InternalServerException", "answer lost") && end === undefined,
    "platform.store_unavailable": () => isBeyondRetries && end === undefined,
    "platform.store_throttled": () => isBeyondRetries && end === undefined,
    "platform.artifacts_unavailable": () => isBeyondRetries && end === undefined,
    // The last attempt at a runtime that refuses is given up where its step ends.
    "worker.outcome_unknown": () => (isBeyondRetries || isRefusing) && end === undefined,
    "platform.internal": () => (isBeyondRetries || (own.length > 0 && isRefusing)) && end === undefined,
    "platform.stood_still": () => happened("20 s late", "150 s late") && end === undefined,
    "platform.stuck": () => own.length > 3 && end === undefined,
  };
  const rule = isTrue[code];
  if (!rule) return "no run of these has a failure of this kind";
  return rule() ? undefined : `its job ${end ?? "never ran"}, and nothing has happened that explains this`;
}

async function judgeEvents({ world, task, called }: About): Promise<string[]> {
  const broken: string[] = [];
  const events = await world.store.listEvents(task.id, 0, 1000);
  const types = events.map(({ type }) => type);
  const count = (of: string) => types.filter((type) => type === of).length;
  if (types[0] !== "task.created" || count("task.created") !== 1)
    broken.push(`its events begin with ${types.slice(0, 3)}`);
  const ends = ["task.succeeded", "task.failed", "task.cancelled"];
  const last = types.at(-1) ?? "";
  if (last !== `task.${task.status}` || types.filter((type) => ends.includes(type)).length !== 1)
    broken.push(`it is ${task.status}, and its events end with ${types.slice(-3)}`);
  const numbers = events.map(({ sequence }) => sequence);
  if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0)))
    broken.push("its events are not in order");
  const ofWorker = numbers.filter((number) => number >= FIRST_WORKER_SEQUENCE && number < 1_000_000_000);
  if (ofWorker.some((number, index) => number !== FIRST_WORKER_SEQUENCE + index))
    broken.push(`its events have a hole: ${ofWorker}`);
  const { data } = await world.store.readLog(task.id, 0, 60_000);
  const fact = world.machines.facts.find(({ plan }) => plan.name === called.wish.job.name);
  if (fact && called.wish.place !== "contract-less") {
    if (!fact.log.startsWith(data)) broken.push(`its log is not what its job printed: ${JSON.stringify(data)}`);
    const isWhole = data === fact.log && linesOf(fact.plan).every((line) => data.includes(line));
    if (task.status === "succeeded" && !isWhole) broken.push(`its log is not whole: ${JSON.stringify(data)}`);
  }
  return broken;
}

/** What is left over that belongs to nobody. */
async function judgeRest(world: World, owners: string[]): Promise<string[]> {
  const broken: string[] = [];
  const { runtimes, sessions } = world.emulator.inventory;
  if (runtimes.length > 0) broken.push(`runtimes are left: ${runtimes}`);
  if (sessions.length > 0) broken.push(`sessions are left: ${sessions}`);
  for (const runtime of await world.store.listRuntimes())
    if (runtime.state !== "gone" || runtime.users.length > 0)
      broken.push(`the record of runtime ${runtime.name} is ${runtime.state}, used by ${runtime.users}`);
  for (const { id, state } of await world.store.listWarm())
    if (state !== "gone") broken.push(`the session ${id}, which was kept ready, is ${state}`);
  for (const owner of owners) {
    const { running, byProfile } = await world.store.listSlots(owner);
    if (running.length + Object.values(byProfile).flat().length > 0)
      broken.push(`slots of ${owner} are left: ${running}`);
    const queued = await world.store.listQueue(owner, 10);
    if (queued.length > 0) broken.push(`the queue of ${owner} has ${queued.map(({ taskId }) => taskId)}`);
  }
  const due = await world.store.listDue(Number.MAX_SAFE_INTEGER, 10);
  if (due.length > 0) broken.push(`tasks are still open: ${due}`);
  const flaws = world.emulator.flaws.filter((flaw) => !/ready for invocation|on demand/.test(flaw));
  if (flaws.length > 0) broken.push(`requests were malformed: ${flaws.slice(0, 3)}`);
  return broken;
}
