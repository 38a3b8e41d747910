import { AsyncLocalStorage } from "node:async_hooks";
import { readSessionConfig, type WorkerConfig } from "./config.ts";
import { PipePool } from "./processes/pipes.ts";
import { report } from "./report.ts";
import { Session } from "./sessions/session.ts";

/** On a machine of its own a worker has one session, which has no name. */
const ONLY = "";
/** Pipes made at a time: for one job, or for many that follow each other. */
const PIPES = { own: 1, shared: 64 };

type Environment = Readonly<Record<string, string | undefined>>;

/** All that the process remembers: its sessions, by name. */
export class Worker {
  readonly config: WorkerConfig;
  readonly isShared: boolean;
  readonly #pipes: PipePool;
  readonly #sessions = new Map<string, Session>();
  readonly #ending = new Map<string, Promise<void>>();
  readonly #current = new AsyncLocalStorage<Session>();
  #since = Math.floor(Date.now() / 1000);
  #startedAt = performance.now();
  #usedAt = performance.now();

  /** The environment is that of the one session, where sessions are not opened. Throws an Error that names a variable at fault. */
  constructor(config: WorkerConfig, environment: Environment) {
    this.config = config;
    this.isShared = "socket" in config.listen;
    this.#pipes = new PipePool(this.isShared ? PIPES.shared : PIPES.own);
    if (!this.isShared) this.#add(ONLY, environment);
  }

  /** Makes ahead of time what the first task needs. */
  prepare(): void {
    void this.#pipes.prepare();
    this.#sessions.get(ONLY)?.prepare();
  }

  /** The session that a request names; undefined when there is none. */
  session(name: string | undefined): Session | undefined {
    return this.#sessions.get(this.isShared ? (name ?? "") : ONLY);
  }

  /** Opens a session with its environment; one of that name that is open stays as it is. Throws as the constructor does. */
  open(name: string, environment: Environment): Session {
    this.#usedAt = performance.now();
    const known = this.#sessions.get(name);
    if (known) return known;
    const session = this.#add(name, environment);
    session.prepare();
    return session;
  }

  /** Ends a session with everything that runs in it; resolves when it has ended. One that is gone is success. */
  end(name: string, graceSeconds = 0): Promise<void> {
    const session = this.#sessions.get(name);
    if (!session) return this.#ending.get(name) ?? Promise.resolve();
    // From now on nobody can start anything in it.
    this.#sessions.delete(name);
    this.#usedAt = performance.now();
    const ended = session.close(graceSeconds).finally(() => this.#ending.delete(name));
    this.#ending.set(name, ended);
    return ended;
  }

  /** Does work of a session, so that an error that nothing catches is known to be its own. */
  within<T>(session: Session, work: () => T): T {
    return this.#current.run(session, work);
  }

  /** An error that nothing caught ends the task of the session whose work it was, and no other. */
  crash(error: unknown): void {
    (this.#current.getStore() ?? this.#sessions.get(ONLY))?.crash(error);
  }

  /** Ends the sessions that nobody uses any more: whoever opened them is gone. */
  sweep(): void {
    if (!this.isShared) return;
    for (const [name, session] of this.#sessions) {
      if (!this.#isIdle(session.idleMs)) continue;
      report(`the session ${name} ends: idle`);
      this.end(name).catch((error) => report(`the session ${name} could not be ended`, error));
    }
  }

  /** Why this worker should exit now, if it should: never while it says that it is busy. The times are those awake. */
  get exitReason(): string | undefined {
    const now = performance.now();
    const sessions = [...this.#sessions.values()];
    const idleMs = Math.min(...sessions.map((session) => session.idleMs));
    const unusedMs = this.isShared || sessions.length === 0 ? now - this.#usedAt : Number.POSITIVE_INFINITY;
    if (this.#isIdle(Math.min(idleMs, unusedMs))) return "idle";
    const isBusy = sessions.some(({ health }) => health.idleMs === 0);
    return !isBusy && now - this.#startedAt >= this.config.maxSeconds * 1000 ? "too old" : undefined;
  }

  /** What `/ping` answers: busy while any session is. */
  get ping(): Session["health"]["reply"] {
    const replies = [...this.#sessions.values()].map(({ health }) => health.reply);
    const busy = replies.find(({ status }) => status === "HealthyBusy");
    return busy ?? replies[0] ?? { status: "Healthy", time_of_last_update: this.#since };
  }

  /** Ends every session with all its processes, and removes their files. */
  async close(graceSeconds: number): Promise<void> {
    await Promise.all([...this.#sessions.keys(), ...this.#ending.keys()].map((name) => this.end(name, graceSeconds)));
    await this.#pipes.close();
  }

  #isIdle(milliseconds: number): boolean {
    return milliseconds >= this.config.idleSeconds * 1000;
  }

  #add(name: string, environment: Environment): Session {
    const { uncollectedSeconds } = this.config;
    const session = new Session({ config: readSessionConfig(environment), pipes: this.#pipes, uncollectedSeconds });
    this.#sessions.set(name, session);
    return session;
  }
}
