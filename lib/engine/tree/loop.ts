import { RefusedError } from "../../contract/errors.ts";
import { isObject } from "../../contract/json.ts";
import { type Task, without } from "../../contract/task.ts";
import { canonicalJson } from "../idempotency.ts";
import { readLargeValue } from "../large-values.ts";
import type { Ports } from "../ports.ts";

/**
 * Refuses a task that asks what one above it was asked, the same of the same profile in the same place (a folder, an image): that
 * would dispatch itself again and again.
 * `asked` has its whole input. Values of environment variables are not kept, so a command that is given some is another one.
 * Throws RefusedError `tree.loop`.
 */
export async function assertNoLoop(
  ports: Pick<Ports, "artifacts">,
  asked: Task,
  above: readonly Task[],
): Promise<void> {
  for (const [at, one] of above.entries()) {
    if (!(await asksTheSame(ports, asked, one))) continue;
    const chain = above.slice(0, at + 1).map(({ id }) => id);
    chain.reverse();
    throw new RefusedError(
      "tree.loop",
      `task ${one.id} was asked the same of profile ${one.profile}: ${[...chain, "this one"].join(" > ")}`,
      {
        hint: "ask for a part of it, or of another profile; leave metadata.parentTaskId out if the task is no part of it",
        details: { chain, taskId: one.id, profile: one.profile },
      },
    );
  }
}

async function asksTheSame(ports: Pick<Ports, "artifacts">, asked: Task, one: Task): Promise<boolean> {
  if (facts(asked) !== facts(one)) return false;
  if (asked.taskType === "command.run" && (asked.envNames || one.envNames)) return false;
  return request(asked.input) === request(await wholeInput(ports, one));
}

const facts = ({ profile, taskType, goal, accountProfile, backend, target }: Task): string =>
  canonicalJson([profile, taskType, goal, accountProfile, backend, target]);

/** How long it may take is no part of what it is. */
const request = (input: unknown): string =>
  canonicalJson(isObject(input) ? without(input as { timeoutSeconds?: unknown }, "timeoutSeconds") : input);

/** One that cannot be read any more is like no other. */
async function wholeInput(ports: Pick<Ports, "artifacts">, { input, inputRef }: Task): Promise<unknown> {
  if (!inputRef) return input;
  try {
    return await readLargeValue(ports, inputRef);
  } catch (error) {
    if (error instanceof RefusedError) return undefined;
    throw error;
  }
}
