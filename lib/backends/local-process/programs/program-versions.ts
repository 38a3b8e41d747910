import { readFileSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import { type Asked, askProgram } from "./ask-program.ts";

const entrySchema = z.object({ stamp: z.string(), version: z.string() });
const fileSchema = z.record(z.string(), entrySchema);

/**
 * Versions of programs, each asked for once and kept until its file changes: to ask takes from 30 ms to seconds, too long for
 * each spawn. They are kept in a file, so that a system that lives for one run need not ask again.
 */
export class ProgramVersions {
  readonly #file: string;
  readonly #asking = new Map<string, Promise<string | undefined>>();
  #entries: z.infer<typeof fileSchema> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** The version of the program at that path, if it is known as the file now is. */
  known(path: string): string | undefined {
    const stamp = stampOf(path);
    const entry = this.#read()[path];
    return entry && entry.stamp === stamp ? entry.version : undefined;
  }

  /** The version, asked for where it is not known; undefined where the program does not say it. Never rejects. */
  async read(path: string, env: Record<string, string>): Promise<string | undefined> {
    return this.known(path) ?? this.ask(path, env);
  }

  /** Asks the program, whatever is known. Never rejects. */
  ask(path: string, env: Record<string, string>): Promise<string | undefined> {
    const asking = this.#asking.get(path) ?? this.#ask(path, env).finally(() => this.#asking.delete(path));
    this.#asking.set(path, asking);
    return asking;
  }

  async #ask(path: string, env: Record<string, string>): Promise<string | undefined> {
    const stamp = stampOf(path);
    const version = versionIn(await askProgram(path, ["--version"], { env, cwd: dirname(this.#file) }));
    if (version !== undefined && stamp !== undefined) this.#keep(path, { stamp, version });
    return version;
  }

  #read(): z.infer<typeof fileSchema> {
    if (this.#entries) return this.#entries;
    try {
      this.#entries = fileSchema.parse(JSON.parse(readFileSync(this.#file, "utf8")));
    } catch {
      this.#entries = {};
    }
    return this.#entries;
  }

  #keep(path: string, entry: z.infer<typeof entrySchema>): void {
    this.#entries = { ...this.#read(), [path]: entry };
    try {
      const temporary = `${this.#file}.new`;
      writeFileSync(temporary, JSON.stringify(this.#entries), { mode: 0o600 });
      renameSync(temporary, this.#file);
    } catch {
      // It is asked for again at the next start.
    }
  }
}

/** What changes when a program is installed anew; undefined where it is not there. */
function stampOf(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    const { mtimeMs, size, ino } = statSync(real);
    return [real, mtimeMs, size, ino].join(" ");
  } catch {
    return undefined;
  }
}

const versionIn = ({ exitCode, stdout }: Asked): string | undefined =>
  exitCode === 0 ? /\b\d+\.\d+\.\d+\b/.exec(stdout)?.[0] : undefined;

/** Whether a version is older than another; each is three numbers. */
export function isOlder(version: string, than: string): boolean {
  const [mine, theirs] = [version, than].map((text) => text.split(".").map(Number));
  for (const [at, number] of (mine ?? []).entries()) {
    const other = theirs?.[at] ?? 0;
    if (number !== other) return number < other;
  }
  return false;
}
