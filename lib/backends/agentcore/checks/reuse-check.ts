import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import type { DigestOf } from "../images/digests.ts";
import { detail } from "../place.ts";
import { pass, type Within, warn } from "./checks.ts";

/** Whether tasks will share a runtime, or each wait for one of its own. */
export async function reuseCheck(placement: Placement, digestOf: DigestOf, within: Within): Promise<Check[]> {
  const image = detail(placement, "ecrImageUri");
  if (placement.target.mode !== "runtime" || image === undefined) return [];
  if (placement.target.details?.reuse === false)
    return [pass("reuse", "each task gets a runtime of its own, because reuse is false")];
  const found = await within(digestOf(placement, image)).catch(() => undefined);
  if (found) return [pass("reuse", `tasks with the same needs share a runtime of ${found.exact}`)];
  const message =
    `it cannot be told which image ${image} stands for now, so each task waits for a runtime of its own: allow ` +
    "ecr:DescribeImages on its repository, or name it by its digest (@sha256:...)";
  return [warn("reuse", message)];
}
