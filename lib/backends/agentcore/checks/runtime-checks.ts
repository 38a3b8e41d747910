import type { GetAgentRuntimeResponse } from "@aws-sdk/client-bedrock-agentcore-control";
import { RefusedError } from "../../../contract/errors.ts";
import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import type { Clients } from "../account/clients.ts";
import { type Known, learnContract } from "../contract.ts";
import { getEndpoint, getRuntime } from "../known-runtimes.ts";
import { isContractLess, qualifierOf, serverProtocolOf } from "../place.ts";
import type { RuntimeRef } from "../resources.ts";
import { fail, pass, reasonOf, type Within, warn } from "./checks.ts";

/** Whether a runtime that exists can be invoked as the target wants it, and what is known of it then. */
export async function runtimeChecks(
  clients: Clients,
  placement: Placement,
  runtime: RuntimeRef,
  within: Within,
): Promise<{ known: Partial<Known>; checks: Check[] }> {
  try {
    const plane = await clients.controlPlane(runtime.region);
    const [seen, endpoint, learned] = await Promise.all([
      within(getRuntime(plane, runtime)),
      within(getEndpoint(plane, runtime, qualifierOf(placement))),
      within(learnContract(async () => plane, placement, runtime)).catch((error: unknown) => error),
    ]);
    if (!seen)
      return {
        known: {},
        checks: [fail("runtime", `there is no runtime ${runtime.arn}; check its account and region`)],
      };
    const { known, checks } = outcomeOf(learned);
    const isOurs = known.contract !== undefined && !isContractLess({ ...placement, providerRefs: known });
    return {
      known,
      checks: [
        readiness("runtime", "runtime", seen),
        readiness("endpoint", `endpoint ${qualifierOf(placement)}`, endpoint),
        protocol(placement, seen, isOurs),
        metadataService(seen),
        ...checks,
      ],
    };
  } catch (error) {
    return { known: {}, checks: [fail("runtime", reasonOf(error))] };
  }
}

/** What could not be learned is said where the configuration may still tell it. */
function outcomeOf(learned: Known | unknown): { known: Partial<Known>; checks: Check[] } {
  if (!(learned instanceof Error)) return { known: learned as Known, checks: [] };
  const tell = learned instanceof RefusedError ? fail : warn;
  return { known: {}, checks: [tell("contract", reasonOf(learned))] };
}

type Seen = { status?: string | undefined; failureReason?: string | undefined } | undefined;

function readiness(name: string, what: string, seen: Seen): Check {
  if (!seen) return fail(name, `the runtime has no ${what}; check target.details.qualifier`);
  const { status, failureReason } = seen;
  if (status === "READY") return pass(name, `the ${what} is READY`);
  return fail(name, `the ${what} is ${status}${failureReason ? `: ${failureReason}` : ""}`);
}

/** A runtime without our contract is called in what it speaks. */
function protocol(placement: Placement, { protocolConfiguration }: GetAgentRuntimeResponse, isOurs: boolean): Check {
  const spoken = protocolConfiguration?.serverProtocol ?? "HTTP";
  const wanted = serverProtocolOf(placement);
  if (spoken === wanted || !isOurs) return pass("protocol", `the runtime speaks ${spoken}`);
  return fail("protocol", `the runtime speaks ${spoken}, not ${wanted}; set target.protocol to what it speaks`);
}

/** https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-troubleshooting.html */
function metadataService({ metadataConfiguration }: GetAgentRuntimeResponse): Check {
  if (metadataConfiguration?.requireMMDSV2 === true) return pass("mmdsv2", "the runtime requires MMDSv2");
  if (metadataConfiguration?.requireMMDSV2 === false)
    return fail("mmdsv2", "AgentCore invokes no runtime without MMDSv2; update it with requireMMDSV2 = true");
  return warn("mmdsv2", "AgentCore does not say whether the runtime requires MMDSv2, which invoking it needs");
}
