import type { Protocol as ProtocolName } from "../../../contract/kinds.ts";
import type { JobEnd } from "../../adapter.ts";
import { checkLast, untilDelivered } from "../delivery.ts";
import { detail, protocolOf } from "../place.ts";
import { invocationOf } from "../session.ts";
import type { ContractLessCall } from "./call.ts";
import { explainCall } from "./failure.ts";
import type { Exchange, Protocol } from "./protocols/protocol.ts";

/** Each is loaded when it is spoken. */
const protocols: Record<ProtocolName, () => Promise<Protocol>> = {
  http: async () => (await import("./protocols/http.ts")).http,
  a2a: async () => (await import("./protocols/a2a.ts")).a2a,
  "ag-ui": async () => (await import("./protocols/ag-ui.ts")).agUi,
  mcp: async () => (await import("./protocols/mcp.ts")).mcp,
};

/**
 * Asks an agent that does not know the worker contract, once, in its own protocol. An outcome that is not known is
 * `worker.lost`.
 */
export async function askAgent(call: ContractLessCall): Promise<JobEnd> {
  const { clients, task, runtime, job, signal, log, ask, maxSeconds, isTooEarly, beforeSend } = call;
  try {
    const { once, InvokeAgentRuntimeCommand } = await clients.dataPlane(runtime.region);
    const invoke: Exchange["invoke"] = async (body, options) => {
      const command = new InvokeAgentRuntimeCommand({ ...invocationOf(task, runtime, body), ...options });
      checkLast(command, beforeSend);
      const send = () => once.send(command, { abortSignal: signal });
      const { response, contentType, statusCode = 200 } = await untilDelivered(send, signal, isTooEarly);
      return { body: response, contentType, statusCode };
    };
    const speak = await protocols[protocolOf(task)]();
    return await speak({ job, tool: detail(task, "tool"), maxSeconds, signal, log, ask, invoke });
  } catch (error) {
    throw explainCall(error, call, "InvokeAgentRuntime");
  }
}
