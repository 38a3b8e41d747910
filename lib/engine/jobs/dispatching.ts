import type * as z from "zod";
import { accountOf, chooseProfile, type RouteRequest, route } from "../../config/routing.ts";
import { RefusedError } from "../../contract/errors.ts";
import { defined } from "../../contract/json.ts";
import type { OrchestrationType } from "../../contract/kinds.ts";
import { factsOf } from "../../contract/orchestration/facts.ts";
import { orchestrationInputs, type Specification } from "../../contract/orchestration/specification.ts";
import type { Json } from "../../contract/task.ts";
import type {
  dispatch,
  dispatchDialogue,
  dispatchParallel,
  dispatchSession,
} from "../../contract/tools/jobs/dispatching.ts";
import type { TaskHandle } from "../../contract/tools/task-handle.ts";
import { lacking } from "../orchestration/begin-child.ts";
import { orchestrate } from "../orchestration/orchestrate.ts";
import type { Ports } from "../ports.ts";
import { parse } from "../service/arguments.ts";
import { spawn } from "../service/spawn.ts";

type Asked = Partial<z.output<typeof dispatch.input>> & Partial<z.output<typeof dispatchSession.input>>;

const USUAL_SUMMARY = 500;

/** The call of `spawn_cloud_agent` that is meant, without what is not said. */
function callOf(asked: Asked): Json {
  const { agent, task, context, session_id, return_ref, summary_chars, ...rest } = asked;
  return defined({
    ...rest,
    runtime: agent,
    instruction: task,
    context: factsOf(context),
    conversation: session_id,
    ...(return_ref && { return_ref, summary_chars: summary_chars ?? USUAL_SUMMARY }),
  });
}

/** Hands a task to an agent. Throws as `dispatch` of the engine does; what it lacks is an error, since nobody is asked. */
export async function dispatchToAgent(ports: Ports, owner: string, asked: Asked): Promise<TaskHandle> {
  chooseProfile(ports.configuration(), asked.agent);
  const handle = await spawn(ports, owner, callOf(asked));
  if (!("taskId" in handle)) throw lacking(handle.questions);
  return handle;
}

/** Hands tasks to agents that work at the same time. Throws as `dispatch` of the engine does. */
export async function dispatchToMany(
  ports: Ports,
  owner: string,
  { dispatches, aggregate, ...rest }: z.output<typeof dispatchParallel.input>,
): Promise<TaskHandle> {
  const { max_parallel, fail_fast, ...more } = rest;
  for (const [at, { agent }] of dispatches.entries()) assertKnown(ports, agent, `dispatches.${at}.agent`);
  assertKnown(ports, aggregate, "aggregate");
  const items = dispatches.map(callOf);
  const input = defined({ items, aggregate, max_parallel, fail_fast });
  return begin(ports, owner, "parallel.run", { input, agent: dispatches[0]?.agent, ...more });
}

/** Lets two agents talk. Throws as `dispatch` of the engine does. */
export async function dispatchDialogueOf(
  ports: Ports,
  owner: string,
  { idempotency_key, timeout_seconds, ...input }: z.output<typeof dispatchDialogue.input>,
): Promise<TaskHandle> {
  for (const role of ["requester", "responder"] as const) assertKnown(ports, input[role], role);
  return begin(ports, owner, "dialogue.run", {
    input: defined(input),
    agent: input.responder,
    ...defined({ idempotency_key, timeout_seconds }),
  });
}

/** Throws RefusedError `runtime_profile.not_found` where no agent has the name that stands at `path`. */
function assertKnown(ports: Pick<Ports, "configuration">, name: string | undefined, path: string): void {
  try {
    chooseProfile(ports.configuration(), name);
  } catch (error) {
    throw error instanceof RefusedError ? error.with({ message: `${path}: ${error.message}` }) : error;
  }
}

type Begun = {
  input: Json;
  /** Of whose account the whole is. It has no profile: each agent has its own limits, and the tree those of the defaults. */
  agent?: string | undefined;
  timeout_seconds?: number | undefined;
  idempotency_key?: string | undefined;
};

async function begin(
  ports: Ports,
  owner: string,
  type: OrchestrationType,
  { input: given, agent, timeout_seconds: timeoutSeconds, idempotency_key: idempotencyKey }: Begun,
): Promise<TaskHandle> {
  const input = parse(orchestrationInputs[type], given) as Json;
  const configuration = ports.configuration();
  const profile = chooseProfile(configuration, agent);
  const account = accountOf(configuration, profile, undefined);
  const asked = defined({ taskType: type, mode: "session", accountProfile: account, backend: profile?.value.backend });
  const chosen = route(configuration, ports.backends, asked as RouteRequest);
  const call = { tool: type, input, timeoutSeconds };
  const plan = { route: chosen, input, envField: "input.env", call, timeoutSeconds } as const;
  return orchestrate(ports, owner, { type, ...input } as Specification, plan, { idempotencyKey });
}
