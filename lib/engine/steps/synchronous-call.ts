import { callSynchronously } from "../synchronous-call.ts";
import { current, done, type Step } from "./step.ts";

/**
 * Makes the one call that a job is on a contract-less runtime, and holds it until it is answered. Repeated,
 * it sends nothing: Watch finds out whether somebody still holds the call.
 */
export const synchronousCall: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (task?.status === "starting") await callSynchronously(ports, task);
  return done;
};
