import { MAX_LIFETIME_SECONDS } from "../../contract/limits.ts";
import { hasEnded, type Task, type TaskConversation } from "../../contract/task.ts";
import { conversationBegunBy } from "../../contract/task-id.ts";
import type { Conversation } from "../../store/port.ts";
import { readable, readableOrNewer } from "../../store/stored-task.ts";
import type { Ports } from "../ports.ts";
import { orFirstTurn } from "./find.ts";

/**
 * One turn of a conversation runs at a time: two on one session of a framework would silently lose what one of them did. The
 * store says whose turn it is. A turn is not given back: the next one takes it, in one conditional write, once what the store
 * holds of that task says that nothing of it can run any more. So nobody has to live to give it back; what keeps a task from
 * its end is an obligation of that task, which somebody always settles.
 */

/** A task that wants a turn. */
type Entry = { taskId: string; owner: string; conversation?: string };

type Turns = Pick<Ports, "store" | "now">;

/** The conversation that a task goes on with; undefined for one that begins its own, which it never waits for. */
export const continuedBy = ({ id, conversation }: Pick<Task, "id" | "conversation">): string | undefined =>
  conversation?.id === conversationBegunBy(id) ? undefined : conversation?.id;

/** Whether nothing of a turn can run any more, so that the next may begin. */
export function isTurnOver(task: Task, nowMs: number): boolean {
  if (!hasEnded(task)) return false;
  // Its worker has said so itself, or its session has ended.
  if (task.outcome !== undefined || task.obligations.session === undefined) return true;
  const endedAtMs = Date.parse(task.phases[task.status] ?? task.updatedAt);
  return nowMs - endedAtMs > MAX_LIFETIME_SECONDS * 1000;
}

/** `busy`: the turn of another goes on; `behind`: another that waits was there before. */
export type TurnAnswer = "taken" | "busy" | "behind";
/** The answer, with the turn that was before where that is known. */
type Turn = { answer: TurnAnswer; before?: Task };

/**
 * Takes the turn for a task that is about to begin, or else notes it among those that wait. Taking it again changes nothing.
 */
export async function takeTurn(ports: Turns, { taskId, owner, conversation: id }: Entry): Promise<Turn> {
  if (id === undefined) return { answer: "taken" };
  for (;;) {
    const seen = await ports.store.getConversation(id);
    const now = orFirstTurn(id, owner, seen);
    if (now.turn === taskId) return { answer: "taken" };
    const { next, ...turn } = await wanted(ports, now, taskId);
    if (!next || (await ports.store.putConversation(next, seen))) return turn;
  }
}

/** What the task may have of a conversation, and the conversation when it has that; without `next` it has it already. */
async function wanted(ports: Turns, now: Conversation, taskId: string): Promise<Turn & { next?: Conversation }> {
  const place = now.waiting.indexOf(taskId);
  const waits = (answer: TurnAnswer) =>
    place < 0 ? { answer, next: { ...now, waiting: [...now.waiting, taskId] } } : { answer };
  if (!(await areGone(ports, place < 0 ? now.waiting : now.waiting.slice(0, place)))) return waits("behind");
  const holder = await readableOrNewer(ports.store, now.turn);
  if (holder === "newer" || (holder && !isTurnOver(holder, ports.now()))) return waits("busy");
  const last = holder && hasBegun(holder) ? holder : undefined;
  const { id, owner, before } = last ? { ...now, before: last.id } : now;
  const waiting = place < 0 ? [] : now.waiting.slice(place + 1);
  const next = { id, owner, turn: taskId, ...(before !== undefined && { before }), waiting };
  return { answer: "taken", next, ...(last && { before: last }) };
}

/** Whether all of these have ended without their turn: cancelled while they waited. */
async function areGone({ store }: Turns, waiting: readonly string[]): Promise<boolean> {
  for (const taskId of waiting) {
    const task = await readableOrNewer(store, taskId);
    if (task === "newer" || (task && !hasEnded(task))) return false;
  }
  return true;
}

const hasBegun = ({ phases }: Task): boolean => phases.provisioning !== undefined;

/**
 * What a task that has its turn goes on with: what the turn before it left, or was given where it left nothing. Undefined for
 * a task that has no conversation.
 */
export async function takeOver(
  { store }: Pick<Ports, "store">,
  task: Task,
  known?: Task,
): Promise<TaskConversation | undefined> {
  const id = continuedBy(task);
  if (id === undefined) return task.conversation;
  const before = known ?? (await turnBefore(store, id));
  const { session, state } = before?.conversation ?? {};
  return { id, ...(session && { session }), ...(state && { state }) };
}

async function turnBefore(store: Ports["store"], id: string): Promise<Task | undefined> {
  const before = (await store.getConversation(id))?.before;
  return before === undefined ? undefined : readable(store, before);
}
