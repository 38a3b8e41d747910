import type { ServerResponse } from "node:http";
import { isObject } from "../../lib/contract/json.ts";
import type { Operation } from "../emulators/agentcore/constraints.ts";
import type { Emulator } from "../emulators/agentcore/emulator.ts";
import { type ErrorType, ServiceError, sendError } from "../emulators/agentcore/wire.ts";
import { bodyOf, cutConnection, type Received, type Sent, serveInProcess } from "../emulators/requests/in-process.ts";
import type { InProcess } from "../emulators/requests/stand-in.ts";
import { effect, live, type Seam } from "./lives.ts";

/** What serves the requests of one service, and how it words an error. */
type Service = {
  /** Its name in a schedule of faults, and of the request. */
  nameOf(sent: Sent): string;
  serve(sent: Sent): Promise<Received>;
  refuse(error: string, sent: Sent): Promise<Received>;
};
/** The part of an SDK's client that sends. */
export type Handler = { handle(sent: Sent, options?: { abortSignal?: AbortSignal }): Promise<{ response: Received }> };

const routes: readonly [method: string, path: RegExp, operation: Operation][] = [
  ["PUT", /^\/runtimes\/?$/, "CreateAgentRuntime"],
  ["POST", /^\/runtimes\/?$/, "ListAgentRuntimes"],
  ["GET", /^\/tags\//, "ListTagsForResource"],
  ["GET", /^\/runtimes\/[^/]+\/runtime-endpoints\//, "GetAgentRuntimeEndpoint"],
  ["GET", /^\/runtimes\/[^/]+\/?$/, "GetAgentRuntime"],
  ["DELETE", /^\/runtimes\/[^/]+\/?$/, "DeleteAgentRuntime"],
  ["POST", /\/stopruntimesession$/, "StopRuntimeSession"],
  ["POST", /\/invocations$/, "InvokeAgentRuntime"],
];

function operationOf(sent: Sent): string {
  const route = routes.find(([method, path]) => method === sent.method && path.test(sent.path));
  if (!route) throw new Error(`no operation of AgentCore is ${sent.method} ${sent.path}`);
  if (route[2] !== "InvokeAgentRuntime") return route[2];
  const asked: unknown = JSON.parse(bodyOf(sent).toString());
  return `${route[2]}:${isObject(asked) && typeof asked.op === "string" ? asked.op : "job"}`;
}

export const agentCoreService = (emulator: Emulator): Service => {
  const serve = (sent: Sent) => serveInProcess((request, response) => void emulator.serve(request, response), sent);
  const refuse = (error: string, sent: Sent) => {
    const answer = (_request: unknown, response: ServerResponse) =>
      sendError(response, new ServiceError(error as ErrorType, "on demand"));
    return serveInProcess(answer, sent);
  };
  return { nameOf: (sent) => `agentcore.${operationOf(sent)}`, serve, refuse };
};

/** A service with the protocol AWS JSON, in which a target names the operation. */
const jsonService = (name: string, serve: (sent: Sent, operation: string) => Promise<Received>): Service => {
  const targetOf = ({ headers }: Sent) => String(headers["x-amz-target"]).split(".").at(-1) ?? "";
  return {
    nameOf: (sent) => `${name}.${targetOf(sent)}`,
    serve: (sent) => serve(sent, targetOf(sent)),
    refuse: (error, sent) =>
      serveInProcess((_request, response) => {
        const status = error === "InternalServerError" ? 500 : 400;
        response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
        response.end(JSON.stringify({ __type: error, message: "on demand" }));
      }, sent),
  };
};

export const standInService = (name: string, { serve }: InProcess): Service =>
  jsonService(name, (sent, operation) => {
    const { status, contentType, body } = serve(operation, bodyOf(sent));
    return serveInProcess((_request, response) => {
      response.writeHead(status, { "content-type": contentType });
      response.end(body);
    }, sent);
  });

type Listener = (request: unknown, response: unknown) => void;

/** DynamoDB by a listener in this process; `busy` hears when it begins and ends to work, in turns of its own. */
export const dynamoService = (listener: Listener, busy: (by: 1 | -1) => void): Service =>
  jsonService("dynamodb", async (sent) => {
    busy(1);
    try {
      return await serveInProcess(listener, sent);
    } finally {
      busy(-1);
    }
  });

/** Sends the requests of SDKs to the services in this process; each is an effect of the program that sends it. */
export function requestHandler(seam: Seam, services: Readonly<Record<string, Service>>): Handler {
  const serviceOf = ({ hostname }: Sent): Service => {
    const name = Object.keys(services).find((each) => hostname.startsWith(each));
    const service = services[name ?? ""];
    if (service) return service;
    throw new Error(`no service of this test is at ${hostname}`);
  };
  return {
    async handle(sent, { abortSignal } = {}) {
      const service = serviceOf(sent);
      // What was given up before it was sent arrives nowhere.
      const serve = () =>
        abortSignal?.aborted ? Promise.reject(aborted()) : live(undefined, () => service.serve(sent));
      const answer = effect(seam, service.nameOf(sent), "", serve, {
        error: (name) => live(undefined, () => service.refuse(name, sent)),
        lost: () => Promise.reject(cutConnection()),
      });
      return { response: await orAborted(answer, abortSignal) };
    },
  };
}

const aborted = () => Object.assign(new Error("Request aborted"), { name: "AbortError" });

function orAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return answer;
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(aborted());
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
