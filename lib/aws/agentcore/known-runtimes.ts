import type { GetAgentRuntimeResponse } from "@aws-sdk/client-bedrock-agentcore-control";
import type { ControlPlane } from "./clients.ts";
import { parseRuntimeArn, type RuntimeRef } from "./place.ts";
import { explain, isNotFound } from "./problems.ts";

/** What AgentCore knows of a runtime; undefined when it does not exist. Throws DispatchError. */
export async function getRuntime(
  { client, GetAgentRuntimeCommand }: ControlPlane,
  { id }: RuntimeRef,
): Promise<GetAgentRuntimeResponse | undefined> {
  try {
    return await client.send(new GetAgentRuntimeCommand({ agentRuntimeId: id }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw explain(error, { action: "GetAgentRuntime", runtimeId: id });
  }
}

/** The account's runtime of that name in this region, if there is one. Throws DispatchError. */
export async function findRuntime(plane: ControlPlane, name: string): Promise<RuntimeRef | undefined> {
  const { client, paginateListAgentRuntimes } = plane;
  try {
    for await (const { agentRuntimes = [] } of paginateListAgentRuntimes({ client, pageSize: 100 }, {})) {
      const found = agentRuntimes.find(({ agentRuntimeName }) => agentRuntimeName === name);
      if (found) return parseRuntimeArn(found.agentRuntimeArn);
    }
    return undefined;
  } catch (error) {
    throw explain(error, { action: "ListAgentRuntimes" });
  }
}
