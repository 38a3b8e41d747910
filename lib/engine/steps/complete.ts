import { complete as completeTask } from "../completion.ts";
import { isCompleting } from "../poll/apply-reply.ts";
import { again, current, done, type Step } from "./step.ts";

/** Brings the artifacts to safety and gives the task its final status. */
export const complete: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (!task) return done;
  return isCompleting(await completeTask(ports, task)) ? again(1) : done;
};
