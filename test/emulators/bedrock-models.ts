import { createServer, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { Faults } from "./requests/faults.ts";
import { listen } from "./requests/listen.ts";
import { flawOf, type Identities } from "./requests/signature.ts";

type Access = { authorization: "AUTHORIZED" | "NOT_AUTHORIZED"; agreement: "AVAILABLE" | "NOT_AVAILABLE" };

/**
 * What Bedrock says of an account's access to models, without a request to one: profiles, access, the use case for models
 * of Anthropic. On a free port of this machine.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock.html
 *
 * Left out: every other operation, application inference profiles, and most fields of the answers. How the service words the
 * access of an account that has not used a model yet was not measured.
 */
export async function startBedrockModels({ region, identities }: { region: string; identities: Identities }) {
  const profiles = new Set(["global.anthropic.claude-sonnet-5"]);
  /** By model; one that is not here is not known to the service. */
  const access: Record<string, Access> = {
    "anthropic.claude-sonnet-5": { authorization: "AUTHORIZED", agreement: "AVAILABLE" },
  };
  const account = { hasUseCase: true };
  const faults = new Faults();

  function answerTo(path: string): { status: number; body: object; error?: string } {
    const [, operation = "", ...rest] = path.split("/").map(decodeURIComponent);
    const missing = { status: 404, error: "ResourceNotFoundException", body: { message: `there is none: ${path}` } };
    const name = rest.join("/");
    if (operation === "inference-profiles")
      return profiles.has(name) ? { status: 200, body: { inferenceProfileId: name, status: "ACTIVE" } } : missing;
    if (operation === "use-case-for-model-access")
      return account.hasUseCase ? { status: 200, body: { formData: "e30=" } } : missing;
    const found = access[name];
    if (operation !== "foundation-model-availability" || !found) return missing;
    const body = {
      modelId: name,
      authorizationStatus: found.authorization,
      entitlementAvailability: found.agreement,
      agreementAvailability: { status: found.agreement },
      regionAvailability: "AVAILABLE",
    };
    return { status: 200, body };
  }

  async function answer(request: IncomingMessage): Promise<ReturnType<typeof answerTo>> {
    const body = await buffer(request);
    const fault = faults.take(request.url ?? "");
    if (fault && "code" in fault) return { status: fault.status, error: fault.code, body: { message: fault.code } };
    const flaw = await flawOf(request, body, { service: "bedrock", region, identities, nowMs: Date.now() });
    if (flaw) return { status: 403, error: "InvalidSignatureException", body: { message: flaw } };
    return answerTo(request.url ?? "/");
  }

  const server = createServer(async (request, response) => {
    const { status, error, body } = await answer(request);
    response.writeHead(status, { "content-type": "application/json", ...(error && { "x-amzn-errortype": error }) });
    response.end(JSON.stringify(body));
  });
  return { ...(await listen(server)), profiles, access, account, faults };
}
