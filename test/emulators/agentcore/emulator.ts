import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isObject } from "../../../lib/contract/json.ts";
import { contractTag } from "../../../lib/contract/runtimes.ts";
import { flawOf, localIdentity } from "../requests/signature.ts";
import {
  commandSchema,
  createSchema,
  errorsOf,
  type Operation,
  qualifierSchema,
  sessionIdSchema,
  stopSchema,
} from "./constraints.ts";
import { forward, runtimeError } from "./containers.ts";
import { Machines, type Park } from "./machines.ts";
import { runCommand } from "./run-command.ts";
import { type Deployed, Runtimes } from "./runtimes.ts";
import { type ErrorType, parse, parseJson, readBody, ServiceError, sendError, sendJson } from "./wire.ts";

export const credentials = { accessKeyId: "AKIDEMULATOR", secretAccessKey: "emulator-secret" };
export const REGION = "us-west-2";
export const ACCOUNT = "123456789012";
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/worker`;
export const IMAGE = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/worker:1`;

const CARD = ".well-known/agent-card.json";
const SESSION_HEADER = "x-amzn-bedrock-agentcore-runtime-session-id";

/** What goes wrong: an error instead of the effect, or the effect with an answer that is lost, cut or late. */
export type Failure =
  | { error: ErrorType; message?: string; after?: Promise<unknown> }
  | { lose: "answer" | "half" }
  | { lateMs: number };
/** `trace` is what an invocation says of the trace that it belongs to. */
type Call = { operation: Operation; body: unknown; session?: string; trace?: Trace };
type Trace = { traceparent: string | undefined; amazon: string | undefined };
type Rule = { operation: Operation; failure: Failure; times: number; when: (call: Call) => boolean };

/** A container that knows nothing of the worker contract: what it answers, or where it listens. */
export type ContractLessAgent = ((request: Buffer, response: ServerResponse) => void | Promise<void>) | URL;

type Deployment = Deployed & { contractLess?: ContractLessAgent };

/**
 * AgentCore's two planes on a loopback port, for the official clients: signatures and constraints are checked, answers and
 * errors are those of the service's models, runtimes and their endpoints take their time, and each session is a real worker
 * process, or that of a container without the contract. Whatever runs or bills is in its inventory.
 *
 * Left out: versions and updates of runtimes, endpoints that are made or deleted by themselves, WebSockets,
 * shells, JWT authorizers, resource policies, quotas, the limits of payloads and of times (idle and longest life, 15
 * minutes for an answer), that failures of MCP and A2A containers come as JSON-RPC, and how long a client token is known.
 */
export class Emulator {
  readonly machines: Park;
  readonly runtimes = new Runtimes();
  /** Every request that was understood, in order. */
  readonly calls: Call[] = [];
  /** Requests that a real service would have refused as malformed or unsigned; a test of ours has none. */
  readonly flaws: string[] = [];
  /** Added to the environment of every worker. */
  readonly workerEnv: Record<string, string> = {};
  readonly #contractLess = new Map<string, ContractLessAgent>();
  /** Sessions of containers without the contract, which have no machine here. */
  readonly #contractLessSessions = new Set<string>();
  readonly #rules: Rule[] = [];
  readonly #server = createServer((request, response) => void this.serve(request, response));
  /** Of a stand-in in the same process nobody else can ask. */
  readonly #isSigned: boolean;

