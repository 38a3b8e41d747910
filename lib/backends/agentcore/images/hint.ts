import { RefusedError } from "../../../contract/errors.ts";
import type { Placement } from "../../adapter.ts";
import { detail, roleOf } from "../place.ts";

/**
 * What to do when AWS could not pull an image, or would not take it; undefined when its reason is about something else.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-permissions.html
 */
export function imageHint(reason: string, placed: Pick<Placement, "target">): string | undefined {
  if (!/\becr\b|image|manifest|containerUri|\bpull/i.test(reason)) return undefined;
  return (
    `check that ${detail(placed, "ecrImageUri")} (target.details.ecrImageUri) exists and is for linux/arm64, and that ` +
    `${roleOf(placed)} may use ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on its repository and ` +
    "ecr:GetAuthorizationToken; a repository of another account must allow that role too"
  );
}

/** A refusal that is about the image, with what to do about it; anything else as it is. */
export function withImageHint(error: unknown, placed: Pick<Placement, "target">): unknown {
  if (!(error instanceof RefusedError) || error.details?.action === "iam:PassRole") return error;
  const hint = imageHint(error.message, placed);
  return hint === undefined ? error : error.with({ hint });
}
