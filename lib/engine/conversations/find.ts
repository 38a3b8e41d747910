import { RefusedError } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";
import { firstTurnOf } from "../../contract/task-id.ts";
import type { Conversation, SeenConversation } from "../../store/port.ts";
import { readable } from "../../store/stored-task.ts";
import type { Ports } from "../ports.ts";
import { isReached } from "../tree/within.ts";

/** Turns that may wait in one conversation; each begins when all before it have ended. */
export const MAX_WAITING = 100;

/** A conversation as it stands: one that has no record yet has its first turn alone. */
export const orFirstTurn = (id: string, owner: string, seen: SeenConversation | undefined): Conversation =>
  seen ?? { id, owner, turn: firstTurnOf(id), waiting: [] };

/**
 * The last turn of the owner's conversation that there is, whether it waits, runs or has ended. Throws RefusedError
 * `conversation.not_found`, in the same words for another owner's, for one whose turns have all expired and for one that never
 * was, and `conversation.full`.
 */
export async function findLastTurn(ports: Pick<Ports, "store" | "within">, owner: string, id: string): Promise<Task> {
  const { store } = ports;
  const seen = await store.getConversation(id);
  const { turn, before, waiting } = orFirstTurn(id, owner, seen);
  const turns = [...waiting.toReversed(), turn, ...(before === undefined ? [] : [before])];
  for (const taskId of seen && seen.owner !== owner ? [] : turns) {
    const task = await readable(store, taskId);
    if (task?.owner !== owner || task.conversation?.id !== id) continue;
    // A turn of somebody else's may have told the agent what is none of a job's business, whoever began the conversation.
    if (!(await isReached(ports, task))) break;
    if (waiting.length < MAX_WAITING) return task;
    throw new RefusedError("conversation.full", `${waiting.length} turns of conversation ${id} wait already`, {
      hint: "wait until some of them have ended, or cancel them; list_tasks shows them",
    });
  }
  throw new RefusedError("conversation.not_found", `no conversation ${id}`, {
    hint: "list_tasks shows the conversations of the tasks that you can see; leave conversation out to begin one",
  });
}