  constructor({ machines = new Machines(), isSigned = true }: { machines?: Park; isSigned?: boolean } = {}) {
    this.machines = machines;
    this.#isSigned = isSigned;
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.machines.endAll();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What runs and bills: runtimes that were made through the API, and sessions with a machine. */
  get inventory() {
    const runtimes = this.runtimes.made.map(({ name }) => name);
    return { runtimes, sessions: [...this.machines.running, ...this.#contractLessSessions] };
  }
  countOf(operation: Operation): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }
  /** The next calls of an operation (those for which `when` holds) fail so, if that is an error that it has. */
  fail(operation: Operation, failure: Failure, times = 1, when: Rule["when"] = () => true): void {
    const errors: readonly ErrorType[] = errorsOf[operation];
    if ("error" in failure && !errors.includes(failure.error))
      throw new Error(`${operation} never answers with ${failure.error}`);
    this.#rules.push({ operation, failure, times, when });
  }
  /**
   * A runtime that is there already, as one that a stack deployed, with our worker or a container without the contract; its
   * ARN.
   */
  deploy(name: string, { contractLess, ...options }: Deployment = {}): string {
    const runtime = this.runtimes.deploy(name, { ...(!contractLess && { tags: contractTag }), ...options });
    if (contractLess) this.#contractLess.set(runtime.id, contractLess);
    return runtime.arn;
  }
  /** The machine of a session is gone; the next invocation gets a new one. */
  replaceMachine = (session: string) => this.machines.end(this.keyOf(session));
  keyOf(session: string): string {
    return this.machines.running.find((key) => key.endsWith(`/${session}`)) ?? "";
  }

  /** Answers one request; whoever is in the same process may hand it over without a connection. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(request);
      const flaw = this.#isSigned && (await this.#flawOf(request, body));
      if (flaw) throw new ServiceError("AccessDeniedException", flaw);
      await this.#route(request, body, response);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.type === "ValidationException") this.flaws.push(String(error));
      sendError(response, error);
    }
  }

  #flawOf(request: IncomingMessage, body: Buffer) {
    return flawOf(request, body, {
      service: "bedrock-agentcore",
      region: REGION,
      identities: { ...localIdentity, [credentials.accessKeyId]: credentials.secretAccessKey },
      nowMs: Date.now(),
    });
  }

  async #route(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://emulator");
    const [root, first, second, third, ...rest] = url.pathname.split("/").slice(1);
    const name = decodeURIComponent(first ?? "");
    if (root === "tags" && request.method === "GET" && second === undefined)
      return this.#answer("ListTagsForResource", { arn: name }, response, () => this.runtimes.tagsOf(name));
    const below = [third, ...rest].filter((part) => part).join("/");
    const isKnown = below === "" || second === "runtime-endpoints" || (second === "invocations" && below === CARD);
    if (root !== "runtimes" || !isKnown)
      throw new ServiceError("ValidationException", `no operation has the path ${url.pathname}`);
    const place = second === "invocations" && below === CARD ? "/card" : `/${second}`;
    const route = `${request.method} ${name === "" ? "/" : second ? place : "/id"}`;
    const query = url.searchParams;
    switch (route) {
      case "PUT /": {
        const asked = parse(createSchema, parseJson(body), "CreateAgentRuntime");
        return this.#answer("CreateAgentRuntime", asked, response, () => this.runtimes.create(asked), 202);
      }
      case "POST /":
        return this.#answer("ListAgentRuntimes", {}, response, () => this.runtimes.list(query));
      case "GET /id":
        return this.#answer("GetAgentRuntime", { id: name }, response, () => this.runtimes.get(name));
      case "GET /runtime-endpoints": {
        const endpoint = parse(qualifierSchema, decodeURIComponent(third ?? ""), "endpointName");
        const get = () => this.runtimes.getEndpoint(name, endpoint);
        return this.#answer("GetAgentRuntimeEndpoint", { id: name, endpoint }, response, get);
      }
      case "DELETE /id":
        return this.#answer("DeleteAgentRuntime", { id: name }, response, () => this.runtimes.delete(name), 202);
      case "POST /stopruntimesession": {
        parse(stopSchema, parseJson(body), "StopRuntimeSession");
        const target = this.#sessionOf(name, request, query);
        const stop = () => this.#stop(target.key);
        response.setHeader(SESSION_HEADER, target.session);
        return this.#answer("StopRuntimeSession", {}, response, stop, 200, target.session);
      }
      case "GET /card":
        return this.#card(name, this.#sessionOf(name, request, query), request, response);
      case "POST /invocations":
        return this.#invoke(name, this.#sessionOf(name, request, query), body, request, response);
      case "POST /commands": {
        const asked = parse(commandSchema, parseJson(body), "InvokeAgentRuntimeCommand");
        const target = this.#sessionOf(name, request, query);
        const failure = this.#note("InvokeAgentRuntimeCommand", asked, target.session);
        await this.#throwError(failure);
        const runtime = this.runtimes.invokable(name, target.qualifier);
        if (this.#contractLess.has(runtime.id)) this.#contractLessSessions.add(target.key);
        response.setHeader(SESSION_HEADER, target.session);
        return runCommand(asked, response, failure && "lose" in failure ? failure.lose : undefined);
      }
      default:
        throw new ServiceError("ValidationException", `no operation is ${route}`);
    }
  }

  #sessionOf(arn: string, request: IncomingMessage, query: URLSearchParams) {
    const { headers } = request;
    const isMcp = this.runtimes.speaks(arn) === "MCP";
    const given = (isMcp ? headers["mcp-session-id"] : undefined) ?? headers[SESSION_HEADER];
    const session = parse(sessionIdSchema, given, "runtimeSessionId");
    const qualifier = parse(qualifierSchema, query.get("qualifier") ?? "DEFAULT", "qualifier");
    return { session, qualifier, key: `${arn}/${session}` };
  }

  async #stop(key: string): Promise<object> {
    if (this.#contractLessSessions.delete(key) || (await this.machines.end(key))) return {};
    throw new ServiceError("ResourceNotFoundException", `no session ${key}`);
  }

  async #invoke(
    arn: string,
    { session, qualifier, key }: { session: string; qualifier: string; key: string },
    body: Buffer,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (request.headers["content-type"] !== "application/json")
      throw new ServiceError("ValidationException", "contentType");
    const failure = this.#note("InvokeAgentRuntime", parseJson(body), session, traceOf(request));
    await this.#throwError(failure);
    const runtime = this.runtimes.invokable(arn, qualifier);
    response.setHeader(SESSION_HEADER, session);
    const contractLess = this.#contractLess.get(runtime.id);
    if (contractLess) {
      this.#contractLessSessions.add(key);
      if (!(contractLess instanceof URL)) return contractLess(body, response);
      return forward({ container: contractLess, serverProtocol: runtime.serverProtocol }, request, body, response);
    }
    const { serverProtocol } = runtime;
    const isContract = isObject(parseJson(body)) && "contract" in (parseJson(body) as object);
    const environment = this.#environmentOf(runtime);
    if (serverProtocol !== "HTTP" && !isContract && !failure) {
      const container = await this.machines.of(key, environment);
      return forward({ container, serverProtocol }, request, body, response);
    }
    const reply = await this.machines.post(key, environment, serverProtocol, body);
    if (!reply?.ok) throw runtimeError(reply?.status);
    const { text } = reply;
    if (failure && "lose" in failure && failure.lose === "answer") return void response.destroy();
    if (failure && "lateMs" in failure) await new Promise((resolve) => setTimeout(resolve, failure.lateMs).unref());
    response.writeHead(200, { "content-type": reply.contentType });
    if (!(failure && "lose" in failure)) return void response.end(text);
    response.write(text.slice(0, text.length / 2), () => response.destroy());
  }

  /** The environment of a container. One of A2A is told where it is reached. */
  #environmentOf({ arn, serverProtocol, environment }: ReturnType<Runtimes["invokable"]>): Record<string, string> {
    const url = `https://bedrock-agentcore.${REGION}.amazonaws.com/runtimes/${encodeURIComponent(arn)}/invocations/`;
    const own = serverProtocol === "A2A" ? { AGENTCORE_RUNTIME_URL: url } : {};
    return { ...this.workerEnv, ...own, ...environment };
  }

  /** https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_GetAgentCard.html */
  async #card(
    arn: string,
    { session, qualifier, key }: { session: string; qualifier: string; key: string },
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    this.#throwError(this.#note("GetAgentCard", {}, session));
    const runtime = this.runtimes.invokable(arn, qualifier);
    const known = this.#contractLess.get(runtime.id);
    const container = known instanceof URL ? known : await this.machines.of(key, this.#environmentOf(runtime));
    const reply = await fetch(new URL(CARD, container)).catch(() => undefined);
    if (!reply?.ok) throw runtimeError(reply?.status);
    response.setHeader(SESSION_HEADER, session);
    response.writeHead(200, { "content-type": "application/json" }).end(await reply.text());
    request.resume();
  }

  /** Notes a call; resolves with what is to go wrong with it. */
  #note(operation: Operation, body: unknown, session?: string, trace?: Trace): Failure | undefined {
    const call = { operation, body, ...(session !== undefined && { session }), ...(trace && { trace }) };
    this.calls.push(call);
    const rule = this.#rules.find((each) => each.operation === operation && each.times > 0 && each.when(call));
    if (rule) rule.times -= 1;
    return rule?.failure;
  }
  async #throwError(failure: Failure | undefined): Promise<void> {
    if (!failure || !("error" in failure)) return;
    await failure.after;
    throw new ServiceError(failure.error, failure.message ?? "on demand");
  }

  async #answer(
    operation: Operation,
    body: unknown,
    response: ServerResponse,
    effect: () => object | Promise<object>,
    status = 200,
    session?: string,
  ): Promise<void> {
    const failure = this.#note(operation, body, session);
    await this.#throwError(failure);
    const answer = await effect();
    if (failure && "lose" in failure) return void response.destroy();
    if (failure && "lateMs" in failure) await new Promise((resolve) => setTimeout(resolve, failure.lateMs).unref());
    sendJson(response, status, answer);
  }
}

const traceOf = ({ headers }: IncomingMessage): Trace => ({
  traceparent: headers.traceparent?.toString(),
  amazon: headers["x-amzn-trace-id"]?.toString(),
});
