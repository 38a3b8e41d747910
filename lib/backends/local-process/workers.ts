import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { killMarked, signal } from "../../../worker/processes/processes.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import type { Logger } from "../../contract/logger.ts";
import { listFolders } from "./session-folder.ts";
import { buildOfWorkers } from "./worker-build.ts";
import { WorkerClient } from "./worker-client.ts";
import { isOfBuild, type WorkerFolder, workerFolder, workerIdOf } from "./worker-folder.ts";
import { awaitListening, type LaunchedWorker, startWorker } from "./worker-process.ts";

/** How long after a session was placed another worker is made, so that it does not compete with the job that just began. */
const GROW_MS = 150;
/** The same after the first worker of a system: the first job comes often as soon as it can. */
const FIRST_GROW_MS = 1000;
/** Beyond two workers, which keep the death of one from being the end of all, one more is made for so many sessions. */
const SESSIONS_PER_WORKER = 8;

/** A worker process, of this control plane or of an earlier one. */
export type PooledWorker = {
  readonly id: string;
  readonly folder: WorkerFolder;
  readonly client: WorkerClient;
  /** Resolves once it can be spoken to. Rejects with RetryableError `worker.did_not_start` when it never will. */
  readonly listening: Promise<unknown>;
  /** Undefined for one of an earlier control plane, of which only its process id is known. */
  readonly launched: Promise<LaunchedWorker> | undefined;
  readonly pid: number | undefined;
  readonly sessions: Set<string>;
  isUp: boolean;
  hasEnded: boolean;
  /** It does not answer: what it serves may go on, and nothing more is given to it. */
  isDistrusted: boolean;
};

type Options = {
  /** Folder in which each worker has one. */
  root: string;
  log: Logger;
  /** Whether workers are kept ready for the next task. */
  isWarm: () => boolean;
};

/**
 * The worker processes of this machine, and which of them serves which session. At most as many as there are cores are made;
 * each is kept until it ends by itself because nobody uses it. One of an earlier control plane is given new sessions if it was
 * started as this one would; the others end with their last, and count among the cores until then.
 */
export class WorkerPool {
  readonly #options: Options;
  readonly #workers = new Map<string, PooledWorker>();
  readonly #bySession = new Map<string, PooledWorker>();
  readonly #limit = availableParallelism();
  readonly #build = buildOfWorkers();
  #growing: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The worker that serves a session, as far as this control plane knows. */
  of(sessionId: string): PooledWorker | undefined {
    return this.#bySession.get(sessionId);
  }

