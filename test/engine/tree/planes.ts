import { chooseProfile, route } from "../../../lib/config/routing.ts";
import type { ConfigurationInput } from "../../../lib/contract/configuration.ts";
import type { Status } from "../../../lib/contract/lifecycle.ts";
import type { Json, Task } from "../../../lib/contract/task.ts";
import { randomHex } from "../../../lib/contract/task-id.ts";
import { dispatch } from "../../../lib/engine/dispatch.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { recoverDue } from "../../../lib/engine/recovery.ts";
import { steps } from "../../../lib/engine/steps/index.ts";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import { moved, withFields } from "../../contract/make-task.ts";
import { openPorts } from "../../mcp/ports.ts";
import { onDynalite } from "../orchestration/system.ts";

export type Kind = "SQLite" | "DynamoDB";
export type LimitsInput = NonNullable<NonNullable<ConfigurationInput["defaults"]>["limits"]>;

/** Opens control planes on a store, whose tasks go on when a test says so; each has an owner of its own. */
export function planesOn(kind: Kind) {
  const table = onDynalite(kind);
  return (limits: LimitsInput = {}, profiles: Record<string, LimitsInput> = {}) => {
    let aheadMs = 0;
    let asked = 0;
    const owner = `owner-${randomHex(6)}`;
    const opened = openPorts({
      now: () => Date.now() + aheadMs,
      configuration: {
        accounts: { local: { provider: "local", credentialSource: "none" } },
        backends: { here: { adapter: "local-process", account: "local" } },
        runtimes: {
          local: { backend: "here", framework: "echo" },
          ...Object.fromEntries(
            Object.entries(profiles).map(([name, own]) => [name, { backend: "here", framework: "echo", limits: own }]),
          ),
        },
        defaults: { runtime: "local", limits: { maxRunning: 1000, ...limits } },
      },
    });
    const at = table();
    const ports: Ports = { ...opened, ...(at && { store: openTaskStore({ ...at, now: opened.now }) }) };
    const { store } = ports;
    const read = async (id: string) => (await store.get(id)) as Task;
    const move = (id: string, ...path: Status[]) =>
      store.change(id, (task) => path.reduce((now, status) => moved(now, status, ports.now()), task));
    return {
      owner,
      ports,
      read,
      move,
      advance: (ms: number) => {
        aheadMs += ms;
      },
      /** Dispatches a command, which no other is the same as unless it is said. */
      async spawn(
        {
          parent,
          command = `true ${asked++}`,
          runtime = "local",
          key,
          taskType = "command.run",
          folder,
        }: {
          parent?: string | undefined;
          command?: string;
          runtime?: string;
          key?: string;
          taskType?: "command.run" | "agent.run";
          folder?: string;
        } = {},
        by: Ports = ports,
      ): Promise<string> {
        const metadata = parent === undefined ? {} : { metadata: { parentTaskId: parent } };
        const details = folder === undefined ? {} : { details: { workspace: folder } };
        const request = { taskType, mode: "session", ...metadata, ...details };
        const profile = chooseProfile(ports.configuration(), runtime);
        const to = route(ports.configuration(), ports.backends, request, profile);
        const input: Json = taskType === "command.run" ? { command } : { instruction: command };
        const plan = { route: to, input, envField: "input.env", call: { input, metadata } } as const;
        return (await dispatch(by, owner, plan, key === undefined ? {} : { idempotencyKey: key })).taskId;
      },
      run: (id: string) => move(id, "starting", "running"),
      /** The job ends, having spent so much. */
      async end(id: string, { usd, status = "succeeded" }: { usd?: number; status?: "succeeded" | "failed" } = {}) {
        await store.change(id, (task) => {
          const now = moved(moved(task, "completing", ports.now()), status, ports.now());
          return usd === undefined ? now : withFields(now, { usage: { costUsd: usd } });
        });
      },
      clean: async (id: string, by: Ports = ports) => steps.Cleanup(by, { id, n: (await read(id)).executionNumber }),
      provision: async (id: string) => steps.Provision(ports, { id, n: (await read(id)).executionNumber }),
      recover: () => recoverDue(ports),
      statuses: async (...ids: string[]) => (await Promise.all(ids.map(read))).map(({ status }) => status),
    };
  };
}

/** What a call was refused with. */
export const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => "not refused",
    (error) => error,
  );
