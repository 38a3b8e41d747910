import { SignatureV4 } from "@smithy/signature-v4";
import { Sha256 } from "../requests/sha256.ts";
import { credentials, type Emulator, REGION } from "./emulator.ts";

/**
 * Fetches from AgentCore's own address as somebody of the account does, with each request signed, and reaches the emulator.
 * Throws for any other address.
 */
export function signedFetch({ endpoint }: Emulator): typeof fetch {
  const signer = new SignatureV4({ credentials, region: REGION, service: "bedrock-agentcore", sha256: Sha256 });
  return async (input, init = {}) => {
    const request = new Request(input instanceof Request ? input : input.toString(), init);
    const wanted = new URL(request.url);
    if (wanted.origin !== `https://bedrock-agentcore.${REGION}.amazonaws.com`)
      throw new Error(`${wanted.origin} is not AgentCore`);
    const url = new URL(wanted.pathname + wanted.search, endpoint);
    const body = request.method === "GET" ? undefined : await request.text();
    const { headers } = await signer.sign({
      method: request.method,
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...Object.fromEntries(request.headers), host: url.host },
      ...(body !== undefined && { body }),
    });
    const { host: _, ...signed } = headers;
    const { method, signal } = request;
    return fetch(url, { method, headers: signed, signal, ...(body !== undefined && { body }) });
  };
}
