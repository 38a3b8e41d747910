import { A2A_PROTOCOL_VERSION, AgentCard } from "@a2a-js/sdk";
import { duplicateInterfacesForLegacy } from "@a2a-js/sdk/compat/v0_3";
import { version } from "../../version.ts";

const BINDING = "JSONRPC";
const LEGACY_VERSION = "0.3";

/** What the agent is, and that it is reached at `url`, in both versions of the protocol. */
export function agentCard(url: string): AgentCard {
  const served = [{ url, protocolBinding: BINDING, tenant: "", protocolVersion: A2A_PROTOCOL_VERSION }];
  return {
    name: "AgentDispatch worker",
    description:
      "Runs an agent on what a message asks for, in a session of its own, and gives back its answer and files.",
    version,
    supportedInterfaces: duplicateInterfacesForLegacy(served, [BINDING]),
    provider: undefined,
    capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: ["text/plain", "application/json"],
    defaultOutputModes: ["text/plain", "application/json"],
    skills: [
      {
        id: "run",
        name: "Run a task",
        description: "Works on an instruction until it is done, and asks where it needs to.",
        tags: ["agent"],
        examples: [],
        inputModes: [],
        outputModes: [],
        securityRequirements: [],
      },
    ],
    documentationUrl: "",
    iconUrl: "",
    signatures: [],
  };
}

/**
 * The card as it travels: for a client that names no version, which is one of 0.3 or cannot send the header, with what 0.3
 * wants besides. https://a2a-protocol.org/v0.3.0/specification/#55-agentcard-object-structure
 */
export function cardJson(card: AgentCard, requested: string | undefined): unknown {
  const json = AgentCard.toJSON(card) as object;
  if (requested !== undefined && requested !== LEGACY_VERSION) return json;
  const { url } = card.supportedInterfaces[0] ?? { url: "" };
  const { extendedAgentCard: _, ...capabilities } = { ...card.capabilities };
  return { ...json, url, preferredTransport: BINDING, protocolVersion: LEGACY_VERSION, capabilities };
}
