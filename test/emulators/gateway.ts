import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { buffer } from "node:stream/consumers";
import { type Caller, newCaller, REGION, SERVICE } from "../aws/callers.ts";
import { listen } from "./requests/listen.ts";
import { type Flaw, flawOf } from "./requests/signature.ts";

/** What API Gateway says of a signature: the type of the error, and its text. */
type Said = readonly [type: string, message: string];

type Options = {
  /** Where a request goes on to that may pass, and what opens that. */
  behind: { url: string; token?: string };
  region?: string;
  service?: string;
  /** Its certificate and key, when it speaks TLS. */
  tls?: { cert: Buffer; key: Buffer };
  /** What its clock says. */
  nowMs?: () => number;
};

/** When a caller may not, or no longer. */
type Standing = "admitted" | "expired" | "not-allowed" | "denied";

/**
 * A REST API of API Gateway with IAM as its authorizer, in front of any endpoint: each request has to be signed by a caller
 * that it knows, and what is refused is refused in the gateway's own words.
 *
 * Left out: policies (a caller is admitted or not), usage plans, stages besides `live`, limits of payloads and of times.
 * https://repost.aws/knowledge-center/api-gateway-iam-sigv4-mismatch has the texts of signatures,
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html the types.
 */
export async function openGateway({ behind, region = REGION, service = SERVICE, tls, nowMs = Date.now }: Options) {
  const callers = new Map<string, { caller: Caller; standing: Standing }>();
  const refused: Record<string, number> = {};
  const path = "/live/mcp";
  let passed = 0;
  let open = 0;
  let failing: { status: number; message: string; headers: Record<string, string> }[] = [];

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const refuse = (status: number, [type, message]: Said, key = "message", headers: Record<string, string> = {}) => {
      refused[type] = (refused[type] ?? 0) + 1;
      const said = {
        "content-type": "application/json",
        "x-amzn-errortype": type,
        "x-amzn-requestid": "0",
        ...headers,
      };
      response.writeHead(status, said).end(JSON.stringify({ [key]: message }));
    };
    const failure = failing.shift();
    if (failure)
      return refuse(failure.status, ["InternalServerErrorException", failure.message], "message", failure.headers);
    const [asked] = (incoming.url ?? "").split("?");
    if (asked !== path || incoming.method !== "POST") return refuse(403, missing);
    const identities = Object.fromEntries([...callers].map(([id, { caller }]) => [id, caller.secretAccessKey]));
    const flaw = await flawOf(incoming, body, { service, region, identities, nowMs: nowMs() });
    if (flaw) return refuse(403, ofFlaw(flaw, incoming, { region, service, nowMs: nowMs() }));
    const [, keyId = ""] = /Credential=([^/]+)/.exec(incoming.headers.authorization ?? "") ?? [];
    const { caller, standing } = callers.get(keyId) ?? {};
    if (standing === "expired")
      return refuse(403, ["ExpiredTokenException", "The security token included in the request is expired"]);
    if (standing !== "admitted" || !caller) {
      // Only the last digits of the account are shown, and the field has a capital letter, unlike in the other texts.
      const resource = `arn:aws:execute-api:${region}:********9012:api1234567/live/POST/mcp`;
      const why =
        standing === "denied"
          ? "with an explicit deny"
          : "because no identity-based policy allows the execute-api:Invoke action";
      const text = `User: ${caller?.userArn} is not authorized to perform: execute-api:Invoke on resource: ${resource} ${why}`;
      return refuse(403, ["AccessDeniedException", text], "Message");
    }
    passed += 1;
    open += 1;
    response.once("close", () => (open -= 1));
    await pass(incoming, body, response);
  }

  function pass(incoming: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { authorization: _, connection: __, host: ___, ...headers } = incoming.headers;
    const opening = behind.token === undefined ? {} : { authorization: `Bearer ${behind.token}` };
    return new Promise((resolve, reject) => {
      const to = request(
        behind.url,
        { method: "POST", headers: { ...headers, ...opening }, agent: false },
        (answered) => {
          response.writeHead(answered.statusCode ?? 502, answered.headers).flushHeaders();
          answered.pipe(response);
          answered.once("error", () => response.destroy());
          response.once("close", resolve);
        },
      );
      to.once("error", reject);
      response.once("close", () => to.destroy());
      to.end(body);
    });
  }

  const serve = (incoming: IncomingMessage, response: ServerResponse) => {
    answer(incoming, response).catch(() => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { "content-type": "application/json" }).end('{"message": "Internal server error"}');
    });
  };
  const { endpoint, close } = await listen(tls ? createTlsServer(tls, serve) : createServer(serve));
  return {
    url: `${tls ? endpoint.replace("http://127.0.0.1", "https://localhost") : endpoint}${path}`,
    region,
    /** How many requests came through, and how many were refused, by the type of the error. */
    passed: () => passed,
    refused,
    /** How many that came through are being answered. */
    open: () => open,
    /** A caller with an access key that it knows. */
    admit(standing: Standing = "admitted", userArn?: string): Caller {
      const caller = newCaller(userArn);
      callers.set(caller.accessKeyId, { caller, standing });
      return caller;
    },
    /** Changes what a caller may. */
    set(accessKeyId: string, standing: Standing): void {
      const known = callers.get(accessKeyId);
      if (known) known.standing = standing;
    },
    /** A caller whose keys somebody else made. */
    know(accessKeyId: string, secretAccessKey: string, standing: Standing = "admitted"): void {
      callers.set(accessKeyId, { caller: { ...newCaller(), accessKeyId, secretAccessKey }, standing });
    },
    /** Answers the next requests so, whoever sends them. */
    fail(...next: { status: number; message: string; headers?: Record<string, string> }[]): void {
      failing = next.map((failure) => ({ headers: {}, ...failure }));
    },
    close,
  };
}

const missing: Said = ["MissingAuthenticationTokenException", "Missing Authentication Token"];

type Expected = { region: string; service: string; nowMs: number };

function ofFlaw(flaw: Flaw, { headers }: IncomingMessage, { region, service, nowMs }: Expected): Said {
  const date = String(headers["x-amz-date"]);
  const stamp = (timeMs: number) => new Date(timeMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  switch (flaw) {
    case "missing":
      return missing;
    case "malformed":
      return ["IncompleteSignatureException", "Authorization header requires 'Credential' parameter."];
    case "unknown_key":
      return ["UnrecognizedClientException", "The security token included in the request is invalid."];
    case "wrong_scope": {
      const [, , signedRegion, signedService] = (
        /Credential=([^,]+)/.exec(headers.authorization ?? "")?.[1] ?? ""
      ).split("/");
      const wrong = [
        signedRegion === region ? "" : `Credential should be scoped to a valid region, not '${signedRegion}'. `,
        signedService === service ? "" : `Credential should be scoped to correct service: '${service}'. `,
      ];
      return ["InvalidSignatureException", wrong.join("")];
    }
    case "skewed": {
      const isEarly = date < stamp(nowMs);
      const bound = stamp(nowMs + (isEarly ? -5 : 5) * 60_000);
      return [
        "InvalidSignatureException",
        isEarly
          ? `Signature expired: ${date} is now earlier than ${bound} (${stamp(nowMs)} - 5 min.)`
          : `Signature not yet current: ${date} is still later than ${bound} (${stamp(nowMs)} + 5 min.)`,
      ];
    }
    default:
      return [
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " +
          "and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request " +
          `should have been\n'POST\n/live/mcp\n\n${Object.entries(headers)
            .map((line) => line.join(":"))
            .join("\n")}'\n`,
      ];
  }
}
