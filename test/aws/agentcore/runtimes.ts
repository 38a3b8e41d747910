import { randomBytes } from "node:crypto";
import type { CreateRequest } from "./constraints.ts";
import { ServiceError } from "./wire.ts";

type Status = "CREATING" | "CREATE_FAILED" | "READY" | "DELETING";

type Runtime = {
  name: string;
  id: string;
  arn: string;
  status: Status;
  serverProtocol: string;
  failureReason?: string;
  requireMMDSV2: boolean;
  environment: Record<string, string>;
  clientToken?: string;
  request?: CreateRequest;
  createdAt: string;
  /** Gets until the status that it is on its way to. */
  getsLeft: number;
};

/** The runtimes of the emulated account. A status changes after so many Gets, not with time. */
export class Runtimes {
  /** Gets for which a new runtime is CREATING, and a deleted one DELETING. */
  getsUntilReady = 1;
  getsUntilGone = 0;
  /** What the next runtimes fail with instead of becoming READY. */
  createFails: string | undefined;
  readonly #known = new Map<string, Runtime>();

  /** Those that were made through the API and still exist. */
  get made(): Runtime[] {
    return [...this.#known.values()].filter(({ request }) => request !== undefined);
  }

  create(request: CreateRequest): object {
    const same = [...this.#known.values()].find(({ clientToken }) => clientToken === request.clientToken);
    if (same) return view(same);
    if ([...this.#known.values()].some(({ name }) => name === request.agentRuntimeName))
      throw new ServiceError("ConflictException", `an agent named ${request.agentRuntimeName} exists`);
    return view(
      this.#add(request.agentRuntimeName, {
        status: "CREATING",
        serverProtocol: request.protocolConfiguration.serverProtocol,
        environment: request.environmentVariables ?? {},
        clientToken: request.clientToken,
        request,
        getsLeft: this.getsUntilReady,
      }),
    );
  }

  deploy(name: string, { serverProtocol = "HTTP", requireMMDSV2 = true }) {
    return this.#add(name, { status: "READY", serverProtocol, requireMMDSV2 });
  }

  /** The account forgets under which token a runtime was made, as AgentCore may after some time. */
  forgetTokens(): void {
    for (const runtime of this.#known.values()) delete runtime.clientToken;
  }

  get(id: string): object {
    const runtime = this.#find(id);
    if (runtime.getsLeft > 0) runtime.getsLeft -= 1;
    else if (runtime.status === "CREATING") {
      runtime.status = this.createFails === undefined ? "READY" : "CREATE_FAILED";
      if (this.createFails !== undefined) runtime.failureReason = this.createFails;
    } else if (runtime.status === "DELETING") {
      this.#known.delete(id);
      throw new ServiceError("ResourceNotFoundException", `no agent ${id}`);
    }
    return view(runtime);
  }

  list(query: URLSearchParams): object {
    const pageSize = Number(query.get("maxResults") ?? 10);
    if (!(pageSize >= 1 && pageSize <= 100)) throw new ServiceError("ValidationException", "maxResults");
    const from = Number(query.get("nextToken") ?? 0);
    const all = [...this.#known.values()].map(view);
    const next = from + pageSize;
    return { agentRuntimes: all.slice(from, next), ...(next < all.length && { nextToken: String(next) }) };
  }

  delete(id: string): object {
    const runtime = this.#find(id);
    if (runtime.status !== "READY" && runtime.status !== "CREATE_FAILED")
      throw new ServiceError("ConflictException", `agent ${id} is ${runtime.status}`);
    runtime.status = "DELETING";
    runtime.getsLeft = this.getsUntilGone;
    return { agentRuntimeId: id, status: "DELETING" };
  }

  /** Somebody deletes a runtime at once, whatever runs on it. */
  vanish(arn: string): void {
    this.#known.delete(arn.split("/")[1] ?? "");
  }

  /** The runtime of an ARN, if it can be invoked. */
  invokable(arn: string): Runtime {
    const runtime = this.#find(arn.split("/")[1] ?? "");
    if (runtime.arn !== arn) throw new ServiceError("ResourceNotFoundException", `no agent ${arn}`);
    if (!runtime.requireMMDSV2) throw new ServiceError("ValidationException", "the agent must require MMDSv2");
    if (runtime.status !== "READY")
      throw new ServiceError("RetryableConflictException", `agent is ${runtime.status}, please retry`);
    return runtime;
  }

  #find(id: string): Runtime {
    const runtime = this.#known.get(id);
    if (runtime) return runtime;
    throw new ServiceError("ResourceNotFoundException", `no agent ${id}`);
  }

  #add(name: string, fields: Partial<Runtime> & Pick<Runtime, "status" | "serverProtocol">): Runtime {
    const id = `${name}-${randomBytes(5).toString("hex")}`;
    const arn = `arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/${id}`;
    const createdAt = new Date().toISOString();
    const runtime: Runtime = { name, id, arn, requireMMDSV2: true, environment: {}, createdAt, getsLeft: 0, ...fields };
    this.#known.set(id, runtime);
    return runtime;
  }
}

const view = (runtime: Runtime) => ({
  agentRuntimeArn: runtime.arn,
  agentRuntimeId: runtime.id,
  agentRuntimeName: runtime.name,
  agentRuntimeVersion: "1",
  status: runtime.status,
  createdAt: runtime.createdAt,
  lastUpdatedAt: runtime.createdAt,
  ...(runtime.failureReason !== undefined && { failureReason: runtime.failureReason }),
  protocolConfiguration: { serverProtocol: runtime.serverProtocol },
  metadataConfiguration: { requireMMDSV2: runtime.requireMMDSV2 },
  lifecycleConfiguration: { idleRuntimeSessionTimeout: 900, maxLifetime: 28_800 },
});
