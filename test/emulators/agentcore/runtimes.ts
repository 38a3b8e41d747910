import { randomBytes } from "node:crypto";
import type { CreateRequest } from "./constraints.ts";
import { type ErrorType, ServiceError } from "./wire.ts";

const ACCOUNT = "us-west-2:123456789012";
const DEFAULT = "DEFAULT";

type Status = "CREATING" | "CREATE_FAILED" | "READY" | "DELETING";
/** A status, and for how many Gets, and until when, it stays. */
type State = { status: Status; getsLeft: number; untilMs: number; failureReason?: string };

type Runtime = State & {
  name: string;
  id: string;
  arn: string;
  serverProtocol: string;
  requireMMDSV2: boolean;
  environment: Record<string, string>;
  tags: Record<string, string>;
  endpoints: Map<string, State>;
  /** What the first invocations of a runtime that is ready are answered with, and those until then. */
  refusals: ErrorType[];
  refusesUntilMs: number;
  unseenUntilMs: number;
  clientToken?: string;
  request?: CreateRequest;
  createdAt: string;
};

export type Deployed = {
  serverProtocol?: string;
  environment?: Record<string, string>;
  requireMMDSV2?: boolean;
  tags?: Record<string, string>;
  /** Names of endpoints besides DEFAULT. */
  endpoints?: string[];
  createdAt?: string;
};

/** The runtimes of the emulated account. A status changes after so many Gets, or with time where that is said. */
export class Runtimes {
  /** Milliseconds for which a new runtime is missing from reads, is CREATING, its endpoint then, and a deleted one DELETING. */
  readonly lasts = { unseen: 0, creating: 0, endpoint: 0, deleting: 0 };
  /** For so long after they were made the next runtimes answer invocations with that, although they are READY. */
  refusing: { forMs: number; error: ErrorType } = { forMs: 0, error: "ResourceNotFoundException" };
  /** Gets for which a new runtime is CREATING, its endpoint then, and a deleted one DELETING. */
  getsUntilReady = 1;
  getsUntilEndpointReady = 0;
  getsUntilGone = 0;
  /** Gets for which a new runtime's endpoint is not found. */
  getsUntilEndpoint = 0;
  /** What the first invocations of the next runtimes are answered with, although they are READY. */
  earlyRefusals: ErrorType[] = [];
  /** What the next runtimes, or their endpoints, fail with instead of becoming READY. */
  createFails: string | undefined;
  endpointFails: string | undefined;
  readonly #known = new Map<string, Runtime>();

