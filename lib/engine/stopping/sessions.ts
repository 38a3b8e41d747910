import { own } from "../../contract/configuration.ts";
import { pricesDate } from "../../contract/costs/prices.ts";
import { defined } from "../../contract/json.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { MOST_LISTED, type Session, type Sessions } from "../../contract/stopping/report.ts";
import type { Task } from "../../contract/task.ts";
import { readable } from "../../store/stored-task.ts";
import type { Ports } from "../ports.ts";
import { shortRecord } from "../record.ts";
import { heldBy, type Whose } from "./held.ts";

/** What runs or bills now: first what bills, longest first, then what is on its way out, then the oldest of what waits. */
export async function sessionsOf(ports: Ports, whose: Whose): Promise<Sessions> {
  const { queued, held } = await heldBy(ports, whose);
  const paused = await ports.store.listPauses(whose === "everybody" ? undefined : whose.owner);
  const views = held.map((task) => sessionView(ports, task, whose)).sort(byWeight);
  const waiting: Session[] = [];
  for (const id of queued.slice(0, Math.max(0, MOST_LISTED - views.length))) {
    const task = await readable(ports.store, id);
    if (task?.status === "queued") waiting.push(sessionView(ports, task, whose));
  }
  const items = [...views, ...waiting].slice(0, MOST_LISTED);
  const more = views.length + queued.length - items.length;
  return { items, queued: queued.length, ...(paused.length > 0 && { paused }), ...(more > 0 && { more }) };
}

const byWeight = (one: Session, other: Session): number =>
  Number(other.bills) - Number(one.bills) || other.ageSeconds - one.ageSeconds;

/** How a task stands for whoever may want to stop it. */
function sessionView(ports: Ports, task: Task, whose: Whose): Session {
  const { id, status, profile, backend, accountProfile, obligations, providerRefs, session, createdAt, phases } = task;
  const since = (status !== "queued" && phases.provisioning) || createdAt;
  const ageSeconds = Math.max(0, Math.round((ports.now() - Date.parse(since)) / 1000));
  const { runtimeArn } = providerRefs;
  return defined({
    taskId: id,
    status,
    state: stateOf(task),
    bills: mayBill(task),
    profile,
    backend,
    accountProfile,
    summary: shortRecord(task).summary,
    since,
    ageSeconds,
    // A machine may be a little younger than what its task has held so far: at most it costs this.
    estimatedCost: mayBill(task) ? estimate(ports, task, ageSeconds) : undefined,
    region: providerRefs.region,
    sessionId: obligations.session ?? session?.id,
    runtime: runtimeArn ?? obligations.runtime,
    ownRuntime: obligations.runtime === undefined ? undefined : (true as const),
    owner: whose === "everybody" ? task.owner : undefined,
  });
}

function stateOf({ status, obligations }: Task): Session["state"] {
  if (status === "queued") return "waiting";
  if (!isTerminal(status)) return "running";
  return obligations.session === undefined && obligations.slot === undefined ? "deleting" : "ending";
}

/** What the session of a task has cost at that age, at least and at most; undefined where nothing is billed. */
export function estimate({ backends }: Ports, task: Task, ageSeconds: number): Session["estimatedCost"] {
  const cost = own(backends, task.backend)?.sessionUsd?.(task, ageSeconds);
  return cost && { isEstimate: true, leastUsd: rounded(cost.least), mostUsd: rounded(cost.most), pricesDate };
}

const rounded = (usd: number): number => Number(usd.toPrecision(3));

/** A session begins when something reaches it, and is owed until it is known to be over. */
const mayBill = ({ obligations, session }: Task): boolean =>
  obligations.session !== undefined && session !== undefined && session.sent !== 0;
