import type { IncomingMessage } from "node:http";

/** What each holder of a session token has asked services for: IAM actions by token. Tokens of tests name who uses them. */
export const witnessed = new Map<string, Set<string>>();

/** Notes a request whose signature was right. */
export function witness(request: IncomingMessage, query: Record<string, string>, service: string): void {
  const token = request.headers["x-amz-security-token"] ?? query["X-Amz-Security-Token"];
  if (typeof token !== "string") return;
  const actions = witnessed.get(token) ?? new Set();
  witnessed.set(token, actions.add(`${service}:${actionOf(request, service)}`));
}

function actionOf({ method = "", url = "", headers }: IncomingMessage, service: string): string {
  const target = String(headers["x-amz-target"] ?? "");
  if (target) return target.slice(target.indexOf(".") + 1);
  const [, root, ...rest] = new URL(url, "http://emulator").pathname.split("/");
  if (service === "s3") return s3Action(method, rest.join("/"));
  if (service === "bedrock") return bedrockAction(root);
  if (root === "tags") return "ListTagsForResource";
  return agentCoreAction(method, rest);
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */
function s3Action(method: string, key: string): string {
  if (method === "PUT") return "PutObject";
  return key === "" ? "ListBucket" : "GetObject";
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html */
function bedrockAction(root = ""): string {
  if (root === "inference-profiles") return "GetInferenceProfile";
  return root === "foundation-model-availability" ? "GetFoundationModelAvailability" : "GetUseCaseForModelAccess";
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrockagentcore.html */
function agentCoreAction(method: string, [id, operation]: string[]): string {
  if (operation === "invocations") return "InvokeAgentRuntime";
  if (operation === "commands") return "InvokeAgentRuntimeCommand";
  if (operation === "stopruntimesession") return "StopRuntimeSession";
  if (operation === "runtime-endpoints") return "GetAgentRuntimeEndpoint";
  if (!id) return method === "PUT" ? "CreateAgentRuntime" : "ListAgentRuntimes";
  return method === "DELETE" ? "DeleteAgentRuntime" : "GetAgentRuntime";
}
