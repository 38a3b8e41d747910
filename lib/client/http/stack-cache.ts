import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { isObject } from "../../contract/json.ts";

/** What a stack says of its endpoint. */
export type StackEndpoint = { endpoint: string; region: string };

type Env = Readonly<Record<string, string | undefined>>;

/** For how long it is kept, in ms: a stack that was made anew elsewhere is noticed no later than this. */
export const KEPT_MS = 24 * 60 * 60_000;

/**
 * The file that keeps where the endpoint of one stack is, for whoever means the same account: a name alone says nothing of
 * that. It holds no secret; a file that cannot be used, or is older than a day, is as good as none.
 */
export class StackCache {
  readonly #folder: string;
  readonly #file: string;

  constructor(stack: { stack: string; region?: string | undefined; profile?: string | undefined }, env: Env) {
    const { stack: name, region = "", profile = "" } = stack;
    const id = createHash("sha256")
      .update(JSON.stringify([name, region, profile, ...sourceOfKeys(profile, env)]))
      .digest("hex")
      .slice(0, 32);
    this.#folder = userCacheDir(env, process.platform);
    this.#file = join(this.#folder, `stack-${id}.json`);
  }

  read(): StackEndpoint | undefined {
    try {
      // A clock that was set back must not make it last.
      if (Math.abs(Date.now() - statSync(this.#file).mtimeMs) > KEPT_MS) return undefined;
      const kept: unknown = JSON.parse(readFileSync(this.#file, "utf8"));
      if (!isObject(kept) || typeof kept.endpoint !== "string" || typeof kept.region !== "string") return undefined;
      return URL.canParse(kept.endpoint) ? { endpoint: kept.endpoint, region: kept.region } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps it; where nothing can be written, it is asked for each time. */
  write({ endpoint, region }: StackEndpoint): void {
    const temporary = `${this.#file}.${randomBytes(4).toString("hex")}`;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(temporary, JSON.stringify({ endpoint, region }), { mode: 0o600 });
      renameSync(temporary, this.#file);
    } catch {
      rmSync(temporary, { force: true });
    }
  }
}

/** What says whose the keys are: those of the environment themselves, else the files in which a profile is looked up. */
function sourceOfKeys(profile: string, env: Env): string[] {
  const { AWS_ACCESS_KEY_ID: key = "", AWS_CONFIG_FILE: config = "", AWS_SHARED_CREDENTIALS_FILE: shared = "" } = env;
  return [profile ? "" : key, config, shared];
}

/** Where this platform keeps what a user can do without: https://specifications.freedesktop.org/basedir-spec/latest/ */
function userCacheDir(env: Env, platform: NodeJS.Platform): string {
  const home = env.HOME || homedir();
  if (platform === "darwin") return join(home, "Library", "Caches", "agent-dispatch");
  const cache = env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(home, ".cache");
  return join(cache, "agent-dispatch");
}
