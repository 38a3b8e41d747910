import type { Json } from "../../lib/contract/task.ts";
import type { Place, Wish } from "./scenario.ts";

const places: Readonly<Record<Exclude<Place, "parts">, Json>> = {
  "shared runtime": { target: { mode: "runtime" } },
  "own runtime": { target: { mode: "runtime", details: { reuse: false } } },
  session: { target: { mode: "session" } },
  narrow: { backend: "narrow", target: { mode: "session" } },
  "contract-less": { backend: "stranger", target: { mode: "session" } },
  "kept ready": { backend: "ready", target: { mode: "session" } },
  "runtime kept ready": { backend: "ready", target: { mode: "runtime" } },
  conversation: { runtime: "talk" },
};

/** What the call of a wish is given; `parent` is the task that dispatches it. */
export function callOf(wish: Wish, parent?: string): Json {
  const { job, place, timeoutSeconds } = wish;
  if (place === "parts") return { ...partsCallOf(wish), ...family(parent) };
  const isAgent = place === "contract-less";
  return {
    provider: "aws",
    account_profile: "aws",
    capability: "agent-runtime",
    ...places[place],
    task_type: isAgent ? "agent.run" : "command.run",
    input: isAgent ? { instruction: JSON.stringify(job) } : { command: JSON.stringify(job), shell: true },
    timeout_seconds: timeoutSeconds,
    idempotency_key: job.name,
    ...family(parent),
  };
}

const family = (parent: string | undefined): Json =>
  parent === undefined ? {} : { metadata: { parentTaskId: parent } };

/** What a turn of a conversation is given; without one it begins one. */
export const turnCallOf = ({ job, timeoutSeconds }: Wish, conversation?: string): Json => ({
  ...places.conversation,
  instruction: JSON.stringify(job),
  timeout_seconds: timeoutSeconds,
  idempotency_key: job.name,
  ...(conversation !== undefined && { conversation }),
});

type Parts = NonNullable<Wish["parts"]>;

/** What two who talk say, turn by turn: each the job of the next, and the last, where it does not end with the rounds, that it is settled. */
export function saidIn({ jobs, rounds = 0 }: Parts): string[] {
  const end = jobs.length < 2 * rounds ? "[RESOLVED]" : "nothing more";
  const said = [end];
  for (const job of jobs.slice(1).reverse()) said.unshift(JSON.stringify({ ...job, says: said[0] }));
  return said;
}

function talkOf(parts: Parts): Json {
  const { jobs, places, rounds } = parts;
  const [responder = "talk", requester = "crew"] = places;
  return { requester, responder, topic: JSON.stringify({ ...jobs[0], says: saidIn(parts)[0] }), max_rounds: rounds };
}

function itemsOf({ jobs, places: runtimes, atOnce, failFast, hasAggregate }: Parts): Json {
  const asked = jobs.map((each, index) => ({ runtime: runtimes[index], instruction: JSON.stringify(each) }));
  const items = hasAggregate ? asked.slice(0, -1) : asked;
  return { items, max_parallel: atOnce, fail_fast: failFast, ...(hasAggregate && { aggregate: asked.at(-1) }) };
}

/** What a task is given that is made of others. */
function partsCallOf({ job, parts, timeoutSeconds }: Wish): Json {
  if (!parts) throw new Error(`${job.name} is made of no others`);
  const isTalk = parts.rounds !== undefined;
  return {
    provider: "aws",
    account_profile: "aws",
    capability: "agent-runtime",
    target: { mode: "session" },
    task_type: isTalk ? "dialogue.run" : "parallel.run",
    input: isTalk ? talkOf(parts) : itemsOf(parts),
    timeout_seconds: timeoutSeconds,
    idempotency_key: job.name,
  };
}
