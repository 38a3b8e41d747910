import type { Json, Task } from "../../contract/task.ts";
import { protocolOf, qualifierOf, runtimeOf, serverProtocolOf } from "./place.ts";
import type { RuntimeRef } from "./resources.ts";
import { sessionIdOf } from "./session-id.ts";

/** https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html */
const dnsSuffixes: Readonly<Record<string, string>> = { aws: "amazonaws.com", "aws-cn": "amazonaws.com.cn" };

const CARD_PATH = "/.well-known/agent-card.json";

/** Where a runtime is invoked over HTTPS. */
const runtimeUrlOf = ({ arn, partition, region }: RuntimeRef): string =>
  `https://bedrock-agentcore.${region}.${dnsSuffixes[partition] ?? "amazonaws.com"}/runtimes/${encodeURIComponent(arn)}/invocations/`;

/** The session's address on AWS, as the task's record shows it. */
export function providerRefsOf(task: Task, runtime: RuntimeRef): Record<string, string> {
  return {
    region: runtime.region,
    runtimeArn: runtime.arn,
    runtimeSessionId: sessionIdOf(task),
    qualifier: qualifierOf(task),
    protocol: protocolOf(task),
    serverProtocol: serverProtocolOf(task),
    runtimeUrl: runtimeUrlOf(runtime),
  };
}

/** How to talk to the agent directly; undefined until its runtime is known. */
export function cloudAgentOf(task: Task): Json | undefined {
  const runtime = runtimeOf(task);
  if (!runtime) return undefined;
  const providerRefs = providerRefsOf(task, runtime);
  const { runtimeUrl, qualifier, runtimeSessionId } = providerRefs;
  const protocol = protocolOf(task);
  const payloadFormat = protocol === "a2a" ? "a2a.jsonrpc.message-send" : "agentdispatch.runtime-envelope";
  const header = {
    // https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-sessions.html
    sessionHeaderName: protocol === "mcp" ? "Mcp-Session-Id" : "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id",
    sessionHeaderValue: runtimeSessionId,
  };
  const { framework, model, runtime_tools: tools } = task.input;
  return {
    protocol,
    provider: task.provider,
    backend: task.backend,
    accountProfile: task.accountProfile,
    sessionId: runtimeSessionId,
    ...(framework !== undefined && { framework }),
    ...(model !== undefined && { model }),
    ...(tools !== undefined && { tools }),
    providerRefs,
    invocation: {
      type: "aws.agentcore.invoke_agent_runtime",
      runtimeUrl,
      agentRuntimeArn: runtime.arn,
      qualifier,
      runtimeSessionId,
      ...header,
      contentType: "application/json",
      accept: "application/json, text/event-stream",
      payloadFormat,
    },
    ...(protocol === "a2a" && {
      a2a: {
        transport: "json-rpc-2.0-http",
        messageMethod: "message/send",
        agentCardPath: CARD_PATH,
        agentCardOperation: "GetAgentCard",
        payloadFormat,
        endpointUrl: runtimeUrl,
        agentCardUrl: `${runtimeUrl}${CARD_PATH.slice(1)}`,
        ...header,
      },
    }),
  };
}
