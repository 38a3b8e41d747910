import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Json, Task } from "../../../lib/contract/task.ts";
import { childId } from "../../../lib/engine/orchestration/children.ts";
import { TaskService } from "../../../lib/engine/service.ts";
import { openTaskStore, type TaskStoreOptions } from "../../../lib/store/dynamodb/task-store.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";
import { keptValues } from "../../fixtures/kept-values.ts";
import { type VirtualSystem, virtualSystem } from "../../fixtures/virtual-system.ts";

export const OWNER = "local";

/** Where a task that is made of others is sent. */
export const place = {
  provider: "local",
  account_profile: "local",
  capability: "agent-runtime",
  target: { mode: "session" },
};

type Options = NonNullable<Parameters<typeof virtualSystem>[0]>;

/** A table for the tests of a file, made before each of them; undefined where they are not on DynamoDB. */
export function onDynalite(
  kind: "SQLite" | "DynamoDB",
): () => Pick<TaskStoreOptions, "tableName" | "client"> | undefined {
  let dynalite: Dynalite | undefined;
  let tableName = "";
  beforeAll(async () => {
    if (kind === "DynamoDB") dynalite = await startDynalite();
  });
  beforeEach(async () => {
    if (dynalite) tableName = await dynalite.makeTable();
  });
  afterAll(() => dynalite?.stop());
  return () => dynalite && { tableName, client: dynalite.client };
}

/** Opens virtual systems on a store. */
export function systemsOn(kind: "SQLite" | "DynamoDB") {
  const table = onDynalite(kind);
  return async (options: Options = {}) => {
    const artifacts = { ...keptValues(), ...options.artifacts };
    const at = table();
    const openStore = at && (({ now }: { now: () => number }) => openTaskStore({ ...at, now }));
    const system = virtualSystem({ durationMs: () => 60_000, ...(openStore && { openStore }), ...options, artifacts });
    return Object.assign(system, orchestrating(system));
  };
}

function orchestrating(system: VirtualSystem) {
  const service = new TaskService(system.ports, OWNER);
  const start = async (task_type: string, input: Json, more: Json = {}): Promise<string> =>
    (await service.dispatch({ ...place, task_type, input, ...more })).taskId;
  return {
    service,
    parallel: (input: Json, more?: Json) => start("parallel.run", input, more),
    dialogue: (input: Json, more?: Json) => start("dialogue.run", input, more),
    /** The child at a position, as it stands. */
    child: async (parent: string, position: number): Promise<Task | undefined> =>
      system.ports.store.get(await childId(parent, position)),
    /** All that is left of work, by name: everything is empty once all is over. */
    async left() {
      const { store } = system.ports;
      return {
        due: await store.listDue(Number.MAX_SAFE_INTEGER, 1000),
        slots: (await store.listSlots(OWNER)).running,
        queue: await store.listQueue(OWNER, 10),
        sessions: [...system.backend.sessions.keys()],
      };
    },
  };
}

export const nothing = { due: [], slots: [], queue: [], sessions: [] };

/** So many items, each with a job of its own. */
export const items = (count: number, more: Json = {}): Json[] =>
  Array.from({ length: count }, (_, i) => ({ instruction: `job ${i}`, ...more }));
