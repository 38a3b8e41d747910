import { askedDetails, clarify, requiredNames } from "../../config/clarification.ts";
import { contextFor } from "../../config/groups.ts";
import { refuseCredentials } from "../../config/policy.ts";
import { chooseProfile, type RouteRequest, tryRoute } from "../../config/routing.ts";
import { DispatchError } from "../../contract/errors.ts";
import { defined, isObject } from "../../contract/json.ts";
import type { Json } from "../../contract/task.ts";
import { type Clarification, type SpawnCall, spawnCloudAgent } from "../../contract/tools/spawn-cloud-agent.ts";
import type { TaskHandle } from "../../contract/tools/task-handle.ts";
import { asLastTurn } from "../conversations/defaults.ts";
import { findLastTurn } from "../conversations/find.ts";
import { dispatch } from "../dispatch.ts";
import type { Plan } from "../plan.ts";
import type { Ports } from "../ports.ts";
import { answerWanted } from "./answer-wanted.ts";
import { parse, underListedNames } from "./arguments.ts";

/** Hands an instruction to an agent, or asks for what is missing. Throws as `dispatch` does. */
export async function spawn(ports: Ports, owner: string, given: Json): Promise<TaskHandle | Clarification> {
  const planned = await planSpawn(ports, owner, given);
  if ("status" in planned) return planned;
  const { plan, idempotencyKey } = planned;
  return dispatch(ports, owner, plan, { idempotencyKey });
}

/** What a spawn would dispatch, or what it asks for. Nothing is written. Throws as `dispatch` does. */
export async function planSpawn(
  ports: Ports,
  owner: string,
  given: Json,
): Promise<{ plan: Plan; idempotencyKey: string | undefined } | Clarification> {
  const configuration = ports.configuration();
  const fields = underListedNames(spawnCloudAgent, given);
  refuseCredentials(fields);
  // What was asked for by a name that no field has: a profile's facts belong to the context, an adapter's to the target.
  const facts = requiredNames(configuration, typeof fields.runtime === "string" ? fields.runtime : undefined);
  const details = askedDetails(ports.backends).filter((name) => !facts.includes(name));
  const answersTo = (names: string[]) => pick(fields, (name) => !isField(name) && names.includes(name));
  const answers = answersTo(details);
  const asked = [...facts, ...details];
  const call = parse(
    spawnCloudAgent.input,
    pick(fields, (name) => isField(name) || !asked.includes(name)),
  );
  const said = { runtime: call.runtime, request: requestOf(call, answers) };
  const last = call.conversation === undefined ? undefined : await findLastTurn(ports, owner, call.conversation);
  const { runtime, request } = last ? asLastTurn(configuration, ports.backends, said, last) : said;
  const told = isObject(last?.input.context) ? last.input.context : {};
  const needed = last ? requiredNames(configuration, runtime) : [];
  const shared =
    call.group === undefined
      ? {}
      : contextFor(configuration, call.group, runtime ?? chooseProfile(configuration, undefined)?.name);
  const context = { ...pick(told, (name) => needed.includes(name)), ...shared, ...call.context, ...answersTo(facts) };

  const routed = tryRoute(configuration, ports.backends, request, runtime);
  const chosen = routed instanceof DispatchError ? undefined : routed;
  const questions = clarify(
    configuration,
    ports.backends,
    { ...call, runtime, context, request, fields: { ...given, ...fields } },
    chosen,
  );
  if (questions) return questions;
  // What cannot be routed is refused, with its reason, once everything that it lacks was asked for.
  if (routed instanceof DispatchError) throw routed;

  const { idempotency_key, ...rest } = call;
  const plan: Plan = {
    route: routed,
    input: defined({
      instruction: call.instruction,
      context: Object.keys(context).length > 0 ? context : undefined,
      framework: routed.framework,
      model: routed.model,
      runtime_tools: routed.runtimeTools,
      protocol: routed.target.protocol,
      timeoutSeconds: call.timeout_seconds,
    }),
    goal: call.goal,
    caller: call.caller,
    env: call.environment_variables,
    conversation: call.conversation,
    cache: { asked: call.cache },
    answer: answerWanted(call, "agent.run"),
    envField: "environment_variables",
    call: { tool: "spawn_cloud_agent", ...rest, context, ...answers },
  };
  return { plan, idempotencyKey: idempotency_key };
}

function requestOf(call: SpawnCall, answers: Json): RouteRequest {
  const { runtime_arn, ecr_image_uri, execution_role_arn } = call;
  return {
    provider: call.provider,
    accountProfile: call.account_profile,
    taskType: "agent.run",
    mode: call.target?.mode,
    protocol: call.protocol ?? call.target?.protocol,
    details: { ...call.target?.details, ...defined({ runtime_arn, ecr_image_uri, execution_role_arn }), ...answers },
    framework: call.framework,
    model: call.model,
    runtimeTools: call.runtime_tools,
    metadata: call.metadata,
    timeoutSeconds: call.timeout_seconds,
  };
}

const isField = (name: string): boolean => Object.hasOwn(spawnCloudAgent.input.shape, name);

const pick = (fields: Json, keep: (name: string) => boolean): Json =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => keep(name)));
