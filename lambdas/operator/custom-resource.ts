import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";

/**
 * What CloudFormation asks of a custom resource.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
 */
const requestSchema = z.object({
  RequestType: z.enum(["Create", "Update", "Delete"]),
  ResponseURL: z.url({ protocol: /^https?$/ }),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.string().optional(),
});
type CustomResourceRequest = z.infer<typeof requestSchema>;

/** Undefined for an event of another kind. */
export const asCustomResource = (event: unknown): CustomResourceRequest | undefined =>
  requestSchema.safeParse(event).data;

/** A body may have 4,096 bytes, of which ids can take more than a thousand. */
const MAX_REASON = 1500;
const ATTEMPTS = 5;
const ANSWER_MS = 10_000;

type Outcome = { status: "SUCCESS" | "FAILED"; reason?: string };

/**
 * Tells CloudFormation how it went, at the address that came with the request, again where that fails. The id is never another
 * one, because CloudFormation would delete what it takes for the old one. Throws an Error when nobody took the answer.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 */
export async function respond(request: CustomResourceRequest, { status, reason = "" }: Outcome): Promise<void> {
  const { ResponseURL, StackId, RequestId, LogicalResourceId, PhysicalResourceId = "agent-dispatch-sweep" } = request;
  const Reason = reason.length > MAX_REASON ? `${reason.slice(0, MAX_REASON).toWellFormed()}…` : reason;
  const body = JSON.stringify({
    Status: status,
    ...(Reason && { Reason }),
    PhysicalResourceId,
    StackId,
    RequestId,
    LogicalResourceId,
  });
  let last: unknown;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      // The address is signed for a request without a type.
      const answer = await fetch(ResponseURL, {
        method: "PUT",
        headers: { "content-type": "" },
        body: Buffer.from(body),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      await answer.body?.cancel();
      if (answer.ok) return;
      last = `HTTP status ${answer.status}`;
    } catch (error) {
      last = error;
    }
    if (attempt < ATTEMPTS) await pause(500 * 2 ** attempt);
  }
  throw new Error(`CloudFormation did not take the answer: ${last}`);
}
