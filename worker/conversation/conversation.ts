import { copyFile, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { JobConversation, PollReply } from "../../lib/contract/worker.ts";
import type { OutputLog } from "../output/output-log.ts";
import { clip } from "../parse.ts";
import { report } from "../report.ts";
import { type Archive, pack, type SessionFile, unpack } from "./archive.ts";
import { fetchState, lost } from "./fetch-state.ts";

/** How a framework keeps its sessions. */
type Keeping = {
  /** Whether the files of a session are where the framework looks for them. */
  has(session: string): Promise<boolean>;
  /** Puts files where the framework looks for those of a session. */
  restore(session: string, files: readonly SessionFile[]): Promise<void>;
};

type Setup = {
  conversation: JobConversation;
  /** Where this machine keeps what it has of conversations; without it nothing stays here. */
  home: string | undefined;
  /** A folder of the job's own. */
  root: string;
  log: Pick<OutputLog, "note">;
  /** Tells whoever waits for news that there are some. */
  tell(): void;
};

/** What was packed here last, or fetched, and what that went on from; `home` is the home of the programs then. */
type Mark = { sha256: string[]; home?: string };

/**
 * One turn of a conversation: what its agent goes on with, and what it leaves to the next. Where the last turn ran on this
 * machine, with the same home, its files are used as they are; else what it left is fetched.
 */
export class Conversation {
  readonly #setup: Setup;
  #session: PollReply["session"];
  #archive: Archive | undefined;

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  get id(): string {
    return this.#setup.conversation.id;
  }

  /** The session that the framework told of; the next turn goes on with it, however this one ends. */
  get session(): PollReply["session"] {
    return this.#session;
  }

  /** What is to be brought home of it. */
  get archive(): Archive | undefined {
    return this.#archive;
  }

  /** Notes the framework's own session, as soon as it is known. */
  note(framework: string, id: string): void {
    if (id.length > 200 || (this.#session?.id === id && this.#session.framework === framework)) return;
    this.#session = { framework, id };
    this.#setup.tell();
  }

  /**
   * The framework's session to go on with, whose files are then where it looks for them; undefined where it begins afresh,
   * and the log says why. Throws RefusedError `worker.conversation_lost`.
   */
  async resume(framework: string, keeping: Keeping, programHome?: string): Promise<string | undefined> {
    const { conversation, log } = this.#setup;
    const { session, state } = conversation;
    const mine = session?.framework === framework ? session.id : undefined;
    if (mine !== undefined && (await this.#isCurrent(programHome)) && (await keeping.has(mine))) return mine;
    const kept = state && (await this.#fetch());
    if (kept?.framework === framework) {
      await keeping.restore(kept.session, kept.files);
      await this.#mark([], programHome);
      if (mine !== undefined && mine !== kept.session)
        log.note("nothing is left of the last turn of the conversation: the agent goes on from the one before");
      return kept.session;
    }
    const other = session && mine === undefined ? session.framework : kept?.framework;
    if (other !== undefined)
      log.note(`the last turn of the conversation was ${clip(other, 100)}'s: ${framework} begins afresh`);
    else if (mine !== undefined) log.note("nothing is left of the conversation: the agent begins afresh");
    return undefined;
  }

  /** A folder that a framework finds again in the next turn, as it leaves it. Throws as `resume` does. */
  async folder(framework: string): Promise<string> {
    const { home, root } = this.#setup;
    const folder = home === undefined ? join(root, "conversation") : join(this.#placeIn(home), "folders", framework);
    const { state } = this.#setup.conversation;
    if (state && !(await this.#isCurrent())) {
      const kept = await this.#fetch();
      await rm(folder, { recursive: true, force: true });
      if (kept.framework === framework) await copyInto(folder, kept.files);
      await this.#mark([]);
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (home !== undefined) await utimes(this.#placeIn(home), new Date(), new Date());
    return folder;
  }

  /** Packs what the next turn needs, wherever it runs. What cannot be kept is a line in the log. */
  async keep(framework: string, session: string, files: readonly SessionFile[], programHome?: string): Promise<void> {
    this.note(framework, session);
    const { root, log } = this.#setup;
    const leave = (name: string, reason: string) =>
      log.note(`left out of the conversation: ${clip(name, 100)} (${reason})`);
    try {
      this.#archive = await pack(join(root, "conversation.state"), { framework, session }, files, leave);
      if (this.#archive) await this.#mark([this.#archive.sha256], programHome);
    } catch (error) {
      this.#archive = undefined;
      report("the state of a conversation could not be kept", error);
      log.note("what the next turn of the conversation needs could not be kept");
    }
  }

  /** The regular files of a folder. */
  static async filesOf(folder: string): Promise<SessionFile[]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => ({ path, name: path.slice(folder.length + 1).replaceAll("\\", "/") }));
  }

  async #fetch(): Promise<Awaited<ReturnType<typeof unpack>>> {
    const { conversation, root } = this.#setup;
    const { state } = conversation;
    if (!state) throw new Error("there is nothing to fetch");
    const path = join(root, "conversation.last");
    await fetchState(state, path);
    const folder = join(root, "conversation.files");
    await mkdir(folder, { mode: 0o700 });
    return unpack(path, folder).catch((error) => {
      report("the state of a conversation could not be unpacked", error);
      throw lost("it cannot be read");
    });
  }

  #placeIn(home: string): string {
    return join(home, this.id);
  }

  /** Whether no turn since the last one here has brought home anything else. */
  async #isCurrent(programHome?: string): Promise<boolean> {
    const { home, conversation } = this.#setup;
    if (!conversation.state) return true;
    if (home === undefined) return false;
    const mark = await readMark(join(this.#placeIn(home), "mark.json"));
    return mark !== undefined && mark.home === programHome && mark.sha256.includes(conversation.state.sha256);
  }

  async #mark(sha256: string[], programHome?: string): Promise<void> {
    const { home, conversation } = this.#setup;
    if (home === undefined) return;
    const mark: Mark = {
      sha256: [...sha256, ...(conversation.state ? [conversation.state.sha256] : [])],
      ...(programHome !== undefined && { home: programHome }),
    };
    const path = join(this.#placeIn(home), "mark.json");
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(`${path}.new`, JSON.stringify(mark), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
}

async function copyInto(folder: string, files: readonly SessionFile[]): Promise<void> {
  for (const { path, name } of files) {
    const target = join(folder, name);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await copyFile(path, target);
  }
}

async function readMark(path: string): Promise<Mark | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Mark;
  } catch {
    return undefined;
  }
}
