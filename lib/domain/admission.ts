import { isTerminal } from "./lifecycle.ts";
import { resolveLimits } from "./limits.ts";
import type { Ports, QueueEntry, TaskStore } from "./ports.ts";
import { own } from "./profile.ts";
import { transition } from "./task.ts";

const PAGE = 10;

type Passes = { running: Promise<void>; next?: Promise<void> };
const passes = new WeakMap<TaskStore, Map<string, Passes>>();

/**
 * Lets the owner's oldest queued tasks begin while both limits allow it, passing over those whose profile is full.
 * Safe to call at any time and from anywhere at once: the slots are taken by one conditional write. Of the calls in one
 * process only one passes through an owner's queue at a time, and those that come meanwhile share the next pass.
 */
export function admit(ports: Ports, owner: string): Promise<void> {
  const ofStore = passes.get(ports.store) ?? new Map<string, Passes>();
  passes.set(ports.store, ofStore);
  const known = ofStore.get(owner);
  if (known?.next) return known.next;

  const pass = known
    ? known.running.then(
        () => run(),
        () => run(),
      )
    : run();
  if (known) known.next = pass;
  return pass;

  function run(): Promise<void> {
    const mine: Passes = { running: passThrough(ports, owner) };
    ofStore.set(owner, mine);
    const forget = () => {
      if (!mine.next) ofStore.delete(owner);
    };
    mine.running.then(forget, forget);
    return mine.running;
  }
}

async function passThrough(ports: Ports, owner: string): Promise<void> {
  const fullProfiles = new Set<string>();
  let after: QueueEntry | undefined;
  do {
    const entries: QueueEntry[] = await ports.store.listQueue(owner, PAGE, after);
    for (const entry of entries) {
      if (fullProfiles.has(entry.profile)) continue;
      const configuration = ports.configuration();
      const limits = resolveLimits(configuration, own(configuration.runtimes, entry.profile), {});
      const answer = await ports.store.takeSlot(entry, limits);
      if (answer === "full") return;
      if (answer === "taken") await begin(ports, entry);
      else fullProfiles.add(entry.profile);
    }
    after = entries.length === PAGE ? entries.at(-1) : undefined;
  } while (after);
}

/** Moves a task that holds a slot on, and starts its execution. One that was cancelled meanwhile gives the slot back. */
async function begin(ports: Ports, entry: QueueEntry): Promise<void> {
  const { store, workflow, log } = ports;
  const { taskId, owner, profile } = entry;
  const known = await store.get(taskId);
  const task =
    known &&
    (await store.change(taskId, (current) => {
      if (current.status !== "queued") return undefined;
      const now = ports.now();
      return {
        ...transition(current, "provisioning", now),
        owes: { ...current.owes, slot: profile },
        dueAtMs: now + 60_000,
      };
    }));
  await store.dequeue(entry);
  if (!task || (isTerminal(task.status) && task.owes.slot === undefined)) {
    await store.releaseSlot(owner, profile, taskId);
    return;
  }
  try {
    await workflow.start(taskId, task.n);
  } catch (error) {
    log.warn("the execution could not be started; the janitor will", { taskId, error: String(error) });
  }
}
