import { chooseProfile } from "../../config/routing.ts";
import type { Configuration } from "../../contract/configuration.ts";
import type { Issue } from "../../contract/errors.ts";
import { defined } from "../../contract/json.ts";
import type { AgentResult } from "../../contract/orchestration/answers.ts";
import type { Parallel, Specification } from "../../contract/orchestration/specification.ts";
import { firstOf } from "../../contract/preview.ts";
import type { Json, Task } from "../../contract/task.ts";
import { MAX_OBJECT } from "../../contract/tools/fields.ts";
import { readable } from "../../store/stored-task.ts";
import { inLanes } from "../in-lanes.ts";
import type { Ports } from "../ports.ts";
import { linkOf } from "../service/result.ts";
import { agentResult, saidBy } from "./agent-result.ts";
import { childId } from "./children.ts";
import { turnCall } from "./dialogue.ts";

/** Results that the agent which makes one answer of all gets as they are, in characters of all and of each. */
const ALL_RESULTS = 200_000;
const ONE_RESULT = 50_000;
/** Of those that are too long for that, so many come with an address of the whole. */
const MOST_LINKS = 50;
/** What a result takes of which nothing is said but whose it is, in characters of JSON, at most. */
const SHORTEST_RESULT = 300;
/** Shorter than that, an excerpt says nothing. */
const SHORTEST_EXCERPT = 20;
const LANES = 16;

const USUAL_INSTRUCTION =
  "Make one answer of the results in the context: say what was found, where they contradict each other, and what follows. " +
  "Where a result is only a summary, the whole is at its uri.";

/** The call of `spawn_cloud_agent` that the child at a position is, as far as it follows from the specification alone. */
export async function plannedCall(specification: Specification, position: number): Promise<Json> {
  if (specification.type === "dialogue.run") return turnCall(specification, { parent: "", position: position % 2 });
  const item = specification.items[position] ?? aggregateOf(specification);
  const { agent, runtime = agent, ...rest } = item;
  return { ...rest, runtime };
}

function aggregateOf({ aggregate = {} }: Parallel) {
  const asked = typeof aggregate === "string" ? { runtime: aggregate } : aggregate;
  return { ...asked, instruction: asked.instruction ?? USUAL_INSTRUCTION };
}

/** The whole call, with what those before it came to. */
export async function callAt(
  ports: Ports,
  specification: Specification,
  parent: Task,
  position: number,
): Promise<Json> {
  if (specification.type === "dialogue.run") {
    const before = position === 0 ? undefined : await readable(ports.store, await childId(parent.id, position - 1));
    const said = before && (await saidBy(ports, before));
    if (said?.unreadable) throw said.unreadable;
    return turnCall(specification, { parent: parent.id, position, ...(said && { said: said.text }) });
  }
  const call = await plannedCall(specification, position);
  if (position < specification.items.length) return call;
  const context = call.context as Json | undefined;
  let maxChars = Math.min(ONE_RESULT, Math.max(150, Math.floor(ALL_RESULTS / specification.items.length)));
  for (;;) {
    const whole = { ...context, results: await resultsFor(ports, specification, parent, maxChars) };
    const length = JSON.stringify(whole).length;
    if (length <= MAX_OBJECT || maxChars === 0) return { ...call, context: whole };
    maxChars = Math.floor(maxChars * Math.min(0.5, MAX_OBJECT / length));
    if (maxChars < SHORTEST_EXCERPT) maxChars = 0;
  }
}

/** What is wrong with the context that the agent which makes one answer of all is given: the results come beside it. */
export function contextIssues(specification: Specification): Issue[] {
  if (specification.type === "dialogue.run") return [];
  const { context = {} } = aggregateOf(specification);
  const most = MAX_OBJECT - SHORTEST_RESULT * specification.items.length;
  if (JSON.stringify(context).length <= most) return [];
  const message = `must be at most ${most} characters of JSON, because the results of ${specification.items.length} items come beside it`;
  return [{ path: "input.aggregate.context", message }];
}

/** The results of all items, for the agent that makes one answer of them: of each text so many characters at most. */
async function resultsFor(ports: Ports, { items }: Parallel, parent: Task, maxChars: number): Promise<object[]> {
  let links = 0;
  return inLanes(LANES, [...items.keys()], async (position) => {
    const id = await childId(parent.id, position);
    const task = await readable(ports.store, id);
    const seen = await agentResult(ports, { agent: agentAt({ items }, position), id, task, maxChars });
    const hasLink = maxChars > 0 && seen.ref !== undefined && links++ < MOST_LINKS;
    const link = hasLink && task ? { uri: await linkOf(ports, task) } : {};
    const error = seen.error !== undefined && { error: firstOf(seen.error, maxChars) };
    return { item: position, ...forAgent({ ...seen, ...error }), ...link };
  });
}

/** What matters to an agent of it. */
const forAgent = ({ agent, success, result, ref, size, summary, parsed_result, error }: AgentResult): object =>
  defined({ agent, success, result, ref, size, summary, parsed_result, error });

/** The agent of an item, by the name of its runtime profile. */
export function agentAt(
  { items }: Pick<Parallel, "items">,
  position: number,
  aggregate?: Parallel["aggregate"],
): string {
  const asked = items[position] ?? (typeof aggregate === "string" ? { runtime: aggregate } : (aggregate ?? {}));
  return asked.runtime ?? asked.agent ?? "default";
}

/**
 * The call with its place in the family; where nothing names a profile and there is no usual one, it runs where its parent
 * was sent.
 */
export const asChild = (
  configuration: Configuration,
  call: Json,
  parent: Pick<Task, "id" | "accountProfile">,
): Json => ({
  ...defined(call),
  ...(call.runtime === undefined &&
    !chooseProfile(configuration, undefined) && { account_profile: parent.accountProfile }),
  metadata: { ...(call.metadata as Json | undefined), parentTaskId: parent.id },
});
