import { randomUUID } from "node:crypto";
import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import { killMarked } from "../../../worker/processes/processes.ts";
import { startWorker, type TestWorker } from "../../worker/start-worker.ts";
import { containerUrl } from "./containers.ts";

/** What a container answered. */
export type ContainerReply = { ok: boolean; status: number; contentType: string; text: string };

/** The machines of an emulated account, by runtime and session. */
export type Park = Pick<Machines, "running" | "booted" | "seconds" | "of" | "post" | "end" | "endAll">;

type Machine = { worker: Promise<TestWorker>; bootedAt: number; marker: string };

/**
 * The microVMs: one real worker process per runtime and session. The first invocation of a session starts one; after a
 * stop, the next invocation starts another, as on AgentCore.
 */
export class Machines {
  readonly #machines = new Map<string, Machine>();
  #booted = 0;
  #milliseconds = 0;

  /** Sessions that have a machine now. */
  get running(): string[] {
    return [...this.#machines.keys()];
  }
  get booted(): number {
    return this.#booted;
  }
  /** Seconds that machines have run so far: what is billed. */
  get seconds(): number {
    const open = [...this.#machines.values()].map(({ bootedAt }) => performance.now() - bootedAt);
    return [this.#milliseconds, ...open].reduce((sum, ms) => sum + ms, 0) / 1000;
  }

  /** Where the container of a session listens. */
  async of(key: string, env: Record<string, string>): Promise<URL> {
    return new URL((await this.#workerOf(key, env)).url);
  }

  /** Hands a request to the container of a session; undefined when it did not answer. */
  async post(
    key: string,
    env: Record<string, string>,
    serverProtocol: string,
    body: Buffer,
  ): Promise<ContainerReply | undefined> {
    const container = await this.of(key, env);
    const reply = await fetch(containerUrl({ container, serverProtocol }), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    }).catch(() => undefined);
    if (!reply) return undefined;
    const { ok, status } = reply;
    return {
      ok,
      status,
      contentType: reply.headers.get("content-type") ?? "application/json",
      text: await reply.text(),
    };
  }

  #workerOf(key: string, env: Record<string, string>): Promise<TestWorker> {
    const known = this.#machines.get(key);
    if (known) return known.worker;
    this.#booted += 1;
    const marker = `emulator-${randomUUID()}`;
    const worker = startWorker({ ...env, [environmentVariables.sessionMarker]: marker });
    this.#machines.set(key, { worker, bootedAt: performance.now(), marker });
    return worker;
  }

  /** Ends the machine of a session with all its processes; false when it has none. */
  async end(key: string): Promise<boolean> {
    const machine = this.#machines.get(key);
    if (!machine) return false;
    this.#machines.delete(key);
    this.#milliseconds += performance.now() - machine.bootedAt;
    const worker = await machine.worker;
    worker.process.kill("SIGKILL");
    await killMarked(environmentVariables.sessionMarker, machine.marker);
    await worker[Symbol.asyncDispose]();
    return true;
  }

  async endAll(): Promise<void> {
    await Promise.all(this.running.map((key) => this.end(key)));
  }
}
