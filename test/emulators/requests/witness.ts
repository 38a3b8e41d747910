import { type Asked, askedBy, type Received } from "./authorized.ts";

/**
 * What each holder of a session token has had decided by IAM, each thing once, by its text. Tokens of tests name who uses them.
 */
export const witnessed = new Map<string, Map<string, Asked>>();

/** Notes a request whose signature was right. */
export function witness(received: Received): void {
  const { request, query } = received;
  const token = request.headers["x-amz-security-token"] ?? query["X-Amz-Security-Token"];
  if (typeof token !== "string") return;
  const known = witnessed.get(token) ?? new Map<string, Asked>();
  witnessed.set(token, known);
  for (const asked of askedBy(received)) known.set(JSON.stringify(asked), asked);
}
