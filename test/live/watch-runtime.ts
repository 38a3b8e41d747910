import { setTimeout as pause } from "node:timers/promises";
import {
  BedrockAgentCoreControlClient,
  GetAgentRuntimeCommand,
  GetAgentRuntimeEndpointCommand,
} from "@aws-sdk/client-bedrock-agentcore-control";

const LOOK_MS = 1000;
/** A deletion takes minutes. */
const MOST_MS = 15 * 60_000;

/**
 * Looks at a runtime until it is gone; resolves with the seconds after which it was seen ready, its endpoint ready, and gone,
 * from when this began. Whoever may not look hears that in place of the figures.
 */
export async function watchRuntime(arn: string): Promise<Record<string, number | string>> {
  const [, , , region = ""] = arn.split(":");
  const agentRuntimeId = arn.split("/")[1] ?? "";
  const client = new BedrockAgentCoreControlClient({ region });
  const startedAtMs = performance.now();
  const seen: Record<string, number> = {};
  const note = (name: string) => {
    seen[name] ??= (performance.now() - startedAtMs) / 1000;
  };
  try {
    while (performance.now() - startedAtMs < MOST_MS) {
      const { status } = await client.send(new GetAgentRuntimeCommand({ agentRuntimeId }));
      if (status === "READY") note("noted to ready");
      if (status === "DELETING") note("noted to its deletion begun");
      if (status === "READY" && seen["noted to its endpoint ready"] === undefined) {
        const endpoint = new GetAgentRuntimeEndpointCommand({ agentRuntimeId, endpointName: "DEFAULT" });
        const { status: ofEndpoint } = await client.send(endpoint).catch(() => ({ status: undefined }));
        if (ofEndpoint === "READY") note("noted to its endpoint ready");
      }
      await pause(LOOK_MS);
    }
    return { ...seen, "noted to gone": `not within ${MOST_MS / 60_000} minutes` };
  } catch (error) {
    const name = error instanceof Error ? error.name : String(error);
    if (name !== "ResourceNotFoundException") return { ...seen, "noted to gone": `could not be seen: ${name}` };
    note("noted to gone");
    return seen;
  } finally {
    client.destroy();
  }
}
