/** A program that does one step as a function does, whose trace the environment names; then it says what it has loaded. */
import { openObservation } from "../../lib/aws/observe/observe.ts";

const { observe, inRequest } = openObservation({ level: "info", version: "1.2.3" });
const taskId = `task_${"a".repeat(32)}`;
const owner = "arn:aws:sts::123456789012:assumed-role/deployer";
const work = (fails: boolean) => () =>
  observe.during({ step: "Watch", taskId }, async () => {
    observe.about({ id: taskId, owner, trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" });
    if (fails) throw new Error("a text that nobody else may see");
    return "done";
  });
await inRequest("request-0", work(false));
const done = await inRequest("request-1", work(false));
const failed = await inRequest("request-2", work(true)).catch((error: Error) => error.message);
process.send?.({ done, failed });
