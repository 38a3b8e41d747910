import { DispatchError, RetryableError } from "../../lib/contract/errors.ts";
import type { Json } from "../../lib/contract/task.ts";
import { conversationBegunBy } from "../../lib/contract/task-id.ts";
import { TaskService } from "../../lib/engine/service.ts";
import type { Chance } from "../storms/random.ts";
import { callOf, turnCallOf } from "./calls.ts";
import { answerOf } from "./jobs.ts";
import type { Called } from "./scenario.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { World } from "./world.ts";

type Asking = { world: World; time: VirtualTime; owner: string };

/** Asks by the tools' door, again and again while that may help: as a client does whose connection breaks. */
export async function ask<T>(
  { world, time, owner }: Asking,
  tool: string,
  use: (service: TaskService) => Promise<T>,
): Promise<T | DispatchError> {
  return insist(time, () => world.call(`mcp:${tool}`, 60, (ports) => use(new TaskService(ports, owner))));
}

/** Does it again and again while that may help; what it is refused with is an answer. */
export async function insist<T>(time: VirtualTime, act: () => Promise<T>): Promise<T | DispatchError> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (error instanceof DispatchError && !(error instanceof RetryableError)) return error;
      if (attempt >= 30) throw error;
      await time.sleep(1000 * Math.min(30, 2 ** attempt));
    }
  }
}

/** Dispatches what was wished for, and does with it what such a caller does. */
export async function actAsCaller(
  world: World,
  { time, chance }: { time: VirtualTime; chance: Chance },
  called: Called,
  all: readonly Called[],
): Promise<void> {
  const { wish } = called;
  const asking = { world, time, owner: wish.owner };
  await time.sleep(wish.atMs);
  const before = await handleOf(time, all[wish.childOf ?? wish.turnOf ?? -1]);
  const conversation = wish.turnOf === undefined || before === undefined ? undefined : conversationBegunBy(before);
  const parent = wish.childOf === undefined ? undefined : before;
  const dispatch = (service: TaskService) =>
    wish.place === "conversation"
      ? spawned(service, turnCallOf(wish, conversation))
      : service.dispatch(callOf(wish, parent));
  if (wish.vanishes) {
    await world.call("mcp:dispatch", 60, (ports) => dispatch(new TaskService(ports, wish.owner))).catch(() => {});
    return;
  }
  const handle = await ask(asking, "dispatch", dispatch);
  if (handle instanceof DispatchError) {
    called.refused = handle.code;
    return;
  }
  called.taskId = handle.taskId;
  await Promise.all([follow(asking, chance, called, handle.taskId), cancelInTime(asking, called, handle.taskId)]);
}

/** The task that another one is for, once it is there; undefined if it never will be. */
async function handleOf(time: VirtualTime, called: Called | undefined): Promise<string | undefined> {
  while (called && called.taskId === undefined && called.refused === undefined) await time.sleep(1000);
  return called?.taskId;
}

async function spawned(service: TaskService, call: Json): Promise<{ taskId: string }> {
  const answer = await service.spawn(call);
  if ("taskId" in answer) return answer;
  throw new Error(`a turn was asked for more: ${JSON.stringify(answer)}`);
}

async function cancelInTime(asking: Asking, called: Called, taskId: string): Promise<void> {
  if (called.wish.cancelAfterMs === undefined) return;
  await asking.time.sleep(called.wish.cancelAfterMs);
  called.cancelAsked = true;
  const answer = await ask(asking, "cancel", (service) => service.cancel({ task_id: taskId }));
  called.cancel = answer instanceof DispatchError ? "refused" : "accepted";
}

/** Looks how it stands, and answers what it asks, until it has ended. */
async function follow(asking: Asking, chance: Chance, { wish }: Called, taskId: string): Promise<void> {
  for (;;) {
    const record = await ask(
      asking,
      "status",
      (service): Promise<Json> =>
        wish.isWaited ? service.wait({ task_id: taskId, timeout_seconds: 25 }) : service.status({ task_id: taskId }),
    );
    if (record instanceof DispatchError) throw record;
    const status = String(record.status);
    if (["succeeded", "failed", "cancelled"].includes(status)) return;
    if (status === "input_required") {
      await asking.time.sleep(chance.between(0, 60_000));
      const keys = Object.keys((record.inputRequests ?? {}) as Json);
      const responses = Object.fromEntries(
        keys.map((key) => [
          key,
          { action: "accept", content: { answer: answerOf(wish.job, Number(key.split("-")[1])) } },
        ]),
      );
      await ask(asking, "answer", (service) => service.input({ task_id: taskId, responses }));
    } else await asking.time.sleep(wish.isWaited ? 1000 : chance.between(10_000, 120_000));
  }
}