  /** Gives a session to the worker with the fewest, which may still be starting. */
  place(sessionId: string): PooledWorker {
    const able = [...this.#workers.values()].filter((worker) => this.#isAble(worker));
    const up = able.filter(({ isUp }) => isUp);
    const worker = fewest(up.length > 0 ? up : able) ?? this.#launch();
    this.#growSoon();
    return this.#note(sessionId, worker);
  }

  /** A session of an earlier control plane is found again with the worker that was noted for it. */
  adopt(sessionId: string, workerId: string | undefined): PooledWorker | undefined {
    if (this.#bySession.has(sessionId) || workerId === undefined) return this.of(sessionId);
    return this.#note(sessionId, this.#workers.get(workerId) ?? this.#known(workerId));
  }

  /** Nothing more is given to the worker of this session, which was not there or did not answer. */
  distrust(sessionId: string): void {
    const worker = this.#bySession.get(sessionId);
    if (worker) worker.isDistrusted = true;
  }

  /** The session has ended. Its worker ends with it if it serves no other and is not to be given any. */
  async leave(sessionId: string): Promise<void> {
    const worker = this.#bySession.get(sessionId);
    if (!worker) return;
    this.#bySession.delete(sessionId);
    worker.sessions.delete(sessionId);
    if (worker.sessions.size === 0 && !this.#isAble(worker)) await this.#end(worker);
  }

  /** Makes the first worker that is kept ready, where none is, and soon the others. Never rejects: a task waits a little longer. */
  async prewarm(): Promise<void> {
    if (this.#isClosing || !this.#options.isWarm()) return;
    try {
      await this.#find();
      if (this.#able < this.#wanted) await this.#launch().listening;
      this.#growSoon(FIRST_GROW_MS);
    } catch (error) {
      if (!this.#isClosing) this.#options.log.warn("no worker could be prewarmed", { error: String(error) });
    }
  }

  /** Ends every worker that serves no session: those that get none, and at the end of this control plane all. */
  async endUnused(): Promise<void> {
    await this.#find();
    for (const worker of [...this.#workers.values()]) {
      if (worker.sessions.size === 0 && (this.#isClosing || !this.#isAble(worker))) await this.#end(worker);
    }
  }

  /** Makes no more workers. */
  close(): void {
    this.#isClosing = true;
    clearTimeout(this.#growing);
  }

  get #able(): number {
    return [...this.#workers.values()].filter((worker) => this.#isAble(worker)).length;
  }

  get #wanted(): number {
    const open = this.#bySession.size;
    const least = open > 1 || this.#options.isWarm() ? 2 : 1;
    const others = [...this.#workers.values()].filter((worker) => isRunning(worker) && !this.#isAble(worker)).length;
    return Math.min(Math.max(1, this.#limit - others), Math.max(least, Math.ceil(open / SESSIONS_PER_WORKER)));
  }

  #growSoon(afterMs = GROW_MS): void {
    if (this.#growing || this.#able >= this.#wanted) return;
    this.#growing = setTimeout(() => {
      this.#growing = undefined;
      if (this.#isClosing || this.#able >= this.#wanted) return;
      // A failure says nothing of the tasks: those that are given to it hear of it themselves.
      this.#launch()
        .listening.then(() => this.#growSoon())
        .catch(() => {});
    }, afterMs).unref();
  }

  #launch(): PooledWorker {
    const id = workerIdOf(this.#build, randomBytes(4).toString("hex"));
    const folder = workerFolder(this.#options.root, id);
    const launched = startWorker(folder);
    const client = new WorkerClient(folder.socketFile);
    const listening = launched.then((process) => awaitListening(client, folder, process));
    const worker = this.#add({ id, folder, client, launched, pid: undefined, listening });
    const hasEnded = () => {
      worker.hasEnded = true;
      if (worker.sessions.size === 0) this.#end(worker).catch(() => {});
    };
    listening.then(() => {
      worker.isUp = true;
    }, hasEnded);
    launched.then(({ child }) => child.once("exit", hasEnded), hasEnded);
    return worker;
  }

  /** Those of earlier control planes. */
  async #find(): Promise<void> {
    for (const id of await listFolders(this.#options.root)) if (!this.#workers.has(id)) this.#known(id);
  }

  #known(id: string): PooledWorker {
    const folder = workerFolder(this.#options.root, id);
    const client = new WorkerClient(folder.socketFile);
    const worker = this.#add({
      id,
      folder,
      client,
      launched: undefined,
      pid: folder.readPid(),
      listening: Promise.resolve(),
    });
    worker.isUp = true;
    return worker;
  }

  #add(worker: Pick<PooledWorker, "id" | "folder" | "client" | "launched" | "pid" | "listening">): PooledWorker {
    const added = { ...worker, sessions: new Set<string>(), isUp: false, hasEnded: false, isDistrusted: false };
    this.#workers.set(worker.id, added);
    return added;
  }

  /** Whether it can be given sessions. */
  #isAble(worker: PooledWorker): boolean {
    return (
      isRunning(worker) && !worker.isDistrusted && (worker.launched !== undefined || isOfBuild(worker.id, this.#build))
    );
  }

  #note(sessionId: string, worker: PooledWorker): PooledWorker {
    // Placed before, where its folder could not be made.
    this.#bySession.get(sessionId)?.sessions.delete(sessionId);
    this.#bySession.set(sessionId, worker);
    worker.sessions.add(sessionId);
    return worker;
  }

  async #end(worker: PooledWorker): Promise<void> {
    worker.hasEnded = true;
    this.#workers.delete(worker.id);
    worker.client.close();
    const child = (await worker.launched?.catch(() => undefined))?.child;
    if (!child) await killMarked(environmentVariables.workerSocket, worker.folder.socketFile);
    else if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) {
      // Whoever waits for it must not end before.
      child.ref();
      await once(child, "exit");
    }
    await worker.folder.remove();
  }
}

const isRunning = ({ hasEnded, launched, pid }: PooledWorker): boolean =>
  !hasEnded && (launched !== undefined || (pid !== undefined && signal(pid, 0)));

function fewest(workers: readonly PooledWorker[]): PooledWorker | undefined {
  return workers.toSorted((a, b) => a.sessions.size - b.sessions.size)[0];
}
