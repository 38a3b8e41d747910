import type {
  AgentRuntime,
  GetAgentRuntimeEndpointResponse,
  GetAgentRuntimeResponse,
} from "@aws-sdk/client-bedrock-agentcore-control";
import type { ControlPlane } from "./account/clients.ts";
import { explain, isDenied, isNotFound } from "./problems.ts";
import { isOfTasks, parseRuntimeArn, type RuntimeRef } from "./resources.ts";

/**
 * What AgentCore knows of a runtime; undefined when it does not exist. A service may deny what is not there instead of not
 * finding it: for a runtime made for a task, which is in the account that is asked, its list decides then. Throws
 * DispatchError.
 */
export async function getRuntime(
  plane: ControlPlane,
  runtime: RuntimeRef,
): Promise<GetAgentRuntimeResponse | undefined> {
  const { client, GetAgentRuntimeCommand } = plane;
  const { id } = runtime;
  try {
    return await client.send(new GetAgentRuntimeCommand({ agentRuntimeId: id }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (isDenied(error) && isOfTasks(runtime) && (await isUnlisted(plane, id))) return undefined;
    throw explain(error, { action: "GetAgentRuntime", runtimeId: id });
  }
}

/** An endpoint of a runtime; undefined when it does not exist. Throws DispatchError. */
export async function getEndpoint(
  { client, GetAgentRuntimeEndpointCommand }: ControlPlane,
  { id }: RuntimeRef,
  endpointName: string,
): Promise<GetAgentRuntimeEndpointResponse | undefined> {
  try {
    return await client.send(new GetAgentRuntimeEndpointCommand({ agentRuntimeId: id, endpointName }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw explain(error, { action: "GetAgentRuntimeEndpoint", runtimeId: id });
  }
}

const isUnlisted = (plane: ControlPlane, id: string): Promise<boolean> =>
  find(plane, ({ agentRuntimeId }) => agentRuntimeId === id).then(
    (found) => found === undefined,
    () => false,
  );

/** The account's runtime of that name in this region, if there is one. Throws DispatchError. */
export async function findRuntime(plane: ControlPlane, name: string): Promise<RuntimeRef | undefined> {
  return parseRuntimeArn((await find(plane, ({ agentRuntimeName }) => agentRuntimeName === name))?.agentRuntimeArn);
}

/** Every runtime of the account in this region, a page after the other. Throws DispatchError. */
export async function* listRuntimes({ client, paginateListAgentRuntimes }: ControlPlane): AsyncGenerator<AgentRuntime> {
  try {
    for await (const { agentRuntimes = [] } of paginateListAgentRuntimes({ client, pageSize: 100 }, {}))
      yield* agentRuntimes;
  } catch (error) {
    throw explain(error, { action: "ListAgentRuntimes" });
  }
}

async function find(plane: ControlPlane, fits: (runtime: AgentRuntime) => boolean): Promise<AgentRuntime | undefined> {
  for await (const runtime of listRuntimes(plane)) if (fits(runtime)) return runtime;
  return undefined;
}
