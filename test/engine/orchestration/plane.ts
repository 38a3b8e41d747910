import type { ConfigurationInput } from "../../../lib/contract/configuration.ts";
import { RefusedError } from "../../../lib/contract/errors.ts";
import { isTerminal } from "../../../lib/contract/lifecycle.ts";
import { hasEnded, isSettled, type Json, type Task } from "../../../lib/contract/task.ts";
import { childId } from "../../../lib/engine/orchestration/children.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { recoverAll } from "../../../lib/engine/recovery.ts";
import { TaskService } from "../../../lib/engine/service.ts";
import { steps } from "../../../lib/engine/steps/index.ts";
import { boundByTree, leftFor } from "../../../lib/engine/tree/bound.ts";
import type { TaskStore } from "../../../lib/store/port.ts";
import { moved, withFields } from "../../contract/make-task.ts";
import { openPorts } from "../../mcp/ports.ts";
import { place } from "./system.ts";

type LimitsInput = NonNullable<NonNullable<ConfigurationInput["defaults"]>["limits"]>;

/** How a child ends that nobody cancels. */
export type Ending = (position: number) => "succeeded" | "failed";

/**
 * A control plane whose executions are gone through by hand, on a store that others use too: the tasks of one owner, whose
 * steps any process may take, also one that is about to die.
 */
export function plane({
  owner,
  store,
  maxRunning = 8,
  limits = {},
}: {
  owner: string;
  store?: TaskStore;
  maxRunning?: number;
  limits?: LimitsInput;
}) {
  let aheadMs = 0;
  const opened = openPorts({
    now: () => Date.now() + aheadMs,
    configuration: {
      accounts: { local: { provider: "local", credentialSource: "none" } },
      backends: { here: { adapter: "local-process", account: "local" } },
      runtimes: { local: { backend: "here", framework: "echo" } },
      defaults: { runtime: "local", limits: { maxRunning, ...limits } },
    },
  });
  const ports: Ports = { ...opened, ...(store && { store }) };
  const read = (id: string) => ports.store.get(id) as Promise<Task>;

  /** All tasks of the owner. */
  async function all(): Promise<Task[]> {
    const tasks: Task[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await ports.store.list(owner, { limit: 100, ...(cursor !== undefined && { cursor }) });
      tasks.push(...page.items);
      cursor = page.cursor;
      if (cursor === undefined) return tasks;
    }
  }

  /** Whether a step of its execution lets it go on; what that refuses, the last one fails. */
  async function mayGoOn(task: Task, by: Ports, step: (by: Ports, task: Task) => Promise<unknown>): Promise<boolean> {
    const input = { id: task.id, n: task.executionNumber };
    try {
      await step(by, task);
      return true;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      const Cause = JSON.stringify({ errorMessage: JSON.stringify(error.problem) });
      await steps.Fail(by, { ...input, failure: { Error: error.code, Cause } });
      return false;
    }
  }

  async function handOver(task: Task, by: Ports): Promise<void> {
    if (!(await mayGoOn(task, by, boundByTree))) return;
    await ports.store.change(task.id, (one) =>
      one.status === "starting" ? moved(one, "running", ports.now()) : undefined,
    );
  }

  /** What the execution of a task does next, by a process that may die; false where there is nothing to do. */
  async function work({ id, status, position = 0 }: Task, by: Ports, ending: Ending): Promise<boolean> {
    const task = await read(id);
    if (task.orchestration || task.status === "queued" || isSettled(task) || task.status !== status) return false;
    const now = ports.now();
    if (isTerminal(task.status)) {
      await steps.Cleanup(by, { id, n: task.executionNumber });
    } else if (task.status === "cancelling") {
      await ports.store.change(id, (one) => moved(one, "cancelled", now));
    } else if (task.status === "provisioning") {
      if (!(await mayGoOn(task, by, leftFor))) return true;
      await handOver(await ports.store.change(id, (one) => moved(one, "starting", now)), by);
    } else if (task.status === "starting") {
      await handOver(task, by);
    } else {
      // An agent that is bounded spends all that it may; a command beside it nothing.
      const { maxBudgetUsd: bound } = limits;
      const isAgent = task.taskType === "agent.run";
      const costUsd = bound === undefined ? 1 : isAgent ? (task.limits.maxBudgetUsd ?? bound) : 0;
      const said = { result: { output: `did ${position}` }, usage: { costUsd } };
      await ports.store.change(id, (one) =>
        hasEnded(one) ? undefined : withFields(moved(moved(one, "completing", now), ending(position), now), said),
      );
    }
    return true;
  }

  return {
    owner,
    ports,
    starts: opened.starts,
    read,
    all,
    work,
    advance: (ms: number) => {
      aheadMs += ms;
    },
    service: (by: Ports = ports) => new TaskService(by, owner),
    call: (task_type: string, input: Json, more: Json = {}): Json => ({ ...place, task_type, input, ...more }),
    children: async (parent: string, count: number) =>
      Promise.all(Array.from({ length: count }, async (_, at) => ports.store.get(await childId(parent, at)))),
    /** What the janitor does long after. */
    async recover(by: Ports = ports) {
      aheadMs += 20 * 60_000;
      const open = (await all()).filter((task) => !isSettled(task));
      await recoverAll(
        by,
        open.map(({ id }) => id),
      );
    },
    /** Has everything come to its end, whoever died before. Throws where it does not. */
    async drain(ending: Ending = () => "succeeded"): Promise<void> {
      for (let round = 0; round < 200; round++) {
        const open = (await all()).filter((task) => !isSettled(task));
        if (open.length === 0) return;
        let worked = false;
        for (const task of open) worked = (await work(task, ports, ending)) || worked;
        if (!worked) await this.recover();
      }
      const open = (await all()).filter((task) => !isSettled(task));
      throw new Error(`these do not come to an end: ${JSON.stringify(open.map(shown))}`);
    },
    /** What is left of work, by name: all of it is empty once all is over. */
    async left() {
      const { store: own } = ports;
      const tasks = await all();
      const { running, byProfile } = await own.listSlots(owner);
      return {
        open: tasks.filter((task) => !isSettled(task)).map(shown),
        running,
        byProfile,
        queue: await own.listQueue(owner, 10),
      };
    },
    /** Tasks whose first execution was started twice. */
    twice: () => opened.starts.filter((name, at) => opened.starts.indexOf(name) !== at),
  };
}
export type Plane = ReturnType<typeof plane>;

export const nothingLeft = { open: [], running: [], byProfile: {}, queue: [] };

const shown = ({ id, status, taskType, position, obligations }: Task) => ({
  id,
  status,
  taskType,
  position,
  obligations,
});
