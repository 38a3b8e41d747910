import type { JobEnd } from "../../../adapter.ts";
import { followStream } from "./http.ts";
import { type Exchange, promptOf } from "./protocol.ts";
import { StreamedAnswer } from "./streamed-answer.ts";

/**
 * One run of an AG-UI agent: https://docs.ag-ui.com/concepts/agents. Its result is what RUN_FINISHED says, else the text of
 * its messages.
 */
export async function agUi(exchange: Exchange): Promise<JobEnd> {
  const { job, invoke } = exchange;
  const context = Object.entries(job.context ?? {}).map(([description, value]) => ({
    description,
    value: typeof value === "string" ? value : JSON.stringify(value),
  }));
  const { body } = await invoke({
    threadId: job.taskId,
    runId: job.taskId,
    state: {},
    messages: [{ id: job.taskId, role: "user", content: promptOf(job) }],
    tools: [],
    context,
    forwardedProps: { ...(job.metadata && { metadata: job.metadata }) },
  });
  return followStream(exchange, body, new StreamedAnswer({ mustFinish: true }));
}
