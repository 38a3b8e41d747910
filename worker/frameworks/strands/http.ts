import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { type Tool, tool } from "@strands-agents/sdk";
import * as z from "zod";

const USUAL_SECONDS = 30;
/** What of an answer a model is shown, in characters. */
const KEPT = 100_000;
const MAX_REDIRECTS = 5;

const input = z.object({
  method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).default("GET"),
  url: z.url({ protocol: /^https?$/ }),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.string().optional(),
  timeoutSeconds: z.number().positive().max(600).optional().describe(`Default ${USUAL_SECONDS}.`),
});

/** Where a machine tells who it is: the credentials of its role are to be had there by whoever asks. */
const metadata = new BlockList();
metadata.addSubnet("169.254.0.0", 16, "ipv4");
metadata.addSubnet("fe80::", 10, "ipv6");
metadata.addAddress("fd00:ec2::254", "ipv6");

/** Asks web addresses; those by which a machine gives out its own credentials are refused. */
export const httpTool: Tool = tool({
  name: "http",
  description: "Sends an HTTP request, and answers with status, headers and the beginning of the body.",
  inputSchema: input,
  callback: async ({ timeoutSeconds = USUAL_SECONDS, ...request }, context) => {
    const limits = [AbortSignal.timeout(timeoutSeconds * 1000), context?.cancelSignal].filter(
      (one) => one !== undefined,
    );
    const response = await ask(request, AbortSignal.any(limits));
    const headers = Object.fromEntries(response.headers);
    return { status: response.status, url: response.url, headers, ...(await beginningOf(response)) };
  },
});

type Request = Omit<z.infer<typeof input>, "timeoutSeconds">;

/** Follows redirections itself, so that each address is looked at. */
async function ask({ url, ...request }: Request, signal: AbortSignal, redirects = 0): Promise<Response> {
  await refuseMetadata(new URL(url));
  const { method, headers, body } = request;
  const init = {
    method,
    signal,
    redirect: "manual" as const,
    ...(headers && { headers }),
    ...(body !== undefined && { body }),
  };
  const response = await fetch(url, init);
  const to = response.headers.get("location");
  if (to === null || ![301, 302, 303, 307, 308].includes(response.status)) return response;
  await response.body?.cancel();
  if (redirects === MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirections`);
  const next = new URL(to, url);
  const isSameOrigin = next.origin === new URL(url).origin;
  const isAsked = response.status >= 307 || method === "GET" || method === "HEAD";
  return ask(
    {
      method: isAsked ? method : "GET",
      url: next.href,
      // What was meant for one host, a key perhaps, is not for another.
      ...(isSameOrigin && headers && { headers }),
      ...(isAsked && body !== undefined && { body }),
    },
    signal,
    redirects + 1,
  );
}

async function refuseMetadata({ hostname }: URL): Promise<void> {
  const host = hostname.replace(/^\[|\]$/g, "");
  const found = isIP(host) ? [{ address: host, family: isIP(host) }] : await lookup(host, { all: true });
  if (found.some(({ address, family }) => metadata.check(address, family === 6 ? "ipv6" : "ipv4")))
    throw new Error(`${hostname} is an address of the machine's own services, which agents may not ask`);
}

async function beginningOf(response: Response): Promise<{ body: string; truncated?: true }> {
  let body = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    body += decoder.decode(chunk, { stream: true });
    // The rest is not even fetched: leaving the loop cancels it.
    if (body.length > KEPT) return { body: body.slice(0, KEPT).toWellFormed(), truncated: true };
  }
  return { body: body + decoder.decode() };
}
