import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** What a local system is to prove itself with: new each time, so that no answer can be used again. */
export const newNonce = (): string => randomBytes(32).toString("hex");

/** Whether a text can be such a nonce. */
export const isNonce = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** What only somebody can say who has the token, which it does not tell. Its own words keep it apart from other uses. */
export const proofOf = (token: string, nonce: string): string =>
  createHmac("sha256", token).update(`agentdispatch health\n${nonce}`).digest("hex");

/** Whether `given` is that proof, compared in constant time. */
export function isProof(given: unknown, token: string, nonce: string): boolean {
  if (typeof given !== "string") return false;
  const [theirs, wanted] = [Buffer.from(given), Buffer.from(proofOf(token, nonce))];
  return theirs.length === wanted.length && timingSafeEqual(theirs, wanted);
}
