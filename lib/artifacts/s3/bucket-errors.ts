import { failureOf, identityHint, isPassing, statusOf } from "../../aws/sdk-errors.ts";
import { DispatchError, RetryableError } from "../../contract/errors.ts";

/** An action on a bucket, as IAM calls it. */
export type BucketAction = "s3:PutObject" | "s3:GetObject" | "s3:ListBucket";

/** The content or its key arrived damaged: the next attempt is a new one. */
const damaged = ["BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"];
const otherRegion = [
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
  "301",
  "307",
];

/** Whether S3 says that there is no such object, or, as HEAD does, only that something is missing. */
export const isMissing = (error: unknown): boolean => failureOf(error) === "missing";

/**
 * A failed request as the port promises it: RetryableError `platform.artifacts_unavailable`, with the name of S3's error
 * and what to do. What is ours, or no request's failure, comes back as it is. Neither message nor hint holds a URL.
 */
export function explain(error: unknown, bucket: string, action: BucketAction): unknown {
  if (!(error instanceof Error) || error instanceof DispatchError) return error;
  const hint = hintFor(error, bucket, action);
  if (hint === undefined) return error;
  const what = action === "s3:PutObject" ? "written to" : "read from";
  return new RetryableError(
    "platform.artifacts_unavailable",
    `artifacts cannot be ${what} bucket ${bucket} (${reasonOf(error)})`,
    { hint, cause: error },
  );
}

function hintFor(error: Error, bucket: string, action: BucketAction): string | undefined {
  const identity = identityHint(error);
  if (identity !== undefined) return identity;
  if (error.name === "NoSuchBucket") return `create bucket ${bucket}, or correct its name in the configuration`;
  if (otherRegion.includes(error.name) || statusOf(error) === 301) return `set the region of bucket ${bucket}`;
  if (error.name.startsWith("KMS.")) return `make the KMS key of bucket ${bucket} usable for this identity`;
  if (isPassing(error) || damaged.includes(error.name)) return "try again in a few seconds";
  return failureOf(error) === "denied" ? permissionHint(bucket, action) : undefined;
}

/**
 * Without s3:ListBucket S3 answers 403 for an object that is missing, and an object under a KMS key needs the key too.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
 */
function permissionHint(bucket: string, action: BucketAction): string {
  if (action === "s3:ListBucket") return `allow this identity s3:ListBucket on bucket ${bucket}`;
  if (action === "s3:GetObject")
    return `allow this identity s3:GetObject on the objects of bucket ${bucket}, s3:ListBucket on the bucket itself, and kms:Decrypt on its key if it has one`;
  return `allow this identity s3:PutObject on the objects of bucket ${bucket}, and kms:GenerateDataKey on its key if it has one`;
}

function reasonOf(error: Error): string {
  if ("code" in error && typeof error.code === "string") return error.code;
  const status = statusOf(error);
  return /^[\w.]{1,64}$/.test(error.name) && error.name !== "Error" ? error.name : `status ${status ?? "unknown"}`;
}
