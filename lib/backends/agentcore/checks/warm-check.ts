import { type Configuration, own } from "../../../contract/configuration.ts";
import { warmCostText } from "../../../contract/costs/warm.ts";
import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import { isContractLess } from "../place.ts";
import { fail, pass } from "./checks.ts";

/** What the sessions cost that its profile keeps ready, or why none can be. */
export function warmCheck({ runtimes }: Configuration, placement: Placement): Check[] {
  const warm = own(runtimes, placement.profile ?? "")?.warm;
  if (warm === undefined) return [];
  const cannot = (why: string) => [fail("warm", `no session can be kept ready, ${why}: leave warm out of the profile`)];
  if (isContractLess(placement)) return cannot("because the runtime knows nothing of the worker contract");
  if (placement.target.mode === "runtime" && placement.target.details?.reuse === false)
    return cannot("because each task makes a runtime of its own (reuse is false)");
  return [pass("warm", warmCostText(warm))];
}
