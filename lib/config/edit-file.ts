import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Configuration } from "../contract/configuration.ts";
import { RetryableError } from "../contract/errors.ts";
import { type ConfigurationSource, interpretText } from "./config-file.ts";
import { type Change, editJson } from "./json-edit.ts";
import { readText } from "./locate.ts";
import { replaceFile, unwritable } from "./replace-file.ts";

/** Takes a file as a lock among all processes of this machine; undefined while another has it. */
export type TryLock = (path: string) => { release(): void } | undefined;

const PATIENCE_MS = 10_000;

/**
 * Changes the configuration file as `decide` says, which is given the configuration as it stands in the file, and what it
 * throws is thrown on. One process at a time does so, what is written is checked first, and whoever reads meanwhile has the
 * file as it was or as it will be; afterwards its owner alone can read it. A file that is not there is made. Resolves with
 * the configuration as it is then, unwritten where `dry`. Throws ConfigurationError for a file with mistakes, before or
 * after, RetryableError `platform.conflict`, RefusedError `configuration.unwritable`.
 */
export async function editConfigurationFile(
  source: ConfigurationSource,
  path: string,
  decide: (configuration: Configuration) => readonly Change[],
  { tryLock, dry = false }: { tryLock: TryLock; dry?: boolean },
): Promise<Configuration> {
  // Behind a symbolic link, because renaming would replace the link.
  const file = await realpath(path).catch(() => path);
  const lock = await take(lockOf(file), tryLock, path);
  try {
    const text = readText(path, false);
    const changes = decide(interpretText(source, path, text).configuration);
    const edited = editJson(text ?? "{}\n", changes);
    const { configuration } = interpretText(source, path, edited);
    if (!dry) await replaceFile(file, edited);
    return configuration;
  } finally {
    lock.release();
  }
}

/** Beside the file, so that all who change it meet there. */
const lockOf = (file: string): string => join(dirname(file), `.${basename(file)}.lock`);

async function take(lock: string, tryLock: TryLock, path: string): Promise<{ release(): void }> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    let taken: { release(): void } | undefined;
    try {
      taken = tryLock(lock);
    } catch (error) {
      throw unwritable(path, error);
    }
    if (taken) return taken;
    if (performance.now() > until)
      throw new RetryableError("platform.conflict", `another process has been changing ${path} for 10 s`, {
        hint: `try again; ${lock} is the lock that it holds`,
      });
    await sleep(10);
  }
}
