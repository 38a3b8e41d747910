import type { GetAgentRuntimeResponse } from "@aws-sdk/client-bedrock-agentcore-control";
import type { Check, Placement } from "../../domain/ports.ts";
import { fail, pass, reasonOf, type Within, warn } from "./checks.ts";
import type { Clients } from "./clients.ts";
import { getRuntime } from "./known-runtimes.ts";
import { type RuntimeRef, serverProtocolOf } from "./place.ts";

/** Whether a runtime that exists can be invoked as the target wants it. */
export async function runtimeChecks(
  clients: Clients,
  placement: Placement,
  runtime: RuntimeRef,
  within: Within,
): Promise<Check[]> {
  try {
    const seen = await within(clients.controlPlane(runtime.region).then((plane) => getRuntime(plane, runtime)));
    if (!seen) return [fail("runtime", `there is no runtime ${runtime.arn}; check its account and region`)];
    return [readiness(seen), protocol(placement, seen), metadataService(seen)];
  } catch (error) {
    return [fail("runtime", reasonOf(error))];
  }
}

function readiness({ status, failureReason }: GetAgentRuntimeResponse): Check {
  if (status === "READY") return pass("runtime", "the runtime is READY");
  return fail("runtime", `the runtime is ${status}${failureReason ? `: ${failureReason}` : ""}`);
}

function protocol(placement: Placement, { protocolConfiguration }: GetAgentRuntimeResponse): Check {
  const spoken = protocolConfiguration?.serverProtocol ?? "HTTP";
  const wanted = serverProtocolOf(placement);
  if (spoken === wanted) return pass("protocol", `the runtime speaks ${spoken}`);
  return fail("protocol", `the runtime speaks ${spoken}, not ${wanted}; set target.protocol to what it speaks`);
}

/** https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-troubleshooting.html */
function metadataService({ metadataConfiguration }: GetAgentRuntimeResponse): Check {
  if (metadataConfiguration?.requireMMDSV2 === true) return pass("mmdsv2", "the runtime requires MMDSv2");
  if (metadataConfiguration?.requireMMDSV2 === false)
    return fail("mmdsv2", "AgentCore invokes no runtime without MMDSv2; update it with requireMMDSV2 = true");
  return warn("mmdsv2", "AgentCore does not say whether the runtime requires MMDSv2, which invoking it needs");
}
