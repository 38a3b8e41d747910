import type { Emulator } from "./emulator.ts";

/** What of a task still runs and bills: the runtime made for it, and its session. */
export function leftOf({ inventory }: Emulator, taskId: string) {
  const hex = taskId.replace("task_", "");
  return {
    runtimes: inventory.runtimes.filter((name) => name.includes(hex)),
    sessions: inventory.sessions.filter((key) => key.replaceAll("-", "").endsWith(hex)),
  };
}
