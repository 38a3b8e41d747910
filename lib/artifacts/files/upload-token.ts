import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { RefusedError } from "../../contract/errors.ts";
import { taskIdSchema } from "../../contract/task-id.ts";

const grantSchema = z.strictObject({
  taskId: taskIdSchema,
  artifactId: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sizeBytes: z.number().int().nonnegative(),
  expiresAtMs: z.number(),
  /** Of what a conversation keeps; it is kept apart. */
  private: z.literal(true).optional(),
  /** Whether it is leave to read the content instead. */
  reads: z.literal(true).optional(),
});

/** Leave to store one content, or to read it, until then. */
export type Grant = z.infer<typeof grantSchema>;

/** The grant as a text that only a holder of the secret can make. */
export function signGrant(secret: Uint8Array, grant: Grant): string {
  const body = Buffer.from(JSON.stringify(grant)).toString("base64url");
  return `${body}.${mac(secret, body).toString("base64url")}`;
}

/** Throws RefusedError `artifact.token_invalid` or `artifact.token_expired`. */
export function verifyGrant(secret: Uint8Array, token: string, nowMs: number): Grant {
  const [body = "", signature = "", ...rest] = token.split(".");
  const expected = mac(secret, body);
  const given = Buffer.from(signature, "base64url");
  const genuine = rest.length === 0 && given.length === expected.length && timingSafeEqual(given, expected);
  if (!genuine) throw new RefusedError("artifact.token_invalid", "this is not an address that was given out here");
  const grant = grantSchema.parse(JSON.parse(Buffer.from(body, "base64url").toString()));
  if (grant.expiresAtMs > nowMs) return grant;
  throw new RefusedError("artifact.token_expired", "this address has expired", {
    hint: "ask for another; each address is good for 15 minutes",
  });
}

/** The prefix keeps these apart from anything else that may be signed with the same secret. */
function mac(secret: Uint8Array, body: string): Buffer {
  return createHmac("sha256", secret).update(`agentdispatch upload\n${body}`).digest();
}
