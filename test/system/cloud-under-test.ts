import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { Deployed } from "../../lib/backends/agentcore/cloud-defaults.ts";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import type { Json } from "../../lib/contract/task.ts";
import { type TaskItem, toTask } from "../../lib/store/dynamodb/task-item.ts";
import { type Caller, signingFetch } from "../aws/callers.ts";
import type { CloudSystem } from "../emulators/cloud-system.ts";
import { connect, type Revision } from "../mcp/clients.ts";
import { type SystemClient, systemClient, temporaryFolder } from "./system.ts";
import { type OpenedSystem, type OpenOptions, type SystemUnderTest, workersOnly } from "./under-test.ts";

const adapter = "aws-agentcore";

/** A profile is limited by its own name, and a call without one by the name of its backend. */
export function cloudConfiguration({ workerImageUri, workerRoleArn, sharedRuntimeArn }: Deployed): ConfigurationInput {
  const details = { ecrImageUri: workerImageUri, executionRoleArn: workerRoleArn, runtimeArn: sharedRuntimeArn };
  return {
    backends: {
      narrow: { adapter, account: "aws", details },
      here: { adapter, account: "aws", details: { ...details, environment: workersOnly } },
    },
    runtimes: {
      narrow: { backend: "narrow", limits: { maxRunning: 1 } },
      echo: { backend: "narrow", target: { mode: "session" }, framework: "echo" },
    },
    defaults: { limits: { maxRunning: 50, graceSeconds: 1 } },
    allowed: { runtimes: ["arn:aws:bedrock-agentcore:*:*:runtime/strangers-*"] },
  };
}

type Mode = "runtime" | "session";
export const onAws = (mode: Mode, more: Json = {}): Json => ({
  provider: "aws",
  account_profile: "aws",
  target: { mode },
  ...more,
});

export type OpenedCloud = OpenedSystem & {
  caller: Caller;
  /** Another caller's client. */
  clientOf(caller: Caller): Promise<SystemClient>;
};

/** What the tools of a deployed stack tell of it. */
export const cloudAbout = {
  providers: ["aws"],
  accounts: [{ name: "aws", provider: "aws" }],
  capabilities: [{ adapter, targetModes: ["runtime", "session"] }],
  check: { adapter, target_mode: "runtime" },
  backend: adapter,
  framework: "strands",
};

/** One cloud for all tests, each as a caller of its own; commands run in sessions on the shared runtime. */
export function cloudUnderTest(cloud: () => CloudSystem) {
  async function openAs(caller: Caller, { atEnd, narrow = false }: OpenOptions): Promise<OpenedCloud> {
    const place = onAws("session", { backend: narrow ? "narrow" : "agentcore" });
    async function connectAs(who: Caller, revision: Revision) {
      const connected = await connect(cloud().url, revision, signingFetch(who), atEnd);
      return { client: systemClient(connected, { place, atEnd }), listTools: connected.listTools };
    }
    const { client } = await connectAs(caller, "2026-07-28");
    return {
      client,
      caller,
      folder: temporaryFolder(atEnd),
      connect: (revision) => connectAs(caller, revision),
      clientOf: async (who) => (await connectAs(who, "2026-07-28")).client,
      content: () => contentOf(cloud()),
      async restart() {
        await Promise.all(Object.values(cloud().functions).map((each) => each.recycle()));
        return client;
      },
    };
  }

  return {
    about: cloudAbout,
    secretPlace: { backend: "here", target: { mode: "runtime" } },
    open: (options: OpenOptions) => openAs(cloud().admit(), options),
    async openHeld(state: string, options: OpenOptions) {
      const caller = cloud().admit();
      const held = cloud().holdAt(state, caller);
      options.atEnd(held.release);
      return { ...(await openAs(caller, options)), ...held };
    },
    async openDying(state: string, options: OpenOptions) {
      const caller = cloud().admit();
      const opened = await openAs(caller, options);
      return { ...opened, died: cloud().dieAt(state, caller), next: async () => opened.client };
    },
    read: async (uri: string) => {
      const answer = await fetch(uri);
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
      return Buffer.from(await answer.arrayBuffer());
    },
  } satisfies SystemUnderTest;
}

/** Every item and every object. */
async function contentOf({ dynalite, table, objects }: CloudSystem): Promise<string> {
  const items: unknown[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await dynalite.client.send(new ScanCommand({ TableName: table, ExclusiveStartKey: from }));
    items.push(...(page.Items ?? []).map((item) => (item.sk === "TASK" ? toTask(item as TaskItem) : item)));
    from = page.LastEvaluatedKey;
  } while (from);
  return JSON.stringify(items) + [...objects.values()].map(({ body }) => String(body)).join("");
}
