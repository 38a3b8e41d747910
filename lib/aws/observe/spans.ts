import { Tracer } from "@aws-lambda-powertools/tracer";
import type { Facts } from "../../contract/observation/observer.ts";
import { traceIdOf } from "../../contract/observation/trace.ts";
import { ownerHash } from "./owner-hash.ts";

// Requests to services are in the services' own spans, and addresses of artifacts open them.
const tracer = new Tracer({ captureHTTPsRequests: false });

/** Some work that is over; times are epoch milliseconds. */
type Done = { facts: Facts; startedAtMs: number; hasFailed: boolean };

/** Sends what was done as a span of the event's trace, which can be found by its task. What failed is told by the log alone. */
export function sendSpan({ facts: { step, taskId, owner, trace }, startedAtMs, hasFailed }: Done): void {
  const span = tracer.getSegment()?.addNewSubsegment(`## ${step}`);
  if (!span) return;
  span.start_time = startedAtMs / 1000;
  span.addAnnotation("step", step);
  if (taskId !== undefined) span.addAnnotation("taskId", taskId);
  if (owner !== undefined) span.addAnnotation("owner", ownerHash(owner));
  if (trace !== undefined) span.addAnnotation("traceId", traceIdOf(trace));
  if (hasFailed) span.addErrorFlag();
  span.close();
}
