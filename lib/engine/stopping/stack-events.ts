import type { Ports } from "../ports.ts";
import { type Swept, sweepSystem } from "./sweep.ts";

/** What happens with the stack that the system is deployed as, by its id. */
export type StackEvent = { type: "Create" | "Update" | "Delete"; stackId: string };

/** Whether that may go on, and what there is to say of it. */
export type StackOutcome = { status: "SUCCESS" | "FAILED"; reason?: string };

type Options = {
  /** What the names of this stack's runtimes begin with, which are digits of its id. */
  prefix: string;
  /** How long a sweep may take, in milliseconds. */
  withinMs: number;
  /** Whether all of the stack goes, and not what is deleted alone. */
  isStackEnding(stackId: string): Promise<boolean>;
};

/**
 * When the stack is deleted the system is swept, in bounded time. A sweep that leaves something fails the deletion once, and says
 * what it leaves, so that nobody misses it; when the stack is deleted again, it says so and goes on. An update that takes the
 * sweep alone away, or takes itself back, leaves the system as it is. Never throws.
 */
export async function onStackEvent(
  ports: Ports,
  { type, stackId }: StackEvent,
  { prefix, withinMs, isStackEnding }: Options,
): Promise<StackOutcome> {
  if (!isOwn(stackId, prefix)) return { status: "FAILED", reason: `this function is not of the stack ${stackId}` };
  if (type === "Delete") {
    try {
      if (!(await isStackEnding(stackId))) return { status: "SUCCESS", reason: "the stack stays, and what runs in it" };
    } catch (error) {
      ports.log.error("nobody can say whether the whole stack is deleted", { error: String(error) });
      const reason = `Nothing was stopped, because CloudFormation does not say whether the whole stack goes: ${error}`;
      return { status: "FAILED", reason };
    }
    return afterSweep(ports, await sweepSystem(ports, withinMs));
  }
  // A table that was kept may still hold the pause of a deletion.
  await ports.store
    .resumeAdmission({ everybody: "deletion" })
    .catch((error) => ports.log.warn("the pause of an earlier deletion may hold on", { error: String(error) }));
  return { status: "SUCCESS" };
}

function afterSweep(ports: Ports, { left, isRepeated, ...counts }: Swept): StackOutcome {
  if (left.length === 0) {
    ports.log.info("the system was swept, and nothing is left of it", counts);
    return { status: "SUCCESS", reason: "nothing is left that could run or bill" };
  }
  ports.log.error("something is left of the system that is deleted", { left, isRepeated, ...counts });
  const what = `left behind: ${left.join("; ")}`;
  if (isRepeated) return { status: "SUCCESS", reason: what };
  return {
    status: "FAILED",
    reason: `Delete the stack once more to try again; it is deleted then in any case. ${what}`,
  };
}

/** The prefix holds the first digits of the last part of the stack's id. */
const isOwn = (stackId: string, prefix: string): boolean => prefix === `ad_${stackId.split("/")[2]?.split("-")[0]}_`;
