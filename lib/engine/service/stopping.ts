import type { StopReport } from "../../contract/stopping/report.ts";
import type { Json } from "../../contract/task.ts";
import { type ToolResult as Result, toolSchemas } from "../../contract/tools/index.ts";
import type { Ports } from "../ports.ts";
import { heldBy } from "../stopping/held.ts";
import { setAdmission } from "../stopping/pausing.ts";
import { sessionsOf } from "../stopping/sessions.ts";
import { describeStop, stopAll } from "../stopping/stop-all.ts";
import { readArguments } from "./arguments.ts";

/** How long a stop is waited for where nobody says it, in seconds. */
const WAIT_SECONDS = 25;

/** What of an owner runs or bills now. */
export async function listSessions(ports: Ports, owner: string, given: Json): Promise<Result<"list_sessions">> {
  readArguments(toolSchemas.list_sessions, given);
  return sessionsOf(ports, { owner });
}

/** Stops all tasks of an owner, or says what that would stop. */
export async function stopOwn(ports: Ports, owner: string, given: Json): Promise<Result<"stop_all">> {
  const { confirm = false, wait_seconds: waitSeconds = WAIT_SECONDS } = readArguments(toolSchemas.stop_all, given);
  if (!confirm) {
    const report = await describeStop(ports, { owner });
    const isNothing = report.queued === 0 && report.sessions?.length === 0;
    const hint = isNothing
      ? "there is nothing to stop"
      : "nothing was stopped: call stop_all with confirm: true to cancel these tasks and end their sessions";
    return { ...report, hint };
  }
  const report = await stopAll(ports, { owner }, { waitMs: waitSeconds * 1000 });
  return { ...report, ...hintOf(report) };
}

function hintOf({ queued = 0, underway = [], unverified = [] }: StopReport): { hint?: string } {
  if (queued > 0)
    return {
      hint: `${queued} tasks still wait, and may begin: call set_admission with action: pause, and stop_all with confirm: true again`,
    };
  if (unverified.length > 0)
    return {
      hint: "call stop_all with confirm: true again; what cannot be stopped is tried on by the system, and a session on AgentCore ends by itself after 15 idle minutes, or 8 hours",
    };
  if (underway.length === 0) return {};
  return {
    hint: "what is under way goes on by itself: list_sessions says whether it is over, and so does stop_all once more",
  };
}

/** Pauses the admission of an owner's tasks, resumes it, or says how it stands. */
export async function ownAdmission(ports: Ports, owner: string, given: Json): Promise<Result<"set_admission">> {
  const { action = "status" } = readArguments(toolSchemas.set_admission, given);
  const { paused } = await setAdmission(ports, { owner }, action);
  const { queued } = await heldBy(ports, { owner });
  const others = paused.filter(({ by }) => by !== "owner");
  return {
    paused,
    queued: queued.length,
    ...(action === "resume" && others.length > 0 && { hint: pausedByOthers(others[0]?.by) }),
  };
}

const pausedByOthers = (by: string | undefined): string =>
  by === "deletion"
    ? "the stack is being deleted: nothing begins any more"
    : "an operator has paused the admission of everybody's tasks: ask whoever runs the stack";
