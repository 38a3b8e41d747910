import type { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore";
import type { BedrockAgentCoreControlClient } from "@aws-sdk/client-bedrock-agentcore-control";

/** The SDK's module and one client per way of sending. */
export type DataPlane = typeof import("@aws-sdk/client-bedrock-agentcore") & {
  /** Sends once: an invocation that is repeated may run twice. */
  once: BedrockAgentCoreClient;
  /** Sends again after throttling, conflicts and cut connections. */
  patient: BedrockAgentCoreClient;
};
export type ControlPlane = typeof import("@aws-sdk/client-bedrock-agentcore-control") & {
  client: BedrockAgentCoreControlClient;
};

export type ClientOptions = {
  /** For a stand-in; without it the environment says where AWS is, as for every AWS SDK. */
  endpoint?: string;
};

const CONNECT_MS = 5000;
const CONTROL_MS = 20_000;
/** A streamed answer may last an hour: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html */
const STREAM_MS = 3_600_000;

const agentOptions = { connectionTimeout: CONNECT_MS };

/** Clients by region; SDK and credentials are loaded where they are first needed. Credentials come from the SDK's chain. */
export function openClients({ endpoint }: ClientOptions) {
  const data = new Map<string, Promise<DataPlane>>();
  const control = new Map<string, Promise<ControlPlane>>();
  const at = (region: string) => ({ region, ...(endpoint !== undefined && { endpoint }) });

  async function openData(region: string): Promise<DataPlane> {
    const sdk = await import("@aws-sdk/client-bedrock-agentcore");
    const client = (maxAttempts: number, requestTimeout: number) =>
      new sdk.BedrockAgentCoreClient({
        ...at(region),
        maxAttempts,
        retryMode: "standard",
        requestHandler: { ...agentOptions, requestTimeout, throwOnRequestTimeout: true },
      });
    return { ...sdk, once: client(1, STREAM_MS), patient: client(5, CONTROL_MS) };
  }

  async function openControl(region: string): Promise<ControlPlane> {
    const sdk = await import("@aws-sdk/client-bedrock-agentcore-control");
    const client = new sdk.BedrockAgentCoreControlClient({
      ...at(region),
      maxAttempts: 4,
      retryMode: "standard",
      requestHandler: { ...agentOptions, requestTimeout: CONTROL_MS, throwOnRequestTimeout: true },
    });
    return { ...sdk, client };
  }

  return {
    dataPlane: (region: string) => remembered(data, region, openData),
    controlPlane: (region: string) => remembered(control, region, openControl),
  };
}
export type Clients = ReturnType<typeof openClients>;

/** What was opened for a region, or is being opened; a failure is not remembered. */
function remembered<T>(
  opened: Map<string, Promise<T>>,
  region: string,
  open: (region: string) => Promise<T>,
): Promise<T> {
  const known = opened.get(region);
  if (known) return known;
  const opening = open(region);
  opened.set(region, opening);
  opening.catch(() => opened.delete(region));
  return opening;
}
