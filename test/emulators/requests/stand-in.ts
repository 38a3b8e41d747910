import { createServer, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { Faults } from "./faults.ts";
import { listen } from "./listen.ts";
import { type Flaw, flawOf, type Identities } from "./signature.ts";

/** A request whose signature is right: what is asked, by whom. */
export type Asked = { operation: string; body: Buffer; accessKeyId: string };
/** What a service answers; an error is named by its code. */
export type Answer = { status: number; body: string } | { status: number; code: string; message: string };

type Service = {
  /** As requests are signed for it. */
  name: string;
  region: string;
  identities: Identities;
  contentType: string;
  operationOf: (request: IncomingMessage, body: Buffer) => string;
  errorBody: (code: string, message: string) => string;
  answer: (asked: Asked) => Answer;
};

/** Ends with the last test that uses it. */
export type StandIn = { endpoint: string; faults: Faults; close(): Promise<void> };

/** The same for whoever is in the same process: no connection, no signature, and no failure on demand. */
export type InProcess = { operationOf: Service["operationOf"]; serve(operation: string, body: Buffer): Served };
export type Served = { status: number; contentType: string; body: string };

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html */
const flawAnswers: Readonly<Partial<Record<Flaw, string>>> = {
  missing: "MissingAuthenticationToken",
  malformed: "IncompleteSignature",
  unknown_key: "UnrecognizedClientException",
};

/**
 * A service on a free port of this machine that takes POST requests to `/`. Signatures are checked as the service does;
 * `faults` fails requests on demand, and `hang` among them leaves them without an answer.
 */
export async function startStandIn(service: Service): Promise<StandIn & InProcess & { hang: Set<string> }> {
  const faults = new Faults();
  const hang = new Set<string>();
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const operation = service.operationOf(request, body);
    const fault = faults.take(operation);
    if (hang.has(operation)) return;
    if (fault && "cut" in fault) return void request.socket.destroy();
    const answer = fault ? { ...fault, message: fault.code } : await answerTo(request, body, operation);
    response.writeHead(answer.status, { "content-type": service.contentType });
    response.end("code" in answer ? service.errorBody(answer.code, answer.message) : answer.body);
  });

  async function answerTo(request: IncomingMessage, body: Buffer, operation: string): Promise<Answer> {
    const { name, region, identities } = service;
    const flaw = await flawOf(request, body, { service: name, region, identities, nowMs: Date.now() });
    if (flaw) return { status: 403, code: flawAnswers[flaw] ?? "InvalidSignatureException", message: flaw };
    if (request.method !== "POST" || request.url !== "/")
      return { status: 404, code: "UnknownOperationException", message: String(request.url) };
    const accessKeyId = /Credential=([^/]+)/.exec(String(request.headers.authorization))?.[1] ?? "";
    return service.answer({ operation, body, accessKeyId });
  }

  const { contentType, operationOf } = service;
  const served = (answer: Answer): Served => ({
    status: answer.status,
    contentType,
    body: "code" in answer ? service.errorBody(answer.code, answer.message) : answer.body,
  });
  const serve = (operation: string, body: Buffer) => served(service.answer({ operation, body, accessKeyId: "" }));
  return { ...(await listen(server)), faults, hang, operationOf, serve };
}

/** What services with the protocol AWS JSON 1.1 have in common. https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html */
export const awsJson = (target: string) => ({
  contentType: "application/x-amz-json-1.1",
  operationOf: (request: IncomingMessage) => {
    const [service, operation = ""] = String(request.headers["x-amz-target"]).split(".");
    return service === target && request.headers["content-type"] === "application/x-amz-json-1.1" ? operation : "";
  },
  errorBody: (code: string, message: string) => JSON.stringify({ __type: code, message }),
});
