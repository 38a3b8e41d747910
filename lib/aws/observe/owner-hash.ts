import { createHash } from "node:crypto";

/** Of whoever can be an owner: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns */
const principal =
  /(arn:aws[a-z-]*:(?:sts::\d{12}:(?:assumed-role|federated-user)\/[\w+=,.@-]+|iam::\d{12}:(?:root|user\/[\w+=,.@/-]+)))(?:\/[\w+=,.@-]+)?/g;

/** An owner as the log names it: the first 16 digits of the SHA-256 of its ARN. The same owner is always the same. */
export const ownerHash = (owner: string): string => createHash("sha256").update(owner).digest("hex").slice(0, 16);

/** A text without the ARNs of callers: each is told as `principal:` and its hash, which the name of a session does not change. */
export const withoutPrincipals = (text: string): string =>
  text.replaceAll(principal, (_, arn: string) => `principal:${ownerHash(arn)}`);
