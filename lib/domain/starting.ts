import { ownEvent } from "./events.ts";
import type { Ports } from "./ports.ts";
import { type Task, transition, without } from "./task.ts";

/** Notes that the job runs: its deadline begins, and the values of its environment are forgotten. */
export async function noteStart(ports: Ports, taskId: string): Promise<Task> {
  const now = ports.now();
  await ports.store.appendEvents([ownEvent(taskId, "task.started", now)]);
  return ports.store.change(taskId, (task) => started(task, now, ports.pace.maxPauseSeconds));
}

function started(task: Task, nowMs: number, pauseSeconds: number): Task {
  const known = without(task, "env");
  if (task.status !== "starting") return known;
  return {
    ...transition(known, "running", nowMs),
    deadlineAtMs: nowMs + task.limits.timeoutSeconds * 1000,
    dueAtMs: nowMs + (pauseSeconds + 120) * 1000,
  };
}
