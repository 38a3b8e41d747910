import * as z from "zod";
import { isTerminal } from "../../contract/lifecycle.ts";
import { waitForTask as wait } from "../../engine/poll/waiting.ts";
import { taskRecord } from "../../engine/record.ts";
import * as field from "./fields.ts";
import { progressTeller } from "./progress.ts";
import { fitRecord } from "./reply-size.ts";
import { ownTask, reads, shape, tool } from "./tool.ts";

/** The result schema of the tools that return a task record. */
export const recordShape = (more: Record<string, string> = {}) =>
  shape({
    id: "string",
    status: "string",
    provider: "string",
    accountProfile: "string",
    capability: "string",
    taskType: "string",
    backend: "string",
    target: "object",
    input: "object",
    providerRefs: "object",
    result: "any",
    error: "object",
    createdAt: "string",
    updatedAt: "string",
    ...more,
  });

const input = z.strictObject({
  task_id: field.taskId,
  timeout_seconds: field.waitSeconds.optional().describe("Default 25, at most 45"),
});

/** Waits until a task has ended or needs input. */
export const waitForTask = tool({
  name: "wait_for_task",
  title: "Wait for a task",
  description:
    "Waits until a task has ended or needs input and returns its record. When the time is over first, the record has " +
    "timedOutWaiting: true: call again to go on waiting; the task is not affected.",
  input,
  output: recordShape({ timedOutWaiting: "boolean" }),
  annotations: reads,
  run: async (context, { task_id, timeout_seconds = 25 }) => {
    await ownTask(context, task_id);
    const teller = context.notify && progressTeller(context.ports, context.notify);
    const { task, timedOut } = await wait(context.ports, task_id, {
      timeoutSeconds: timeout_seconds,
      signal: context.signal,
      until: (seen) => isTerminal(seen.status) || seen.status === "input_required",
      ...(teller && { onChange: teller.see }),
    }).finally(() => teller?.end());
    const record = fitRecord(taskRecord(task, { adapters: context.ports.backends }));
    return { structured: timedOut ? { ...record, timedOutWaiting: true } : record };
  },
});
