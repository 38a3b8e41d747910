import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json } from "../../lib/contract/task.ts";
import type { DynamoStore } from "../../lib/system/local.ts";
import { type AtEnd, connect, type Revision } from "../mcp/clients.ts";
import { type SystemClient, type SystemOptions, startSystem, systemClient, temporaryFolder } from "./system.ts";

/** What only workers may see: the backend `here` of every system under test gives it to them. */
export const workersOnly = { PROVIDER_KEY: "canary-of-the-worker" };

export type OpenOptions = {
  atEnd: AtEnd;
  /** `maxRunning` is 1. */
  narrow?: boolean;
};

/** A system as one test has it; the tasks of other tests are not to be seen. */
export type OpenedSystem = {
  client: SystemClient;
  /** A folder of the test. */
  folder: string;
  /** Another connection of the same caller. */
  connect(revision: Revision): Promise<{ client: SystemClient; listTools(): Promise<Json[]> }>;
  /** All that is kept of tasks, as text. */
  content(): Promise<string>;
  /** Ends the control plane as a crash would; resolves with a client of what comes after it. */
  restart(): Promise<SystemClient>;
};

/** A system that the suites run on. */
export type SystemUnderTest = {
  /** What its tools tell of it; `framework` is the one that agents run in where nobody says which. */
  about: {
    providers: string[];
    accounts: Json[];
    capabilities: Json[];
    check: Json;
    backend: string;
    framework?: string;
  };
  /** Arguments of dispatch_task that bring a command to the backend whose workers know a secret. */
  secretPlace: Json;
  open(options: OpenOptions): Promise<OpenedSystem>;
  /** The next step at that state waits until it is released. */
  openHeld(state: string, options: OpenOptions): Promise<OpenedSystem & { isThere: Promise<void>; release(): void }>;
  /**
   * The control plane dies after the effect of the next step at that state and before its answer; then `died` resolves, and
   * `next` with a client of what goes on.
   */
  openDying(
    state: string,
    options: OpenOptions,
  ): Promise<OpenedSystem & { died: Promise<void>; next(): Promise<SystemClient> }>;
  /** The content of an artifact's address. */
  read(uri: string): Promise<Buffer>;
};

export const localAbout = {
  providers: ["local"],
  accounts: [{ name: "local", provider: "local" }],
  capabilities: [
    { adapter: "local-process", targetModes: ["session"] },
    { adapter: "aws-agentcore", targetModes: ["runtime", "session"] },
  ],
  check: { adapter: "local-process" },
  backend: "local-process",
};

type LocalVariant = {
  about?: SystemUnderTest["about"];
  secretPlace?: Json;
  /** Added to what every system is started with; read when one is. */
  options?: () => SystemOptions;
  storeOf?: (stateDir: string) => DynamoStore;
  contentOf?: (stateDir: string) => Promise<string>;
};

/** The local system, each test with a process and a state folder of its own. */
export function localSystem(variant: LocalVariant = {}): SystemUnderTest {
  const start = (folder: string, { atEnd, narrow }: OpenOptions, more: SystemOptions = {}) =>
    startSystem(folder, {
      configuration: {
        backends: { here: { adapter: "local-process", account: "local", details: { environment: workersOnly } } },
        runtimes: { echo: { backend: "here", framework: "echo" } },
      },
      limits: { graceSeconds: 1, ...(narrow && { maxRunning: 1 }) },
      ...(variant.storeOf && { store: variant.storeOf(folder) }),
      ...variant.options?.(),
      atEnd,
      ...more,
    });

  async function openWith(options: OpenOptions, more?: SystemOptions) {
    const folder = temporaryFolder(options.atEnd);
    const running = await start(folder, options, more);
    const { place } = variant.options?.() ?? {};
    const opened: OpenedSystem = {
      client: running.client,
      folder,
      async connect(revision) {
        const connected = await connect(running.url, revision, running.token, options.atEnd);
        const client = systemClient(connected, { atEnd: options.atEnd, ...(place && { place }) });
        return { client, listTools: connected.listTools };
      },
      content: () => (variant.contentOf ?? contentOfFile)(folder),
      async restart() {
        await running.kill("SIGKILL");
        return (await start(folder, options)).client;
      },
    };
    return { running, folder, opened };
  }

  return {
    about: variant.about ?? localAbout,
    secretPlace: variant.secretPlace ?? { backend: "here" },
    open: async (options) => (await openWith(options)).opened,
    async openHeld(state, options) {
      const { opened, folder } = await openWith(options, { held: state });
      const release = () => writeFileSync(join(folder, "released"), "");
      options.atEnd(release);
      return { ...opened, isThere: made(join(folder, "held")), release };
    },
    async openDying(state, options) {
      const { opened, folder, running } = await openWith(options, { dying: state });
      const died = new Promise<void>((resolve) => running.process.once("exit", () => resolve()));
      return { ...opened, died, next: async () => (await start(folder, options)).client };
    },
    read: async (uri) => readFileSync(new URL(uri)),
  };
}

async function contentOfFile(stateDir: string): Promise<string> {
  const files = ["tasks.sqlite", "tasks.sqlite-wal"];
  return files.map((name) => readFileSync(join(stateDir, name), "latin1")).join("");
}

async function made(file: string): Promise<void> {
  while (!existsSync(file)) await sleep(10);
}