  /** Those that were made through the API and still exist. */
  get made(): Runtime[] {
    return [...this.#known.values()].filter(({ request }) => request !== undefined);
  }

  get all(): Runtime[] {
    return [...this.#known.values()];
  }

  create(request: CreateRequest): object {
    const same = [...this.#known.values()].find(({ clientToken }) => clientToken === request.clientToken);
    if (same) return made(same);
    if ([...this.#known.values()].some(({ name }) => name === request.agentRuntimeName))
      throw new ServiceError("ConflictException", `an agent named ${request.agentRuntimeName} exists`);
    const nowMs = Date.now();
    const endpoint: State = {
      status: "CREATING",
      getsLeft: this.getsUntilEndpoint + this.getsUntilEndpointReady,
      untilMs: nowMs + this.lasts.creating + this.lasts.endpoint,
    };
    return made(
      this.#add(request.agentRuntimeName, {
        status: "CREATING",
        serverProtocol: request.protocolConfiguration.serverProtocol,
        environment: request.environmentVariables ?? {},
        tags: request.tags ?? {},
        clientToken: request.clientToken,
        request,
        getsLeft: this.getsUntilReady,
        untilMs: nowMs + this.lasts.creating,
        unseenUntilMs: nowMs + this.lasts.unseen,
        refusesUntilMs: nowMs + this.refusing.forMs,
        endpoints: new Map([[DEFAULT, endpoint]]),
        refusals: [...this.earlyRefusals],
      }),
    );
  }

  deploy(name: string, deployed: Deployed) {
    const { serverProtocol = "HTTP", environment = {}, requireMMDSV2 = true, tags = {}, endpoints = [] } = deployed;
    const { createdAt = new Date().toISOString() } = deployed;
    const ready = [DEFAULT, ...endpoints].map((each): [string, State] => [
      each,
      { status: "READY", getsLeft: 0, untilMs: 0 },
    ]);
    return this.#add(name, {
      status: "READY",
      serverProtocol,
      environment,
      requireMMDSV2,
      tags,
      endpoints: new Map(ready),
      createdAt,
    });
  }

  /** What the runtime with an ARN speaks. */
  speaks(arn: string): string | undefined {
    return [...this.#known.values()].find((runtime) => runtime.arn === arn)?.serverProtocol;
  }

  /** The account forgets under which token a runtime was made, as AgentCore may after some time. */
  forgetTokens(): void {
    for (const runtime of this.#known.values()) delete runtime.clientToken;
  }

  get(id: string): object {
    const runtime = this.#find(id);
    if (runtime.unseenUntilMs > Date.now()) throw new ServiceError("ResourceNotFoundException", `no agent ${id} yet`);
    if (runtime.status === "DELETING" && runtime.getsLeft === 0 && runtime.untilMs <= Date.now()) {
      this.#known.delete(id);
      throw new ServiceError("ResourceNotFoundException", `no agent ${id}`);
    }
    advance(runtime, this.createFails);
    return whole(runtime);
  }

  getEndpoint(id: string, name: string): object {
    const runtime = this.#find(id);
    const endpoint = runtime.endpoints.get(name);
    const isMissing = !endpoint || endpoint.getsLeft > this.getsUntilEndpointReady || runtime.status === "CREATING";
    if (isMissing) {
      if (endpoint && endpoint.getsLeft > 0) endpoint.getsLeft -= 1;
      throw new ServiceError("ResourceNotFoundException", `agent ${id} has no endpoint ${name}`);
    }
    advance(endpoint, this.endpointFails);
    return {
      agentRuntimeEndpointArn: `${runtime.arn}/runtime-endpoint/${name}`,
      agentRuntimeArn: runtime.arn,
      id: `${name}-${runtime.id.slice(-10)}`,
      name,
      status: endpoint.status,
      createdAt: runtime.createdAt,
      lastUpdatedAt: runtime.createdAt,
      ...(endpoint.status === "READY" && { liveVersion: "1" }),
      ...(endpoint.failureReason !== undefined && { failureReason: endpoint.failureReason }),
    };
  }

  list(query: URLSearchParams): object {
    const pageSize = Number(query.get("maxResults") ?? 10);
    if (!(pageSize >= 1 && pageSize <= 100)) throw new ServiceError("ValidationException", "maxResults");
    const from = Number(query.get("nextToken") ?? 0);
    const all = [...this.#known.values()].filter(({ unseenUntilMs }) => unseenUntilMs <= Date.now()).map(listed);
    const next = from + pageSize;
    return { agentRuntimes: all.slice(from, next), ...(next < all.length && { nextToken: String(next) }) };
  }

  tagsOf(arn: string): object {
    return { tags: this.#of(arn).tags };
  }

  delete(id: string): object {
    const runtime = this.#find(id);
    if (runtime.status !== "READY" && runtime.status !== "CREATE_FAILED")
      throw new ServiceError("ConflictException", `agent ${id} is ${runtime.status}`);
    runtime.status = "DELETING";
    runtime.getsLeft = this.getsUntilGone;
    runtime.untilMs = Date.now() + this.lasts.deleting;
    return { agentRuntimeId: id, status: "DELETING" };
  }

  /** Somebody deletes a runtime at once, whatever runs on it. */
  vanish(arn: string): void {
    this.#known.delete(idIn(arn));
  }

  /** The runtime of an ARN, if it can be invoked there. */
  invokable(arn: string, qualifier: string): Runtime {
    const runtime = this.#of(arn);
    if (!runtime.requireMMDSV2) throw new ServiceError("ValidationException", "the agent must require MMDSv2");
    const endpoint = runtime.endpoints.get(qualifier);
    if (!endpoint) throw new ServiceError("ResourceNotFoundException", `no endpoint ${qualifier} of ${arn}`);
    const early = runtime.refusesUntilMs > Date.now() ? this.refusing.error : undefined;
    const refusal =
      runtime.status === "READY" && endpoint.status === "READY"
        ? (runtime.refusals.shift() ?? early)
        : "ValidationException";
    if (refusal) throw new ServiceError(refusal, `endpoint ${qualifier} of ${arn} is not ready for invocation`);
    return runtime;
  }

  #of(arn: string): Runtime {
    const runtime = this.#find(idIn(arn));
    if (runtime.arn === arn) return runtime;
    throw new ServiceError("ResourceNotFoundException", `no agent ${arn}`);
  }

  #find(id: string): Runtime {
    const runtime = this.#known.get(id);
    if (runtime) return runtime;
    throw new ServiceError("ResourceNotFoundException", `no agent ${id}`);
  }

  #add(name: string, fields: Partial<Runtime> & Pick<Runtime, "status" | "serverProtocol" | "tags" | "endpoints">) {
    const id = `${name}-${randomBytes(5).toString("hex")}`;
    const arn = `arn:aws:bedrock-agentcore:${ACCOUNT}:runtime/${id}`;
    const createdAt = new Date().toISOString();
    const initial = {
      requireMMDSV2: true,
      environment: {},
      refusals: [],
      createdAt,
      getsLeft: 0,
      untilMs: 0,
      refusesUntilMs: 0,
      unseenUntilMs: 0,
    };
    const runtime: Runtime = { name, id, arn, ...initial, ...fields };
    this.#known.set(id, runtime);
    return runtime;
  }
}

const idIn = (arn: string): string => arn.split("/")[1] ?? "";

function advance(state: State, failure: string | undefined): void {
  if (state.getsLeft > 0) state.getsLeft -= 1;
  else if (state.untilMs > Date.now()) return;
  else if (state.status === "CREATING") {
    state.status = failure === undefined ? "READY" : "CREATE_FAILED";
    if (failure !== undefined) state.failureReason = failure;
  }
}

const identity = ({ id }: Runtime) => ({
  workloadIdentityArn: `arn:aws:bedrock-agentcore:${ACCOUNT}:workload-identity-directory/default/workload-identity/${id}`,
});

/** What CreateAgentRuntime answers. */
const made = (runtime: Runtime) => ({
  agentRuntimeArn: runtime.arn,
  workloadIdentityDetails: identity(runtime),
  agentRuntimeId: runtime.id,
  agentRuntimeVersion: "1",
  createdAt: runtime.createdAt,
  status: runtime.status,
});

/** What ListAgentRuntimes answers of each. */
const listed = (runtime: Runtime) => ({
  agentRuntimeArn: runtime.arn,
  agentRuntimeId: runtime.id,
  agentRuntimeVersion: "1",
  agentRuntimeName: runtime.name,
  description: "",
  lastUpdatedAt: runtime.createdAt,
  status: runtime.status,
});

/** What GetAgentRuntime answers. */
const whole = (runtime: Runtime) => ({
  agentRuntimeArn: runtime.arn,
  agentRuntimeName: runtime.name,
  agentRuntimeId: runtime.id,
  agentRuntimeVersion: "1",
  createdAt: runtime.createdAt,
  lastUpdatedAt: runtime.createdAt,
  roleArn: runtime.request?.roleArn ?? "arn:aws:iam::123456789012:role/worker",
  networkConfiguration: { networkMode: "PUBLIC" },
  status: runtime.status,
  lifecycleConfiguration: runtime.request?.lifecycleConfiguration ?? {
    idleRuntimeSessionTimeout: 900,
    maxLifetime: 28_800,
  },
  ...(runtime.failureReason !== undefined && { failureReason: runtime.failureReason }),
  workloadIdentityDetails: identity(runtime),
  agentRuntimeArtifact: runtime.request?.agentRuntimeArtifact ?? {
    containerConfiguration: { containerUri: "123456789012.dkr.ecr.us-west-2.amazonaws.com/agent:1" },
  },
  protocolConfiguration: { serverProtocol: runtime.serverProtocol },
  environmentVariables: runtime.environment,
  metadataConfiguration: { requireMMDSV2: runtime.requireMMDSV2 },
  platformVersion: runtime.request?.platformVersion ?? "V1",
});
