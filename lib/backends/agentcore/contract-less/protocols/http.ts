import type { JobEnd } from "../../../adapter.ts";
import { readEvents, readText } from "../../reply.ts";
import { reportedFailure } from "./problem.ts";
import { type Exchange, promptOf } from "./protocol.ts";
import { StreamedAnswer } from "./streamed-answer.ts";

/**
 * The plain envelope, answered with JSON, text or a stream of either.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-http-protocol-contract.html
 */
export async function http(exchange: Exchange): Promise<JobEnd> {
  const { job, invoke, signal } = exchange;
  const { taskType, input, metadata, context } = job;
  const { body, contentType } = await invoke({ taskType, prompt: promptOf(job), input, metadata, context });
  if (contentType?.startsWith("text/event-stream")) return followStream(exchange, body, new StreamedAnswer());
  return endOf(parsed(await readText(body, signal)));
}

/** Reads a stream to its end; each event is a line of the log as it comes. */
export async function followStream({ signal, log }: Exchange, body: unknown, answer: StreamedAnswer): Promise<JobEnd> {
  for await (const event of readEvents(body, signal)) {
    log(`${event.data}\n`, "stdout");
    answer.add(event);
  }
  return answer.end();
}

function endOf(result: unknown): JobEnd {
  const error = reportedFailure(result);
  return { result, ...(error && { error }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
