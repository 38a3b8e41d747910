import { unknownFramework } from "../../../contract/frameworks.ts";
import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import { type Known, saidContract } from "../contract.ts";
import { detail, isContractLess, protocolOf } from "../place.ts";
import { fail, pass, reasonOf, warn } from "./checks.ts";

type Options = { holdSeconds: number; frameworks: readonly string[] };

/** What a target without the worker contract means, or what of the job the worker behind it can do. */
export function contractChecks(
  placement: Placement,
  known: Partial<Known>,
  { holdSeconds, frameworks }: Options,
): Check[] {
  const placed = { ...placement, providerRefs: known as Record<string, string> };
  if (isContractLess(placed)) {
    const tell = isContractLess(placement) ? pass : warn;
    const protocol = protocolOf(placed);
    const without = protocol === "a2a" ? "" : "no files come back, nothing can be asked in between, and ";
    const message =
      `the runtime does not know the worker contract: it is called once, by ${protocol}, and has ` +
      `${holdSeconds} s to answer; ${without}a call that breaks off is not repeated`;
    return [tell("contract", message)];
  }
  // What is known without asking is checked with everything else.
  if (placement.target.mode === "runtime" || known.contract === undefined) return [];
  const unknown = placement.framework && unknownFramework(placement.framework, frameworks);
  const isSaid = detail(placement, "contract") !== undefined;
  return unknown && !isSaid ? [unknown] : [];
}

/** A value of `contract` that is neither. */
export function saidContractCheck(placement: Placement): Check[] {
  try {
    saidContract(placement);
    return [];
  } catch (error) {
    return [fail("contract", reasonOf(error))];
  }
}
