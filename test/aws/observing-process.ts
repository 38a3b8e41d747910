/** A program that says something, as a function does: what it writes is what CloudWatch would get. */
import { openObservation } from "../../lib/aws/observe/observe.ts";
import { newTaskId } from "../../lib/contract/task-id.ts";

const OWNER = "arn:aws:sts::123456789012:assumed-role/deployer";
const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const taskId = newTaskId();
const { log, observe, inRequest } = openObservation({ level: "info", version: "1.2.3" });

log.debug("not heard");
await inRequest("request-1", async () => {
  await Promise.resolve();
  log.info("two\nlines", { taskId: "task_1", level: "DEBUG", requestId: "forged", service: "forged" });
});
log.error("outside", {
  error: new TypeError(`not for ${OWNER}/run-17, nor arn:aws:iam::123456789012:user/ops/ann`),
  text: "x".repeat(10_000),
  owner: OWNER,
});
await inRequest("request-2", () =>
  observe.during({ step: "Watch", taskId }, async () => {
    observe.about({ id: "task_of_another", owner: "somebody else" });
    observe.about({ id: taskId, owner: OWNER, trace });
    log.info("inside");
    observe.decided({
      decision: "ended",
      taskId,
      owner: OWNER,
      trace,
      ms: 70,
      totalMs: 100,
      from: "running",
      to: "failed",
      code: "platform.internal",
    });
    observe.decided({ decision: "stepped", taskId, step: "Watch", ms: 5, again: true });
    observe.decided({ decision: "stepped", taskId, step: "Watch", ms: 5, again: false });
  }),
);
log.info("after");
