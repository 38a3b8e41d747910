import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import type { Json } from "../../lib/contract/task.ts";
import { processesOf, type StormProcess, signal } from "./processes.ts";

const script = join(import.meta.dirname, "../fixtures/local-system.ts");
const CALL_MS = 20_000;

/** A refusal that trying again does not mend. */
export class Refused extends Error {
  readonly code: string;
  constructor(tool: string, problem: { code: string; message: string }) {
    super(`${tool}: ${problem.code}: ${problem.message}`);
    this.code = problem.code;
  }
}

/** A machine with a local system on it, which may go down at any moment and comes back. */
export class Machine {
  readonly stateDir: string;
  #system: ChildProcess | undefined;
  #client: Promise<Client>;

  constructor(stateDir: string, limits: Json) {
    this.stateDir = stateDir;
    writeFileSync(join(stateDir, "config.json"), JSON.stringify({ defaults: { limits } }));
    this.#client = this.#start();
  }

  get pid(): number | undefined {
    return this.#system?.pid;
  }

  /** Workers and jobs. */
  processes(): StormProcess[] {
    return processesOf(this.stateDir, this.pid);
  }

  /** Resolves once the system serves. */
  async isUp(): Promise<void> {
    await this.#client;
  }

  /**
   * Calls a tool until it is answered, however often the system goes down meanwhile: as a client does that was promised that
   * it may. Throws Refused, or when `signal` aborts.
   */
  async call(tool: string, input: Json, giveUp: AbortSignal): Promise<Json> {
    for (;;) {
      giveUp.throwIfAborted();
      try {
        const client = await this.#client;
        const result = await client.callTool({ name: tool, arguments: input }, { timeout: CALL_MS });
        if (!result.isError) return result.structuredContent as Json;
        const [content] = result.content;
        const { error } = JSON.parse(content?.type === "text" ? content.text : "") as {
          error: { code: string; message: string; retryable: boolean };
        };
        if (!error.retryable) throw new Refused(tool, error);
      } catch (error) {
        if (error instanceof Refused) throw error;
      }
      await sleep(50);
    }
  }

  /** Ends the system, as a person or a crash does; `meanwhile` happens before it is started again. */
  async restart(how: NodeJS.Signals, meanwhile: () => void = () => {}): Promise<void> {
    const down = this.#end(how).then(meanwhile);
    this.#client = down.then(() => this.#start());
    this.#client.catch(() => {});
    await down;
  }

  /** Ends the system for good. */
  async stop(): Promise<void> {
    await this.#client.catch(() => {});
    await this.#end("SIGTERM");
  }

  async #end(how: NodeJS.Signals): Promise<void> {
    const system = this.#system;
    if (!system || system.exitCode !== null || system.signalCode !== null) return;
    signal(system.pid, "SIGCONT");
    signal(system.pid, how);
    await once(system, "exit");
  }

  async #start(): Promise<Client> {
    const { stateDir } = this;
    const system = spawn(process.execPath, [script, JSON.stringify({ stateDir })], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        [environmentVariables.logLevel]: "error",
        ...process.env,
        [environmentVariables.configFile]: join(stateDir, "config.json"),
      },
    });
    this.#system = system;
    for await (const line of createInterface({ input: system.stdout })) {
      const { url, token } = JSON.parse(line) as { url: string; token: string };
      const client = new Client({ name: "storm", version: "1" });
      const requestInit = { headers: { authorization: `Bearer ${token}` } };
      await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
      return client;
    }
    throw new Error("the system ended before it served");
  }
}
